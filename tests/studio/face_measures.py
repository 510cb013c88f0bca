"""Measures on a deformed face: what lies in front of what, seen straight from the front. Metres."""

from __future__ import annotations

import numpy as np

from avatarkit.avatars import Bundle, Mesh, Rig
from avatarkit.avatars.expressions import Expression, pose_of


class Face:
    """One character and its rig."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self._rig = Rig(bundle)
        self._names = [mesh.name for mesh in bundle.meshes]

    def mesh(self, name: str) -> Mesh:
        """A mesh at rest."""
        return self.bundle.meshes[self._names.index(name)]

    def points(self, name: str, *face: tuple[str, float]) -> np.ndarray:
        """A mesh's vertices (n, 3) with an expression."""
        return self.all_points(face)[name]

    def all_points(self, face: Expression) -> dict[str, np.ndarray]:
        """Every mesh's vertices with an expression."""
        deformed = self._rig.deform(pose_of(face))
        return {name: positions.copy() for name, (positions, _) in zip(self._names, deformed, strict=True)}

    def near(self, name: str, low: tuple[float, float, float], high: tuple[float, float, float]) -> np.ndarray:
        """Triangles of a mesh that touch a box at rest (m, 3)."""
        mesh = self.mesh(name)
        inside = np.all((mesh.positions > low) & (mesh.positions < high), axis=1)
        return mesh.triangles[inside[mesh.triangles].any(axis=1)]

    def lip_ridges(self, face: Expression) -> tuple[np.ndarray, np.ndarray]:
        """The lowest point of the upper and the highest of the lower lip in the middle of the mouth, each (3,)."""
        rest = self.mesh("skin").positions
        fall = self.points("skin", ("jawOpen", 1.0))[:, 1] - rest[:, 1]
        teeth = self.mesh("upper teeth").positions[:, 1].min()
        middle = (np.abs(rest[:, 0]) < 0.004) & (rest[:, 2] > 0.022) & (np.abs(rest[:, 1] - teeth) < 0.014)
        skin = self.points("skin", *face)
        upper, lower = skin[middle & (fall > -0.004)], skin[middle & (fall < -0.012)]
        return upper[upper[:, 1].argmin()], lower[lower[:, 1].argmax()]


def depths_at(points: np.ndarray, triangles: np.ndarray, places: np.ndarray) -> np.ndarray:
    """z of every triangle at places (k, 2) in x and y: (k, m), NaN where a triangle does not cover a place."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    x, y = places[:, :1], places[:, 1:]

    def turn(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        return (p[:, 0] - x) * (q[:, 1] - y) - (p[:, 1] - y) * (q[:, 0] - x)

    w0, w1, w2 = turn(b, c), turn(c, a), turn(a, b)
    total = w0 + w1 + w2
    inside = ((w0 >= 0) & (w1 >= 0) & (w2 >= 0)) | ((w0 <= 0) & (w1 <= 0) & (w2 <= 0))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (w0 * a[:, 2] + w1 * b[:, 2] + w2 * c[:, 2]) / total
    return np.where(inside & (np.abs(total) > 1e-14), z, np.nan)
