"""The kernel of the morph targets; :mod:`.placing` adds the joints. Same result as ``avatars.rig.Rig``."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.arrays import F32, I32
from avatarkit.render.cpu.jit import kernel


@kernel
def apply_morphs(
    rest: F32, rest_normals: F32, weights: F32, starts: I32, vertices: I32, moves: F32, bends: F32, out: F32,
    out_normals: F32, chunk: int, begin: int, end: int,
) -> None:  # fmt: skip
    """Positions and normals (n, 3) at rest plus the weighted changes of all shapes whose weight is not 0.

    For the vertices ``begin`` to ``end``, the ``chunk``-th, whose changes lie from ``starts[shape, chunk]`` on.
    """
    flat, flat_rest = out.reshape(-1), rest.reshape(-1)
    flat_normals, flat_rest_normals = out_normals.reshape(-1), rest_normals.reshape(-1)
    for k in range(3 * begin, 3 * end):
        flat[np.uint64(k)] = flat_rest[np.uint64(k)]
    for k in range(3 * begin, 3 * end):
        flat_normals[np.uint64(k)] = flat_rest_normals[np.uint64(k)]
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
