"""From triangles to the visibility buffer, band by band."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.arrays import F32, I16, I32, I64, U32
from avatarkit.render.cpu.blocks import columns_behind, is_hidden, list_blocks, nothing_behind
from avatarkit.render.cpu.coverage import box_around, draw_cut, draw_solid
from avatarkit.render.cpu.cutout import CUT_VALUES, cut_of, prepare_cut
from avatarkit.render.cpu.jit import kernel
from avatarkit.render.cpu.materials import CUTOFF
from avatarkit.render.cpu.sides import nearness, sides_of
from avatarkit.render.cpu.visibility import BLOCK_SIDE, BLOCK_SUBPIXELS, LANES, SUBPIXELS


@kernel
def list_in_bands(rows: I16, band_rows: int, starts: I64, listed: I32) -> None:
    """List for every band of ``band_rows``, a power of two, the triangles that touch it, in their order.

    ``rows`` (m, 2) are the first and last pixel row of every triangle; the last is -1 where it is not drawn. The
    lists go to ``listed``, behind one another, and where they begin to ``starts`` (bands + 1,), whose last number is
    the length of all together. Where that is more than ``listed`` holds, nothing is listed.
    """
    bits = 0  # divisions would take most of the time
    while band_rows >> bits > 1:
        bits += 1
    for band in range(starts.shape[0]):
        starts[band] = 0
    for t in range(rows.shape[0]):
        if rows[t, 1] >= 0:
            for band in range(rows[t, 0] >> bits, (rows[t, 1] >> bits) + 1):
                starts[band + 1] += 1
    for band in range(starts.shape[0] - 1):
        starts[band + 1] += starts[band]
    if starts[starts.shape[0] - 1] > listed.shape[0]:
        return
    ends = starts.copy()
    for t in range(rows.shape[0]):
        if rows[t, 1] >= 0:
            for band in range(rows[t, 0] >> bits, (rows[t, 1] >> bits) + 1):
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
    of the texture pool. ``top`` is a multiple of 4, as is the pattern of limits by which soft edges are cut out.
    """
    flat, stride = seen.reshape(-1), np.int64(seen.shape[1] * seen.shape[2])
    lines, columns = (bottom - top + BLOCK_SIDE - 1) // BLOCK_SIDE, np.int64(columns_behind(width))
    for k in range(lines * stride):
        flat[np.uint64(k)] = 0
    behind = nothing_behind(lines, columns)
    pending = np.empty(behind.shape[0] + LANES, np.int32)
    cutting = np.zeros(CUT_VALUES, np.float32)
    right, first_row, end_row = np.int64(width), np.int64(top), np.int64(bottom)
    for n in range(listed.shape[0]):
        t = listed[n]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = np.int64(fixed[a, 0]), np.int64(fixed[a, 1])
        clockwise = (fixed[b, 0] - x0) * (fixed[c, 1] - y0) - (fixed[c, 0] - x0) * (fixed[b, 1] - y0)
        if clockwise < 0:
            b, c = c, b
        x1, y1 = np.int64(fixed[b, 0]), np.int64(fixed[b, 1])
        x2, y2 = np.int64(fixed[c, 0]), np.int64(fixed[c, 1])
        near0, near1, near2 = np.int64(fixed[a, 2]), np.int64(fixed[b, 2]), np.int64(fixed[c, 2])
        box = box_around(x0, y0, x1, y1, x2, y2, right, first_row, end_row)
        if is_hidden(box, max(near0, near1, near2), behind, columns):
            continue
        from_x, from_y = box.left * BLOCK_SUBPIXELS, box.upper * BLOCK_SUBPIXELS + first_row * SUBPIXELS
        extent = max(max(x0, x1, x2) - min(x0, x1, x2), max(y0, y1, y2) - min(y0, y1, y2))
        sides = sides_of(x0, y0, x1, y1, x2, y2, extent, from_x, from_y)
        plane = nearness(sides, near0, near1, near2, x0, y0, from_x, from_y)
        count = list_blocks(box, sides, extent, plane, behind, columns, pending)
        material = materials[t]
        if count == 0:
            continue
        if factors[material, CUTOFF] < 0.0:
            draw_solid(t + 1, box, sides, plane, pending, count, flat, stride, behind, columns)
        else:
            first = prepare_cut(
                a, b, c, abs(clockwise), factors[material], flags[material], record, masks, levels, counts, cutting
            )  # fmt: skip
            cut = cut_of(cutting, sides, from_x - x0, from_y - y0)
            draw_cut(
                t + 1, box, sides, plane, pending, count, flat, stride, behind, columns, cut, cutting, masks, first
            )  # fmt: skip
