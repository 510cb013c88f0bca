"""What tailors leave on a garment: seams, a row of buttons on its band, and the folds of cloth that is worn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Scalars, Triangles, grid_triangles, outside, smooth
from avatarkit.studio.character.source import Points

_SEAM: Final = ((-1.0, 0.0, 1.02), (-0.35, 0.5, 0.80), (0.0, 0.15, 0.45), (0.35, 0.5, 0.80), (1.0, 0.0, 1.02))
"""Across a seam: place in half widths, height in lifts, and shade: two welts and the dip between them."""
_BAND: Final = (
    (-1.00, -0.60, 0.55), (-0.97, 1.0, 0.92), (-0.80, 1.0, 1.0), (-0.77, 0.8, 0.78), (-0.74, 1.0, 1.0),
    (0.74, 1.0, 1.0), (0.77, 0.8, 0.78), (0.80, 1.0, 1.0), (0.97, 1.0, 0.92), (1.00, -0.60, 0.55),
)  # fmt: skip
"""The same across the band that buttons sit on: its edges, and a row of stitches along each."""
_BUTTON: Final = ((0.0, 0.55, 0.62), (0.22, 0.60, 0.85), (0.62, 0.75, 1.0), (0.86, 1.0, 1.05), (1.0, 0.25, 0.55))
"""From a button's middle outwards: radius as a share, height as a share, shade."""
_BUTTON_SIDES: Final = 14


@dataclass(frozen=True, slots=True)
class Sewn:
    """Something sewn on: its tint (n, 3) multiplies the cloth's linear colour."""

    points: Points
    triangles: Triangles
    tint: Points


class FrontOfCloth:
    """The front of a garment as heights over x and y."""

    def __init__(self, points: Points, triangles: Triangles) -> None:
        normals = vertex_normals(points, triangles)
        front = normals[:, 2] > 0.02
        values = np.column_stack([points[front, 2], normals[front]])
        self._look = LinearNDInterpolator(points[front, :2], values)

    def at(self, x: Scalars, y: Scalars, lift_m: Scalars | float) -> tuple[Points, Points]:
        """Points and normals above places; NaN beside the garment."""
        found = self._look(np.column_stack([x, y]))
        normal = found[:, 1:4] / np.linalg.norm(found[:, 1:4], axis=1, keepdims=True)
        return np.column_stack([x, y, found[:, 0]]) + normal * np.reshape(lift_m, (-1, 1)), normal


def seam(front: FrontOfCloth, x: Scalars, y: Scalars, *, width_m: float = 0.0032) -> list[Sewn]:
    """A seam along a line; nothing where it leaves the garment's front."""
    along = np.gradient(np.column_stack([x, y]), axis=0)
    side = np.column_stack([-along[:, 1], along[:, 0]]) / np.linalg.norm(along, axis=1, keepdims=True)
    return _strip(front, np.column_stack([x, y]), side * 0.5 * width_m, _SEAM, 0.0011)


def button_band(front: FrontOfCloth, top_y: float, bottom_y: float, shine: Points) -> list[Sewn]:
    """The band down the middle of a shirt and its buttons; ``shine`` is the buttons' tint (3,)."""
    y = np.linspace(top_y, bottom_y, 12)
    middle = np.column_stack([np.full(len(y), 0.0005), y])
    half = np.tile(np.array([[0.0145, 0.0]]), (len(y), 1))
    out = _strip(front, middle, half, _BAND, 0.0014)
    if out:
        for button_y in np.arange(top_y - 0.022, bottom_y + 0.006, -0.046):
            out += _button(front, 0.0005, float(button_y), shine)
    return out


