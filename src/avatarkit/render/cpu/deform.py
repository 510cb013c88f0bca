"""Kernels of the deformation: morph targets, then the neck and head joints. Same result as ``avatars.rig.Rig``."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.arrays import F32, I32
from avatarkit.render.cpu.jit import kernel
from avatarkit.render.cpu.records import NORMAL, TANGENT


@kernel
def apply_morphs(
    rest: F32, rest_normals: F32, weights: F32, starts: I32, vertices: I32, moves: F32, bends: F32, out: F32,
    out_normals: F32, chunk: int, begin: int, end: int,
) -> None:  # fmt: skip
    """Positions and normals (n, 3) at rest plus the weighted changes of all shapes whose weight is not 0.

    For the vertices ``begin`` to ``end``, the ``chunk``-th, whose changes lie from ``starts[shape, chunk]`` on.
    """
    for v in range(begin, end):
        for k in range(3):
            out[v, k] = rest[v, k]
            out_normals[v, k] = rest_normals[v, k]
    for shape in range(weights.shape[0]):
        weight = weights[shape]
        if weight != 0.0:
            for k in range(starts[shape, chunk], starts[shape, chunk + 1]):
                v = vertices[k]
                out[v, 0] += weight * moves[k, 0]
                out[v, 1] += weight * moves[k, 1]
                out[v, 2] += weight * moves[k, 2]
                out_normals[v, 0] += weight * bends[k, 0]
                out_normals[v, 1] += weight * bends[k, 1]
                out_normals[v, 2] += weight * bends[k, 2]


@kernel
def carry(
    positions: F32, normals: F32, tangents: F32, neck_weights: F32, head_weights: F32, neck: F32, head: F32,
    record: F32, begin: int, end: int,
) -> None:  # fmt: skip
    """Move vertices ``begin`` to ``end`` by the neck's and head's (3, 4) transforms, in ``positions``.

    Normals of unit length and tangents go to the vertex records. What follows neither joint stays where it is.
    """
    one = np.float32(1.0)
    for v in range(begin, end):
        wn, wh = neck_weights[v], head_weights[v]
        still = one - wn - wh
        x, y, z = positions[v, 0], positions[v, 1], positions[v, 2]
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        tx, ty, tz = tangents[v, 0], tangents[v, 1], tangents[v, 2]
        m00 = wn * neck[0, 0] + wh * head[0, 0] + still
        m01 = wn * neck[0, 1] + wh * head[0, 1]
        m02 = wn * neck[0, 2] + wh * head[0, 2]
        m10 = wn * neck[1, 0] + wh * head[1, 0]
        m11 = wn * neck[1, 1] + wh * head[1, 1] + still
        m12 = wn * neck[1, 2] + wh * head[1, 2]
        m20 = wn * neck[2, 0] + wh * head[2, 0]
        m21 = wn * neck[2, 1] + wh * head[2, 1]
        m22 = wn * neck[2, 2] + wh * head[2, 2] + still
        positions[v, 0] = m00 * x + m01 * y + m02 * z + wn * neck[0, 3] + wh * head[0, 3]
        positions[v, 1] = m10 * x + m11 * y + m12 * z + wn * neck[1, 3] + wh * head[1, 3]
        positions[v, 2] = m20 * x + m21 * y + m22 * z + wn * neck[2, 3] + wh * head[2, 3]
        wx, wy, wz = m00 * nx + m01 * ny + m02 * nz, m10 * nx + m11 * ny + m12 * nz, m20 * nx + m21 * ny + m22 * nz
        scale = one / np.sqrt(wx * wx + wy * wy + wz * wz + np.float32(1e-12))
        record[v, NORMAL] = wx * scale
        record[v, NORMAL + 1] = wy * scale
        record[v, NORMAL + 2] = wz * scale
        record[v, TANGENT] = m00 * tx + m01 * ty + m02 * tz
        record[v, TANGENT + 1] = m10 * tx + m11 * ty + m12 * tz
        record[v, TANGENT + 2] = m20 * tx + m21 * ty + m22 * tz
