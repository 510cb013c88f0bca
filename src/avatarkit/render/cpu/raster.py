"""From triangles to the visibility buffer, band by band."""

from __future__ import annotations

import numpy as np

from avatarkit.compiled.vectors import load
from avatarkit.render.cpu import coverage
from avatarkit.render.cpu.arrays import F32, I16, I32, I64, U32
from avatarkit.render.cpu.coverage import (
    CORNER_ALPHA,
    CORNER_U,
    CORNER_V,
    CUT_AT,
    CUT_HEIGHT,
    CUT_SPREAD,
    CUT_WIDTH,
    LANE_PLACES,
    draw,
)
from avatarkit.render.cpu.jit import Whole, kernel
from avatarkit.render.cpu.materials import BASE, CUTOFF, SOFT, TEXTURE
from avatarkit.render.cpu.records import ALPHA, U, V, X, Y
from avatarkit.render.cpu.sampling import mip_level
from avatarkit.render.cpu.visibility import BLOCK_SIDE, LANES


@kernel
def list_in_bands(rows: I16, band_rows: int, starts: I64, listed: I32) -> None:
    """List for every band the triangles that touch it, in their order.

    ``rows`` (m, 2) are the first and last pixel row of every triangle; the last is -1 where it is not drawn. The
    lists go to ``listed``, behind one another, and where they begin to ``starts`` (bands + 1,), whose last number is
    the length of all together. Where that is more than ``listed`` holds, nothing is listed.
    """
    for band in range(starts.shape[0]):
        starts[band] = 0
    for t in range(rows.shape[0]):
        if rows[t, 1] >= 0:
            for band in range(rows[t, 0] // band_rows, rows[t, 1] // band_rows + 1):
                starts[band + 1] += 1
    for band in range(starts.shape[0] - 1):
        starts[band + 1] += starts[band]
    if starts[starts.shape[0] - 1] > listed.shape[0]:
        return
    ends = starts.copy()
    for t in range(rows.shape[0]):
        if rows[t, 1] >= 0:
            for band in range(rows[t, 0] // band_rows, rows[t, 1] // band_rows + 1):
                listed[ends[band]] = t
                ends[band] += 1


@kernel
def raster_band(
    listed: I32, triangles: I32, materials: I32, factors: F32, flags: I32, masks: U32, levels: I32, counts: I32,
    fixed: I32, record: F32, seen: I32, width: int, top: int, bottom: int,
) -> None:  # fmt: skip
    """Draw rows ``top`` to ``bottom`` (exclusive) of the image into the visibility buffer ``seen``, from its top on.

    Coverage is exact in 1/256 pixel with the top-left rule: no sample between two triangles is missed or drawn
    twice. Of equal depths the triangle that comes first is seen. ``masks``, ``levels`` and ``counts`` are those
    of the texture pool.
    """
    flat, stride = seen.reshape(-1), np.int64(seen.shape[1] * seen.shape[2])
    for k in range((bottom - top + BLOCK_SIDE - 1) // BLOCK_SIDE * stride):
        flat[np.uint64(k)] = 0
    lane_x, lane_y = load(LANE_PLACES, np.uint64(0)), load(LANE_PLACES, np.uint64(LANES))
    cutting = np.zeros(coverage.CUT_VALUES, np.float32)
    right, first_row, end_row = np.int64(width), np.int64(top), np.int64(bottom)
    for n in range(listed.shape[0]):
        t = listed[n]
        material = materials[t]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = np.int64(fixed[a, 0]), np.int64(fixed[a, 1])
        clockwise = (fixed[b, 0] - x0) * (fixed[c, 1] - y0) - (fixed[c, 0] - x0) * (fixed[b, 1] - y0)
        if clockwise < 0:
            b, c = c, b
        if factors[material, CUTOFF] < 0.0:
            draw(
                fixed, a, b, c, t + 1, right, first_row, end_row, flat, stride, lane_x, lane_y, False, masks, 0,
                cutting,
            )  # fmt: skip
        else:
            first = _prepare_cut(
                a, b, c, abs(clockwise), factors[material], flags[material], record, masks, levels, counts, cutting
            )  # fmt: skip
            draw(
                fixed, a, b, c, t + 1, right, first_row, end_row, flat, stride, lane_x, lane_y, True, masks, first,
                cutting,
            )  # fmt: skip


@kernel
def _prepare_cut(
    a: Whole, b: Whole, c: Whole, fixed_area: Whole, factors: F32, flags: I32, record: F32, masks: U32, levels: I32,
    counts: I32, cutting: F32,
) -> Whole:  # fmt: skip
    """Fill ``cutting`` for a triangle of a material; returns where the mipmap level begins that it takes."""
    half, opaque, base = np.float32(0.5), np.float32(255.0), factors[BASE + 3]
    cutting[CORNER_ALPHA] = base * record[a, ALPHA]
    cutting[CORNER_ALPHA + 1] = base * record[b, ALPHA]
    cutting[CORNER_ALPHA + 2] = base * record[c, ALPHA]
    cutting[CUT_AT], cutting[CUT_SPREAD] = factors[CUTOFF] * opaque, np.float32(flags[SOFT]) * opaque
    image = flags[TEXTURE]
    if image < 0:
        cutting[CUT_WIDTH] = cutting[CUT_HEIGHT] = np.float32(1.0)
        return np.int64(masks.shape[0] - 1)
    u0, u1, u2 = record[a, U], record[b, U], record[c, U]
    v0, v1, v2 = record[a, V], record[b, V], record[c, V]
    x1, y1 = record[b, X] - record[a, X], record[b, Y] - record[a, Y]
    x2, y2 = record[c, X] - record[a, X], record[c, Y] - record[a, Y]
    over = np.float32(65536.0) / np.float32(fixed_area)
    scale_u, scale_v = over * np.float32(levels[image, 0, 1]), over * np.float32(levels[image, 0, 2])
    level = mip_level(
        ((u1 - u0) * y2 - (u2 - u0) * y1) * scale_u, ((u2 - u0) * x1 - (u1 - u0) * x2) * scale_u,
        ((v1 - v0) * y2 - (v2 - v0) * y1) * scale_v, ((v2 - v0) * x1 - (v1 - v0) * x2) * scale_v, counts[image],
    )  # fmt: skip
    across, along = np.float32(levels[image, level, 1]), np.float32(levels[image, level, 2])
    cutting[CUT_WIDTH], cutting[CUT_HEIGHT] = across, along
    cutting[CORNER_U], cutting[CORNER_V] = u0 * across - half, v0 * along - half
    cutting[CORNER_U + 1], cutting[CORNER_V + 1] = u1 * across - half, v1 * along - half
    cutting[CORNER_U + 2], cutting[CORNER_V + 2] = u2 * across - half, v2 * along - half
    return np.int64(levels[image, level, 0])
