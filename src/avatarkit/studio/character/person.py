"""The base mesh shaped into one person, cut at the chest and refined, with the ARKit shapes carried along."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import ARKIT_NAMES
from avatarkit.studio.character.face_units import FaceUnits
from avatarkit.studio.character.parts import Scalars, Triangles
from avatarkit.studio.character.shape import shape_targets
from avatarkit.studio.character.source import BaseMesh, Points, load_base, load_target
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.character.subdivide import catmull_clark, triangulate

_METRES: Final = 0.1
"""The base mesh is in decimetres."""


@dataclass(frozen=True, slots=True)
class Refined:
    """Some faces of the base mesh, subdivided once."""

    points: Points
    triangles: Triangles
    uv: npt.NDArray[np.float64]
    """float64 (n, 2), origin at the bottom left; wrong across a seam."""
    shapes: dict[str, Points]
    sources: npt.NDArray[np.int64]
    """Base vertices that it was made from."""


@dataclass(frozen=True, slots=True)
class Eye:
    """Where an eyeball sits: metres."""

    side: int
    """+1 for the avatar's left, -1 for its right."""
    centre: Points
    radius: float


class Person:
    """A shaped base mesh: metres, origin between the eyes, facing +Z."""

    def __init__(self, folder: Path, spec: CharacterSpec) -> None:
        self.base: BaseMesh = load_base(folder)
        points = self.base.positions
        count = len(points)
        for name, amount in shape_targets(spec):
            points = points + amount * load_target(folder, name, count)
        for name, amount in spec.rest:
            points = points + amount * load_target(folder, f"faceunits/{name}", count)
        eyes = [self._eye_box(points, side) for side in ("l", "r")]
        middle = (eyes[0][0] + eyes[1][0]) / 2
        self.points: Points = (points - middle) * _METRES
        # The base mesh's shoulders are broad for a portrait.
        self.points[:, 0] *= 1.0 - 0.12 * _ease((-0.135 - self.points[:, 1]) / 0.07)
        self.shapes: dict[str, Points] = {
            name: load_target(folder, f"faceunits/{name}", count) * _METRES for name in ARKIT_NAMES
        }
        for name, amount in spec.rest:  # what the rest has of a shape is no longer to be had from it
            self.shapes[name] *= 1.0 - amount
        self.eyes = tuple(
            Eye(sign, (centre - middle) * _METRES, radius * _METRES)
            for sign, (centre, radius) in zip((1, -1), eyes, strict=True)
        )
        quads = np.concatenate([group.quads for group in self.base.groups.values()])
        self.shapes = FaceUnits(self.points, quads, self.shapes, self.eyes).corrected()
        self.neck_pivot = self._joint("joint-neck")
        self.head_pivot = self._joint("joint-head")

    def _eye_box(self, points: Points, side: str) -> tuple[Points, float]:
        own = points[self.base.group_vertices(f"helper-{side}-eye")]
        low, high = own.min(axis=0), own.max(axis=0)
        radius = float((high - low)[:2].mean() / 2) * 1.02
        centre = (low + high) / 2
        centre[2] = high[2] - radius * 0.99
        return centre, radius

    def _joint(self, name: str) -> Points:
        where: Points = self.points[self.base.group_vertices(name)].mean(axis=0)
        where[0] = 0.0
        return where

    def refine(self, quads: npt.NDArray[np.int64], uv_quads: npt.NDArray[np.int64]) -> Refined:
        """Subdivide faces given as quads over the base mesh."""
        sources = np.unique(quads)
        renumber = np.full(len(self.points), -1)
        renumber[sources] = np.arange(len(sources))
        local = renumber[quads]
        uv = np.zeros((len(sources), 2))
        uv[local.ravel()] = self.base.uv[uv_quads.ravel()]
        step = catmull_clark(local, len(sources))
        shapes = {name: step(deltas[sources]) for name, deltas in self.shapes.items()}
        return Refined(
            points=step(self.points[sources]),
            triangles=triangulate(step.quads),
            uv=step(uv),
            shapes={name: deltas for name, deltas in shapes.items() if np.abs(deltas).max() > 5e-5},
            sources=sources,
        )

    def refine_group(self, name: str) -> Refined:
        """A whole group, refined."""
        group = self.base.groups[name]
        return self.refine(group.quads, group.uv_quads)


def neck_head_shares(points: Points, neck_pivot: Points, head_pivot: Points) -> Scalars:
    """Shares (n, 2) of each point that follow the neck and the head joint, eased into the shoulders.

    The head takes over across a band that falls from the nape to the throat, just behind the jaw: the whole
    face turns as one piece and a nod folds under the chin.
    """
    rise = points[:, 1] + 0.75 * np.clip(points[:, 2] - head_pivot[2], -0.06, 0.10)
    head = _ease((rise - (head_pivot[1] - 0.079)) / 0.055)
    spread = np.hypot(points[:, 0], 0.7 * (points[:, 2] - neck_pivot[2]))
    carried = _ease((points[:, 1] - (neck_pivot[1] - 0.045)) / 0.10) * (1.0 - _ease((spread - 0.075) / 0.07))
    carried = np.maximum(carried, head)
    return np.stack([carried - head, head], axis=1)


def _ease(t: Scalars) -> Scalars:
    t = np.clip(t, 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))
