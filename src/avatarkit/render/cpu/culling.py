"""Kernels that say which triangles the camera and the light may see."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.arrays import F32, I16, I32, U8
from avatarkit.render.cpu.jit import kernel
from avatarkit.render.cpu.visibility import SUBPIXELS

CULLED: Final = 32767
"""First row of a triangle that is not drawn."""


@kernel
def cull(
    triangles: I32,
    materials: I32,
    flags: I32,
    fixed: I32,
    width: int,
    height: int,
    rows: I16,
    begin: int,
    end: int,
) -> None:
    """First and last pixel row (m, 2) of every triangle that may be seen; ``CULLED`` for the others."""
    for t in range(begin, end):
        rows[t, 0] = CULLED
        rows[t, 1] = -1
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if fixed[a, 2] == 0 or fixed[b, 2] == 0 or fixed[c, 2] == 0:
            continue
        ax, ay, bx, by, cx, cy = fixed[a, 0], fixed[a, 1], fixed[b, 0], fixed[b, 1], fixed[c, 0], fixed[c, 1]
        area = (np.int64(bx) - ax) * (np.int64(cy) - ay) - (np.int64(cx) - ax) * (np.int64(by) - ay)
        if area == 0 or (area > 0 and flags[materials[t], 2] == 0):
            continue
        if max(ax, bx, cx) < 0 or min(ax, bx, cx) >= width * SUBPIXELS:
            continue
        low, high = min(ay, by, cy), max(ay, by, cy)
        if high < 0 or low >= height * SUBPIXELS:
            continue
        rows[t, 0] = max(low >> 8, 0)
        rows[t, 1] = min(high >> 8, height - 1)


@kernel
def cull_light(
    triangles: I32, casts: U8, materials: I32, flags: I32, points: F32, rows: I16, begin: int, end: int
) -> None:
    """As :func:`cull`, for the shadow map: rows of the triangles that throw a shadow and face the light."""
    for t in range(begin, end):
        rows[t, 0] = CULLED
        rows[t, 1] = -1
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if casts[t] == 0 or abs(area) < 1e-9 or (area > 0.0 and flags[materials[t], 2] == 0):
            continue
        # A row counts when its middle lies within.
        first = int(np.ceil(min(y0, y1, y2) - np.float32(0.5)))
        last = int(np.floor(max(y0, y1, y2) - np.float32(0.5)))
        if first <= last:
            rows[t, 0] = max(first, 0)
            rows[t, 1] = min(last, CULLED - 1)
