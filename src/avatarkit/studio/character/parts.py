"""A part of the character while it is being made, and small tools to make one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Material, Mesh, Morph
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.source import Points

Scalars = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.uint32]

_MORPH_FLOOR_M = 6e-5
"""Deltas below 0.06 mm are not seen, and cost bytes."""


@dataclass(slots=True)
class Part:
    """One mesh in the making: metres, avatar space."""

    name: str
    points: Points
    triangles: Triangles
    material: Material
    colors: npt.NDArray[np.float64] = field(default_factory=lambda: np.ones((0, 3)))
    """Linear RGB (n, 3); empty for white."""
    occlusion: Scalars = field(default_factory=lambda: np.ones(0))
    """Baked ambient light, 0 dark .. 1 open; empty for open."""
    alpha: Scalars = field(default_factory=lambda: np.ones(0))
    """Opacity 0..1 (n,); empty for solid. For materials with an alpha cutoff."""
    shapes: dict[str, Points] = field(default_factory=dict)
    """Deltas (n, 3) in metres of each ARKit shape."""
    uv: npt.NDArray[np.float64] | None = None
    normals: Points | None = None
    """Computed from the triangles when ``None``."""
    neck_head: npt.NDArray[np.float64] | None = None
    """Shares (n, 2) that follow the neck and the head; ``None`` when the part follows the head rigidly."""

    def to_mesh(self) -> Mesh:
        """The finished mesh; the brightest colour moves into the material, so that bytes resolve dark ones."""
        count = len(self.points)
        colors = self.colors if len(self.colors) else np.ones((count, 3))
        shade = self.occlusion if len(self.occlusion) else np.ones(count)
        top = np.maximum(colors.max(axis=0), 1e-3)
        red, green, blue = (float(round(x, 5)) for x in top)
        rgba = np.ones((count, 4), np.float32)
        rgba[:, :3] = np.clip(colors / top, 0.0, 1.0) * np.clip(shade, 0.0, 1.0)[:, None]
        if len(self.alpha):
            rgba[:, 3] = np.clip(self.alpha, 0.0, 1.0)
        joints = weights = None
        if self.neck_head is not None:
            joints, weights = _joint_arrays(self.neck_head)
        normals = vertex_normals(self.points, self.triangles) if self.normals is None else self.normals
        material = self.material
        return Mesh(
            name=self.name,
            positions=self.points.astype(np.float32),
            normals=normals.astype(np.float32),
            triangles=self.triangles,
            material=Material(
                material.name,
                material.kind,
                (red, green, blue, 1.0),
                material.roughness,
                material.texture,
                material.normal_texture,
                material.double_sided,
                material.alpha_cutoff,
            ),
            uv=None if self.uv is None else self.uv.astype(np.float32),
            colors=rgba,
            morphs=_morphs(self.shapes),
            joints=joints,
            joint_weights=weights,
        )


def _morphs(shapes: dict[str, Points]) -> dict[str, Morph]:
    out = {}
    for name, deltas in shapes.items():
        where = np.flatnonzero(np.abs(deltas).max(axis=1) > _MORPH_FLOOR_M)
        if len(where):
            out[name] = Morph(where.astype(np.uint32), deltas[where].astype(np.float32))
    return out


def _joint_arrays(neck_head: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.float32]]:
    count = len(neck_head)
    joints = np.tile(np.array([0, 1, 2, 0], np.uint16), (count, 1))
    weights = np.zeros((count, 4), np.float32)
    weights[:, 1:3] = neck_head
    weights[:, 0] = 1.0 - neck_head.sum(axis=1)
    return joints, weights.clip(0.0, 1.0)


def linear(color: Any) -> npt.NDArray[np.float64]:
    """sRGB 0..1 as linear light (IEC 61966-2-1)."""
    values = np.asarray(color, np.float64)
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def smooth(low: float, high: float, x: Any) -> npt.NDArray[np.float64]:
    """Smoothstep from 0 at ``low`` to 1 at ``high``; ``low`` may be the larger."""
    t = np.clip((np.asarray(x, np.float64) - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t))


def both_sides(triangles: Triangles) -> Triangles:
    """The triangles and their back sides."""
    return np.concatenate([triangles, triangles[:, ::-1]])


def outside(points: Points, normals: Points, triangles: Triangles) -> Triangles:
    """The triangles wound so that they face along the normals."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    inside = (np.cross(b - a, c - a) * normals[triangles].sum(axis=1)).sum(axis=1) < 0.0
    out = triangles.copy()
    out[inside] = out[inside, ::-1]
    return out


def grid_triangles(rows: int, columns: int, *, closed: bool = False) -> Triangles:
    """Triangles of a grid of ``rows`` x ``columns`` vertices, row-major; ``closed`` joins last to first column."""
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    nxt = (c + 1) % columns
    a, b = (r * columns + c).ravel(), (r * columns + nxt).ravel()
    d, e = ((r + 1) * columns + c).ravel(), ((r + 1) * columns + nxt).ravel()
    return np.concatenate([np.stack([a, b, e], axis=1), np.stack([a, e, d], axis=1)]).astype(np.uint32)
