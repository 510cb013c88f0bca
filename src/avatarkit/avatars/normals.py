"""Vertex normals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray


def vertex_normals(positions: npt.NDArray[np.floating[Any]], triangles: npt.NDArray[np.integer[Any]]) -> FloatArray:
    """Unit normals float32 (n, 3): the area-weighted mean over a vertex's triangles; +Y where there are none."""
    return to_unit(sum_at_corners(face_normals(positions, triangles), triangles, len(positions)))


def face_normals(
    positions: npt.NDArray[np.floating[Any]], triangles: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.floating[Any]]:
    """Normals (m, 3) of triangles, as long as twice the area."""
    first, second, third = (positions[triangles[:, corner]] for corner in range(3))
    (ax, ay, az), (bx, by, bz) = (second - first).T, (third - first).T
    out: npt.NDArray[np.floating[Any]] = np.empty_like(first)
    out[:, 0], out[:, 1], out[:, 2] = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    return out


def sum_at_corners(
    faces: npt.NDArray[np.floating[Any]], triangles: npt.NDArray[np.integer[Any]], count: int
) -> npt.NDArray[np.float64]:
    """The sum (count, 3), at every vertex, of what each of its triangles has in ``faces`` (m, 3)."""
    out = np.empty((count, 3), np.float64)
    flat = triangles.ravel()
    for axis in range(3):
        out[:, axis] = np.bincount(flat, np.repeat(faces[:, axis], 3), minlength=count)
    return out


def to_unit(sums: npt.NDArray[np.float64]) -> FloatArray:
    """Vectors (n, 3) at length 1, as float32; +Y where there is none."""
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    out = sums / np.maximum(length, 1e-30)
    out[length[:, 0] < 1e-20] = (0.0, 1.0, 0.0)
    unit: FloatArray = out.astype(np.float32)
    return unit
