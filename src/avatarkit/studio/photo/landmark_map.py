"""Where MediaPipe's landmarks lie on the head: as texture coordinates of the base mesh, the same for every person.

``landmarks.npy`` beside this file holds them, float32 (468, 2), origin at the bottom left;
:mod:`.landmark_survey` makes it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from avatarkit.studio.character.parts import Scalars, Triangles
from avatarkit.studio.character.skin import Body
from avatarkit.studio.character.source import Points

FACE_POINTS: Final = 468
_NEAR: Final = 48
FILE: Final = Path(__file__).with_name("landmarks.npy")


@dataclass(frozen=True, slots=True)
class LandmarkMap:
    """Each landmark as a point of a body's surface."""

    corners: npt.NDArray[np.int64]
    """int64 (468, 3): vertices of the body."""
    shares: npt.NDArray[np.float64]
    """float64 (468, 3): of each corner; rows add up to 1."""

    def __call__(self, values: Points) -> Points:
        """Values (n, k) of the body's vertices at the landmarks: (468, k)."""
        return np.asarray((values[self.corners] * self.shares[..., None]).sum(axis=1))


def map_landmarks(body: Body) -> LandmarkMap:
    """Find the stored texture coordinates on a body."""
    return locate(body.base_uv, body.triangles[~body.lining], np.load(FILE).astype(np.float64))


def locate(plane: npt.NDArray[np.float64], triangles: Triangles, targets: npt.NDArray[np.float64]) -> LandmarkMap:
    """The triangle of a flat mesh (vertices (n, 2)) that holds each target (k, 2), or the nearest one."""
    a, b, c = (plane[triangles[:, i]] for i in range(3))
    area = _cross(b - a, c - a)
    sound = np.abs(area) > 1e-14
    a, b, c, area = a[sound], b[sound], c[sound], area[sound]
    chosen = triangles[sound]
    corners, shares = np.zeros((len(targets), 3), np.int64), np.zeros((len(targets), 3))
    near = np.asarray(cKDTree((a + b + c) / 3).query(targets, k=min(_NEAR, len(chosen)))[1])
    everywhere = np.arange(len(chosen))
    for row, target in enumerate(targets):
        # A triangle that holds it is nearly always among the nearest; else all are asked.
        for some in (near[row], everywhere):
            v = _cross(target - a[some], c[some] - a[some]) / area[some]
            w = _cross(b[some] - a[some], target - a[some]) / area[some]
            both = np.stack([1.0 - v - w, v, w], axis=1)
            best = int(np.argmax(both.min(axis=1)))
            if both[best].min() >= 0.0:
                break
        corners[row] = chosen[some[best]]
        inside = np.clip(both[best], 0.0, 1.0)
        shares[row] = inside / inside.sum()
    return LandmarkMap(corners, shares)


def _cross(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


def from_line(points: Points, line: Points) -> Scalars:
    """Distance of points (n, 3) from a polyline (k, 3)."""
    out = np.full(len(points), np.inf)
    for a, b in itertools.pairwise(line):
        along = np.clip(((points - a) @ (b - a)) / max(float((b - a) @ (b - a)), 1e-12), 0.0, 1.0)
        out = np.minimum(out, np.linalg.norm(points - a - along[:, None] * (b - a), axis=1))
    return out
