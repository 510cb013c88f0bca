"""Kernels that draw the shadow map: how far the key light reaches."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import least, load, load_halves, store_halves, where
from avatarkit.render.cpu.arrays import F32, I16, I32
from avatarkit.render.cpu.jit import kernel
from avatarkit.render.cpu.shadow_map import LANES, TILE

_AROUND: Final = 1 + -(-4 // TILE)
"""How many tiles, each way, a filter of 5 x 5 texels may touch that begins in a tile."""

_ROWS: Final = 2
_COLUMNS: Final = LANES // _ROWS
"""Texels that are tested at once; most triangles are a few texels wide and high."""

_LANE_PLACES: Final = np.concatenate([np.arange(LANES) % _COLUMNS, np.arange(LANES) // _COLUMNS]).astype(np.float32)


@kernel
def shadow_band(triangles: I32, rows: I16, points: F32, depth: F32, top: int, bottom: int) -> None:
    """Draw rows ``top`` to ``bottom`` (exclusive) of the shadow map: the depth (metres) nearest to the light.

    ``depth`` is (size, size + LANES), ``points`` (n, 3) are vertices in the light's view, ``rows`` (m, 2) the
    rows that each triangle touches. ``top`` and ``bottom`` are even.
    """
    size = depth.shape[0]
    flat, stride = depth.reshape(-1), depth.shape[1]
    for texel in range(top * stride, bottom * stride):
        flat[texel] = np.float32(1e9)
    lane_x, lane_y = load(_LANE_PLACES, np.uint64(0)), load(_LANE_PLACES, np.uint64(LANES))
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
        # Two corners' shares of a texel, which are 0..1 inside, and by how much they grow to the right and downwards.
        right1, down1, right2, down2 = (y2 - y0) * over, (x0 - x2) * over, (y0 - y1) * over, (x1 - x0) * over
        lanes1, lanes2 = lane_x * right1 + lane_y * down1, lane_x * right2 + lane_y * down2
        # Strip by strip: most triangles are one or two strips wide, so that this loop's end is easier to foresee.
        first = first // _ROWS * _ROWS
        begin = np.float32(first) + np.float32(0.5) - y0
        for x in range(left, right + 1, _COLUMNS):
            across = np.float32(x) + np.float32(0.5) - x0
            share1, share2 = across * right1 + begin * down1, across * right2 + begin * down2
            k = np.uint64(first * stride + x)
            for _ in range(first, last + 1, _ROWS):
                below = k + np.uint64(stride)
                texels1, texels2 = lanes1 + share1, lanes2 + share2
                inside = least(least(texels1, texels2), np.float32(1.0) - texels1 - texels2) >= np.float32(0.0)
                was = load_halves(flat, k, below)
                now = least(texels1 * (z1 - z0) + texels2 * (z2 - z0) + z0, was)
                store_halves(flat, k, below, where(inside, now, was))
                share1 += down1 * np.float32(_ROWS)
                share2 += down2 * np.float32(_ROWS)
                k += np.uint64(_ROWS * stride)


@kernel
def survey_shadow(depth: F32, reach: F32, begin: int, end: int) -> None:
    """The least and the greatest depths near each tile of the shadow map: ``reach`` is (tiles, tiles, 2).

    "Near" is what a filter of 5 x 5 texels touches that begins within the tile. Rows ``begin`` to ``end`` of tiles.
    """
    tiles = reach.shape[0]
    rows = min(end + _AROUND - 1, tiles) - begin
    nearest, farthest = np.empty((rows, tiles), np.float32), np.empty((rows, tiles), np.float32)
    for row in range(rows):
        _bound_tiles(depth, begin + row, nearest[row], farthest[row])
    near, far = np.empty(tiles + _AROUND, np.float32), np.empty(tiles + _AROUND, np.float32)
    for row in range(end - begin):
        near[:], far[:] = np.float32(np.inf), np.float32(-np.inf)
        for other in range(row, min(row + _AROUND, rows)):
            for x in range(tiles):
                near[x], far[x] = min(near[x], nearest[other, x]), max(far[x], farthest[other, x])
        for x in range(tiles):
            low, high = near[x], far[x]
            for other in range(1, _AROUND):
                low, high = min(low, near[x + other]), max(high, far[x + other])
            reach[begin + row, x, 0], reach[begin + row, x, 1] = low, high


@kernel
def _bound_tiles(depth: F32, row: int, nearest: F32, farthest: F32) -> None:
    """The least and the greatest depths within each tile of a row of tiles."""
    for x in range(nearest.shape[0]):
        low, high = np.float32(np.inf), np.float32(-np.inf)
        for j in range(TILE):
            for i in range(TILE):
                value = depth[row * TILE + j, x * TILE + i]
                low, high = min(low, value), max(high, value)
        nearest[x], farthest[x] = low, high
