"""Vertex normals."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray


def vertex_normals(positions: npt.NDArray[np.floating[Any]], triangles: npt.NDArray[np.integer[Any]]) -> FloatArray:
    """Unit normals float32 (n, 3): the area-weighted mean over a vertex's triangles; +Y where there are none."""
    corners = positions[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    out = np.empty((len(positions), 3), np.float64)
    flat = triangles.ravel()
    for axis in range(3):
        out[:, axis] = np.bincount(flat, np.repeat(faces[:, axis], 3), minlength=len(positions))
    length = np.linalg.norm(out, axis=1, keepdims=True)
    out /= np.maximum(length, 1e-30)
    out[length[:, 0] < 1e-20] = (0.0, 1.0, 0.0)
    return out.astype(np.float32)