def lapels(front: FrontOfCloth, half_opening: Callable[[Scalars], Scalars]) -> list[Sewn]:
    """A blazer's lapels, turned back along its opening; ``half_opening`` tells its half width at heights."""
    down = np.linspace(0.0, 1.0, 15)[:, None]
    across = np.array([0.0, 0.03, 0.12, 0.40, 0.86, 0.89, 0.92, 0.975, 1.0])[None, :]
    # From the gorge, which slants down to the lapel's point, to the cut.
    width = 0.056 * (1.0 - down) ** 0.8 + 0.010 * down
    y = -0.178 - 0.109 * down - 0.013 * across * (1.0 - down) ** 2
    height = np.array([-0.6, 0.9, 1.9, 1.5, 1.0, 0.75, 1.0, 0.9, -0.5])[None, :] + 0.0 * down
    shade = np.array([0.75, 0.95, 1.08, 1.05, 1.05, 0.70, 1.05, 1.0, 0.45])[None, :] + 0.0 * down
    # The upper edge is turned in, as the outer one is.
    height = np.where(down < 0.01, -0.5, height)
    shade = np.where(down < 0.01, 0.45, shade)
    out = []
    for side in (1.0, -1.0):
        x = side * (half_opening(y) - 0.0015 + width * across)
        points, _ = front.at(x.ravel(), y.ravel(), 0.0022 * height.ravel() + 0.0012)
        if not np.isfinite(points).all():
            continue
        facing = np.tile(np.array([[0.0, 0.25, 1.0]]), (len(points), 1))
        triangles = outside(points, facing, grid_triangles(*y.shape))
        out.append(Sewn(points, triangles, shade.reshape(-1, 1) * np.ones(3)))
    return out


def folds(points: Points, neck_radius: Scalars, seed: int) -> Scalars:
    """Metres that cloth rises and falls where it hangs from shoulders and arms."""
    loose = smooth(0.085, 0.150, neck_radius)
    drawn = points * np.array([1.0, 0.40, 0.8]) + np.abs(points[:, :1]) * np.array([0.0, 0.55, 0.0])
    return np.asarray(
        loose * (0.0030 * value_noise(drawn, 0.036, seed + 71) + 0.0014 * value_noise(drawn, 0.019, seed + 72))
    )


def _strip(
    front: FrontOfCloth, line: Points, half: Points, profile: tuple[tuple[float, float, float], ...], lift_m: float
) -> list[Sewn]:
    rows = []
    for place, rise, _ in profile:
        here = line + half * place
        points, _ = front.at(here[:, 0], here[:, 1], lift_m * rise + 0.0004)
        rows.append(points)
    points = np.concatenate(rows)
    if not np.isfinite(points).all():
        return []
    triangles = grid_triangles(len(profile), len(line))
    facing = np.tile(np.array([[0.0, 0.25, 1.0]]), (len(points), 1))
    tint = np.repeat([shade for _, _, shade in profile], len(line))[:, None] * np.ones(3)
    return [Sewn(points, outside(points, facing, triangles), tint)]


def _button(front: FrontOfCloth, x: float, y: float, shine: Points) -> list[Sewn]:
    middle, normal = front.at(np.array([x]), np.array([y]), 0.0016)
    if not np.isfinite(middle).all():
        return []
    out = normal[0]
    across = np.cross(np.array([0.0, 1.0, 0.0]), out)
    across /= np.linalg.norm(across)
    up = np.cross(out, across)
    spin = np.linspace(0.0, 2.0 * np.pi, _BUTTON_SIDES, endpoint=False)
    ring = np.cos(spin)[:, None] * across + np.sin(spin)[:, None] * up
    points = np.concatenate([middle[0] + 0.0048 * r * ring + 0.0014 * h * out for r, h, _ in _BUTTON])
    triangles = grid_triangles(len(_BUTTON), _BUTTON_SIDES, closed=True)
    triangles = triangles[(points[triangles[:, 0]] != points[triangles[:, 1]]).any(axis=1)]
    facing = np.tile(out, (len(points), 1))
    tint = np.repeat([shade for *_, shade in _BUTTON], _BUTTON_SIDES)[:, None] * shine
    return [Sewn(points, outside(points, facing, triangles), tint)]
