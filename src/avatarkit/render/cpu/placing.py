"""The kernel that takes vertices, sixteen at once, from the pose's shape to the screen and to the light's view."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np

from avatarkit.compiled.vector_rows import load_fours, load_threes, store_columns, store_fours, store_threes
from avatarkit.compiled.vectors import (
    Vector,
    floats_of,
    floor,
    least,
    load,
    most,
    root,
    to_floats,
    to_wholes,
    where,
    wholes_of,
)
from avatarkit.render.cpu.arrays import F32, I32
from avatarkit.render.cpu.jit import Whole, inlined, kernel
from avatarkit.render.cpu.records import NEARNESS, NORMAL, RECORD, TANGENT, X, Y
from avatarkit.render.cpu.views import NEAREST_M
from avatarkit.render.cpu.visibility import DEPTH_STEPS, LANES, SUBPIXELS

_FAR_OFF: Final = 1e6
"""No place on the screen is farther from its corner than so many pixels."""

_MOVING: Final = 1 << X | 1 << Y | 1 << NEARNESS | 7 << NORMAL | 7 << TANGENT
"""The columns of the vertex records that change from frame to frame."""

_Triple: TypeAlias = tuple[Vector, Vector, Vector]


@kernel
def place(
    positions: F32, normals: F32, tangents: F32, neck_weights: F32, head_weights: F32, neck: F32, head: F32,
    view: F32, light: F32, record: F32, fixed: I32, in_light: F32, begin: int, end: int,
) -> None:  # fmt: skip
    """Move vertices ``begin`` to ``end`` by the neck's and head's (3, 4) transforms, and say where they are seen.

    What follows neither joint stays where it is; ``positions`` and ``normals`` (n, 3) stay as they are. The vertex
    records get unit normals, tangents, and the places on the screen; ``fixed`` (n, 4) these too, as column and row in
    1/256 pixel and 1/depth in ``DEPTH_STEPS``, 0 for what is too near; ``in_light`` (n, 3) the positions in the
    light's view.
    """
    whole = end - (end - begin) % LANES
    for v in range(begin, whole, LANES):
        _place_sixteen(
            positions, normals, tangents, neck_weights, head_weights, neck, head, view, light, record, fixed,
            in_light, v,
        )  # fmt: skip
    if whole < end:  # vectors reach beyond the last of them
        some_positions, some_normals = np.zeros((LANES, 3), np.float32), np.zeros((LANES, 3), np.float32)
        some_tangents, some_records = np.zeros((LANES, 4), np.float32), np.zeros((LANES, RECORD), np.float32)
        neck_shares, head_shares = np.zeros(LANES, np.float32), np.zeros(LANES, np.float32)
        some_fixed, some_in_light = np.zeros((LANES, 4), np.int32), np.zeros((LANES, 3), np.float32)
        for v in range(whole, end):
            neck_shares[v - whole], head_shares[v - whole] = neck_weights[v], head_weights[v]
        _copy_rows(positions, whole, some_positions, 0, end - whole)
        _copy_rows(normals, whole, some_normals, 0, end - whole)
        _copy_rows(tangents, whole, some_tangents, 0, end - whole)
        _copy_rows(record, whole, some_records, 0, end - whole)
        _place_sixteen(
            some_positions, some_normals, some_tangents, neck_shares, head_shares, neck, head, view, light,
            some_records, some_fixed, some_in_light, 0,
        )  # fmt: skip
        _copy_rows(some_records, 0, record, whole, end - whole)
        _copy_rows(some_fixed, 0, fixed, whole, end - whole)
        _copy_rows(some_in_light, 0, in_light, whole, end - whole)


@kernel
def _copy_rows(rows: F32 | I32, first: Whole, to: F32 | I32, at: Whole, count: Whole) -> None:
    for row in range(count):
        for k in range(rows.shape[1]):
            to[at + row, k] = rows[first + row, k]


@kernel
def _place_sixteen(
    positions: F32, normals: F32, tangents: F32, neck_weights: F32, head_weights: F32, neck: F32, head: F32,
    view: F32, light: F32, record: F32, fixed: I32, in_light: F32, first: Whole,
) -> None:  # fmt: skip
    at = np.uint64(first)
    wn, wh = load(neck_weights, at), load(head_weights, at)
    still = np.float32(1.0) - wn - wh
    x, y, z = load_threes(positions, at)
    x, y, z = (
        _blended(neck, head, 0, wn, wh, x, y, z) + still * x + wn * neck[0, 3] + wh * head[0, 3],
        _blended(neck, head, 1, wn, wh, x, y, z) + still * y + wn * neck[1, 3] + wh * head[1, 3],
        _blended(neck, head, 2, wn, wh, x, y, z) + still * z + wn * neck[2, 3] + wh * head[2, 3],
    )
    store_threes(in_light, at, _seen(light, x, y, z))
    nx, ny, nz = _turned(neck, head, wn, wh, load_threes(normals, at))
    scale = floats_of(1.0) / root(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
    tx, ty, tz, _ = load_fours(tangents, at)
    tx, ty, tz = _turned(neck, head, wn, wh, (tx, ty, tz))
    right, down, depth = _seen(view, x, y, z)
    far_enough = depth > np.float32(NEAREST_M)
    near = floats_of(1.0) / where(far_enough, depth, np.float32(1.0))
    column, row = _rounded(view[3, 2] + view[3, 0] * near * right), _rounded(view[3, 3] + view[3, 0] * near * down)
    steps = most(to_wholes(near * np.float32(DEPTH_STEPS)), np.int32(1))
    store_fours(fixed, at, (column, row, where(far_enough, steps, np.int32(0)), wholes_of(0)))
    px, py = to_floats(column) * np.float32(1.0 / SUBPIXELS), to_floats(row) * np.float32(1.0 / SUBPIXELS)
    nx, ny, nz, no = nx * scale, ny * scale, nz * scale, floats_of(0.0)
    store_columns(record, at, (px, py, near, nx, ny, nz, no, no, no, no, no, no, tx, ty, tz, no), _MOVING)


@inlined
def _rounded(pixels: Vector) -> Vector:
    pixels = least(most(pixels, np.float32(-_FAR_OFF)), np.float32(_FAR_OFF))
    return to_wholes(floor(pixels * np.float32(SUBPIXELS) + np.float32(0.5)))


@inlined
def _seen(view: F32, x: Vector, y: Vector, z: Vector) -> _Triple:
    """Positions in a view's axes."""
    return (
        x * view[0, 0] + y * view[0, 1] + z * view[0, 2] + view[0, 3],
        x * view[1, 0] + y * view[1, 1] + z * view[1, 2] + view[1, 3],
        x * view[2, 0] + y * view[2, 1] + z * view[2, 2] + view[2, 3],
    )


@inlined
def _blended(neck: F32, head: F32, row: int, wn: Vector, wh: Vector, x: Vector, y: Vector, z: Vector) -> Vector:
    """One row of the joints' turns, by their weights, of what is not still."""
    return (
        (wn * neck[row, 0] + wh * head[row, 0]) * x
        + (wn * neck[row, 1] + wh * head[row, 1]) * y
        + (wn * neck[row, 2] + wh * head[row, 2]) * z
    )


@inlined
def _turned(neck: F32, head: F32, wn: Vector, wh: Vector, xyz: _Triple) -> _Triple:
    """Directions that are turned by the joints."""
    x, y, z = xyz
    still = np.float32(1.0) - wn - wh
    return (
        _blended(neck, head, 0, wn, wh, x, y, z) + still * x,
        _blended(neck, head, 1, wn, wh, x, y, z) + still * y,
        _blended(neck, head, 2, wn, wh, x, y, z) + still * z,
    )
