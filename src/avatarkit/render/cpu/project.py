"""Kernels that take vertices to the screen and to the light's view."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.arrays import F32, I16, I32, U8
from avatarkit.render.cpu.jit import kernel
from avatarkit.render.cpu.records import NEARNESS, X, Y
from avatarkit.render.cpu.views import NEAREST_M
from avatarkit.render.cpu.visibility import DEPTH_STEPS, SUBPIXELS

CULLED: Final = 32767
"""First row of a triangle that is not drawn."""


@kernel
def project(view: F32, positions: F32, record: F32, fixed: I32, begin: int, end: int) -> None:
    """Fill the first columns of the vertex records from world positions (n, 3), and the places on the screen (n, 4).

    These are column and row in 1/256 pixel and 1/depth in ``DEPTH_STEPS``, 0 for what is too near.
    """
    focal, cx, cy = view[3, 0], view[3, 2], view[3, 3]
    far_off = np.float32(1e6)
    for v in range(begin, end):
        x, y, z = positions[v, 0], positions[v, 1], positions[v, 2]
        depth = view[2, 0] * x + view[2, 1] * y + view[2, 2] * z + view[2, 3]
        if not depth > NEAREST_M:
            fixed[v, 2] = 0
            continue
        inverse = np.float32(1.0) / depth
        sx = cx + focal * inverse * (view[0, 0] * x + view[0, 1] * y + view[0, 2] * z + view[0, 3])
        sy = cy + focal * inverse * (view[1, 0] * x + view[1, 1] * y + view[1, 2] * z + view[1, 3])
        sx = min(max(sx, -far_off), far_off)
        sy = min(max(sy, -far_off), far_off)
        fixed[v, 0] = int(np.floor(sx * SUBPIXELS + np.float32(0.5)))
        fixed[v, 1] = int(np.floor(sy * SUBPIXELS + np.float32(0.5)))
        record[v, X] = fixed[v, 0] * np.float32(1.0 / SUBPIXELS)
        record[v, Y] = fixed[v, 1] * np.float32(1.0 / SUBPIXELS)
        record[v, NEARNESS] = inverse
        fixed[v, 2] = max(int(inverse * np.float32(DEPTH_STEPS)), 1)


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


@kernel
def to_light(light: F32, positions: F32, out: F32, begin: int, end: int) -> None:
    """Positions (n, 3) of vertices in the light's view."""
    for v in range(begin, end):
        x, y, z = positions[v, 0], positions[v, 1], positions[v, 2]
        out[v, 0] = light[0, 0] * x + light[0, 1] * y + light[0, 2] * z + light[0, 3]
        out[v, 1] = light[1, 0] * x + light[1, 1] * y + light[1, 2] * z + light[1, 3]
        out[v, 2] = light[2, 0] * x + light[2, 1] * y + light[2, 2] * z + light[2, 3]
