"""From triangles to the visibility buffer, band by band."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu import coverage
from avatarkit.render.cpu.coverage import MARK, draw_cut, draw_solid, prepare
from avatarkit.render.cpu.jit import F32, I16, I32, I64, U8, kernel
from avatarkit.render.cpu.materials import BASE, CUTOFF, SOFT, TEXTURE
from avatarkit.render.cpu.textures import mip_level


@kernel
def list_in_bands(rows: I16, band_rows: int, starts: I64, listed: I32) -> int:
    """List for every band the triangles that touch it, in their order; returns the length of all lists together.

    ``rows`` (m, 2) are the first and last pixel row of every triangle; the last is -1 where it is not drawn. The
    lists go to ``listed``, behind one another, and where they begin to ``starts`` (bands + 1,). Where they are longer
    than ``listed``, nothing is listed.
    """
    starts[:] = 0
    for t in range(rows.shape[0]):
        if rows[t, 1] >= 0:
            for band in range(rows[t, 0] // band_rows, rows[t, 1] // band_rows + 1):
                starts[band + 1] += 1
    for band in range(starts.shape[0] - 1):
        starts[band + 1] += starts[band]
    length = int(starts[starts.shape[0] - 1])
    if length > listed.shape[0]:
        return length
    ends = starts.copy()
    for t in range(rows.shape[0]):
        if rows[t, 1] >= 0:
            for band in range(rows[t, 0] // band_rows, rows[t, 1] // band_rows + 1):
                listed[ends[band]] = t
                ends[band] += 1
    return length


@kernel
def raster_band(
    listed: I32, triangles: I32, materials: I32, factors: F32, flags: I32, alphas: U8, levels: I32, counts: I32,
    fixed: I32, record: F32, seen: I32, width: int, top: int, bottom: int,
) -> None:  # fmt: skip
    """Draw rows ``top`` to ``bottom`` (exclusive) of the image into the visibility buffer ``seen``, from its top on.

    Coverage is exact in 1/256 pixel with the top-left rule: no sample between two triangles is missed or drawn
    twice. Of equal depths the triangle that comes first is seen. ``alphas``, ``levels`` and ``counts`` are those
    of the texture pool.
    """
    seen[: bottom - top] = 0
    flat, stride = seen.reshape(-1), np.int64(seen.shape[1] * seen.shape[2])
    lanes = coverage.lane_places()
    small_lanes = lanes.astype(np.int32)
    setup, plane = np.zeros(coverage.SETUP, np.int64), np.zeros(3, np.float64)
    corners, texture = np.zeros(9, np.float32), np.zeros(3, np.int32)
    half = np.float32(0.5)
    for n in range(listed.shape[0]):
        t = listed[n]
        material = materials[t]
        cutoff = factors[material, CUTOFF]
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        clockwise = (np.int64(fixed[b, 0]) - fixed[a, 0]) * (np.int64(fixed[c, 1]) - fixed[a, 1]) - (
            np.int64(fixed[c, 0]) - fixed[a, 0]
        ) * (np.int64(fixed[b, 1]) - fixed[a, 1])
        if clockwise < 0:
            b, c = c, b
        small = prepare(
            fixed, a, b, c, np.int64(width), np.int64(top), np.int64(bottom), setup, plane, lanes, small_lanes
        )  # fmt: skip
        setup[MARK] = t + 1
        if cutoff < 0.0:
            if small:
                draw_solid(setup, plane, small_lanes, flat, stride)
            else:
                draw_solid(setup, plane, lanes, flat, stride)
            continue
        area = np.float32(abs(clockwise))
        base, image = factors[material, BASE + 3], flags[material, TEXTURE]
        spread = np.float32(flags[material, SOFT])
        corners[0], corners[1], corners[2] = base * record[a, 12], base * record[b, 12], base * record[c, 12]
        texture[1] = 0
        if image >= 0:
            u0, u1, u2 = record[a, 13], record[b, 13], record[c, 13]
            v0, v1, v2 = record[a, 14], record[b, 14], record[c, 14]
            x1, y1 = record[b, 0] - record[a, 0], record[b, 1] - record[a, 1]
            x2, y2 = record[c, 0] - record[a, 0], record[c, 1] - record[a, 1]
            scale_u = np.float32(65536.0) / area * np.float32(levels[image, 0, 1])
            scale_v = np.float32(65536.0) / area * np.float32(levels[image, 0, 2])
            level = mip_level(
                ((u1 - u0) * y2 - (u2 - u0) * y1) * scale_u, ((u2 - u0) * x1 - (u1 - u0) * x2) * scale_u,
                ((v1 - v0) * y2 - (v2 - v0) * y1) * scale_v, ((v2 - v0) * x1 - (v1 - v0) * x2) * scale_v,
                counts[image],
            )  # fmt: skip
            texture[0], texture[1], texture[2] = (
                levels[image, level, 0],
                levels[image, level, 1],
                levels[image, level, 2],
            )
            across, along = np.float32(texture[1]), np.float32(texture[2])
            corners[3], corners[4], corners[5] = u0 * across - half, u1 * across - half, u2 * across - half
            corners[6], corners[7], corners[8] = v0 * along - half, v1 * along - half, v2 * along - half
        over = np.float32(1.0) / area
        if small:
            draw_cut(setup, plane, small_lanes, flat, stride, over, cutoff, spread, corners, alphas, texture)
        else:
            draw_cut(setup, plane, lanes, flat, stride, over, cutoff, spread, corners, alphas, texture)
