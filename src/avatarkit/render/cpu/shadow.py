"""Kernels that draw the shadow map: how far the key light reaches."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.arrays import F32, I16, I32
from avatarkit.render.cpu.jit import kernel
from avatarkit.render.cpu.shadow_map import LANES, TILE

_AROUND: Final = 1 + -(-4 // TILE)
"""How many tiles, each way, a filter of 5 x 5 texels may touch that begins in a tile."""


@kernel
def shadow_band(triangles: I32, rows: I16, points: F32, depth: F32, top: int, bottom: int) -> None:
    """Draw rows ``top`` to ``bottom`` (exclusive) of the shadow map: the depth (metres) nearest to the light.

    ``depth`` is (size, size + LANES), ``points`` (n, 3) are vertices in the light's view, ``rows`` (m, 2) the
    rows that each triangle touches.
    """
    size = depth.shape[0]
    flat, stride = depth.reshape(-1), depth.shape[1]
    for texel in range(top * stride, bottom * stride):
        flat[texel] = np.float32(1e9)
    for t in range(triangles.shape[0]):
        if rows[t, 1] < top or rows[t, 0] >= bottom:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1 = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        x2, y2 = points[c, 0], points[c, 1]
        first, last = max(top, int(rows[t, 0])), min(bottom - 1, int(rows[t, 1]))
        left = max(0, int(np.ceil(min(x0, x1, x2) - np.float32(0.5))))
        right = min(size - 1, int(np.floor(max(x0, x1, x2) - np.float32(0.5))))
        if left > right:
            continue
        over = np.float32(1.0) / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
        z0, z1, z2 = points[a, 2], points[b, 2], points[c, 2]
        step1, step2 = (y2 - y0) * over, (y0 - y1) * over
        px = np.float32(left) + np.float32(0.5)
        for y in range(first, last + 1):
            py = np.float32(y) + np.float32(0.5)
            w1 = ((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) * over
            w2 = ((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * over
            for x in range(left, right + 1, LANES):
                for lane in range(LANES):
                    far = np.float32(lane)
                    l1, l2 = w1 + far * step1, w2 + far * step2
                    l0 = np.float32(1.0) - l1 - l2
                    z = l0 * z0 + l1 * z1 + l2 * z2
                    k = np.uint64(y * stride + x) + np.uint64(lane)
                    flat[k] = min(flat[k], z if min(l0, l1, l2) >= 0.0 else np.float32(1e9))
                w1 += step1 * np.float32(LANES)
                w2 += step2 * np.float32(LANES)


@kernel
def survey_shadow(depth: F32, reach: F32, begin: int, end: int) -> None:
    """The least and the greatest depths near each tile of the shadow map: ``reach`` is (tiles, tiles, 2).

    "Near" is what a filter of 5 x 5 texels touches that begins within the tile. Rows ``begin`` to ``end`` of tiles.
    """
    tiles = reach.shape[0]
    rows = min(end + _AROUND - 1, tiles) - begin
    least, greatest = np.empty((rows, tiles), np.float32), np.empty((rows, tiles), np.float32)
    for row in range(rows):
        _bound_tiles(depth, begin + row, least[row], greatest[row])
    near, far = np.empty(tiles + _AROUND, np.float32), np.empty(tiles + _AROUND, np.float32)
    for row in range(end - begin):
        near[:], far[:] = np.float32(np.inf), np.float32(-np.inf)
        for other in range(row, min(row + _AROUND, rows)):
            for x in range(tiles):
                near[x], far[x] = min(near[x], least[other, x]), max(far[x], greatest[other, x])
        for x in range(tiles):
            low, high = near[x], far[x]
            for other in range(1, _AROUND):
                low, high = min(low, near[x + other]), max(high, far[x + other])
            reach[begin + row, x, 0], reach[begin + row, x, 1] = low, high


@kernel
def _bound_tiles(depth: F32, row: int, least: F32, greatest: F32) -> None:
    """The least and the greatest depths within each tile of a row of tiles."""
    for x in range(least.shape[0]):
        low, high = np.float32(np.inf), np.float32(-np.inf)
        for j in range(TILE):
            for i in range(TILE):
                value = depth[row * TILE + j, x * TILE + i]
                low, high = min(low, value), max(high, value)
        least[x], greatest[x] = low, high
