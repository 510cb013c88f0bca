"""The front of the head as a height field, to plant things on it."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.parts import Triangles
from avatarkit.studio.character.source import Points


class FrontSurface:
    """Looks up a mesh from the front: depth, normal and shape deltas at (x, y)."""

    def __init__(
        self, points: Points, triangles: Triangles, shapes: dict[str, Points], box: tuple[float, ...]
    ) -> None:
        """``box`` is low x, high x, low y, high y of the region, metres; only what faces forward counts."""
        normals = vertex_normals(points, triangles)
        x0, x1, y0, y1 = box
        inside = (points[:, 0] > x0) & (points[:, 0] < x1) & (points[:, 1] > y0) & (points[:, 1] < y1)
        chosen = inside & (normals[:, 2] > 0.12) & (points[:, 2] > 0.0)
        self.names = [name for name, deltas in shapes.items() if np.abs(deltas[chosen]).max() > 1e-4]
        values = np.concatenate(
            [points[chosen, 2:3], normals[chosen], *(shapes[name][chosen] for name in self.names)], axis=1
        )
        self._look = LinearNDInterpolator(points[chosen, :2], values)

    def at(self, xy: np.ndarray) -> tuple[Points, Points, dict[str, Points]]:
        """Points, unit normals and deltas at xy (k, 2); NaN outside the region."""
        values = self._look(xy)
        points = np.column_stack([xy, values[:, 0]])
        normals = values[:, 1:4] / np.linalg.norm(values[:, 1:4], axis=1, keepdims=True)
        deltas = {name: values[:, 4 + 3 * i : 7 + 3 * i] for i, name in enumerate(self.names)}
        return points, normals, deltas
