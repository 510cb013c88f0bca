"""Hair: layers of ribbons, each painted as a lock of strands, over a dark under-layer that lets no scalp through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.hair_shape import CENTRE, Bob
from avatarkit.studio.character.hair_texture import VARIANTS
from avatarkit.studio.character.parts import Part, Scalars, Triangles, grid_triangles, linear, smooth
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import Color

_STEPS: Final = 12
"""Points along a ribbon."""
_LONGEST: Final = 0.965
"""Length of the longest ribbon, as a share of the form's."""
_SOLID: Final = 10
"""The step of a ribbon from which on its strands end."""


@dataclass(frozen=True, slots=True)
class _Layer:
    ribbons: int
    """On both sides together."""
    depth_m: float
    width_m: float
    shade: float
    shortest: float
    """Length of the shortest ribbon, as a share of the whole."""


_LAYERS: Final = (
    _Layer(120, 0.0026, 0.0135, 0.80, 0.965),
    _Layer(240, 0.0000, 0.0078, 1.00, 0.955),
    _Layer(64, -0.0004, 0.0022, 1.04, 0.88),
)


def under_layer(bob: Bob, color: Color) -> Part:
    """The closed dark form below the locks."""
    columns, rows = 34, 16
    sides = []
    for side in (1.0, -1.0):
        sweeps = np.linspace(0.03, 1.0, columns)
        curves = np.stack([bob.curve(side, float(s), 0.0085, 1.0, 48) for s in sweeps])
        keep = np.linspace(0, 41, rows).astype(int)
        sides.append(curves[:, keep])
    points = np.concatenate([side.reshape(-1, 3) for side in sides])
    grid = grid_triangles(columns, rows)
    triangles = np.concatenate([grid, grid[:, ::-1] + np.uint32(columns * rows)]).astype(np.uint32)
    normals = vertex_normals(points, triangles).astype(np.float64)
    if float((normals * (points - points.mean(axis=0))).sum()) < 0.0:
        triangles, normals = np.ascontiguousarray(triangles[:, ::-1]), -normals
    return Part(
        name="hair under-layer",
        points=points,
        triangles=triangles,
        material=Material("hair under-layer", MaterialKind.HAIR, roughness=0.7, double_sided=True),
        colors=np.tile(linear(color) * 0.35, (len(points), 1)),
        normals=normals,
    )


def locks(bob: Bob, color: Color, texture: int, seed: int) -> list[Part]:
    """The ribbons: the lower layers, whose backs show at the face, and the upper ones, whose do not.

    Each as two parts. Down to where strands end, ribbons are solid, which is quick to draw and has clean outlines;
    only their tips are cut out.
    """
    rng = np.random.default_rng(seed)
    tones = _Tones(rng)
    parts = []
    for layers, name, both in ((_LAYERS[:1], "hair below", True), (_LAYERS[1:], "hair", False)):
        ribbons = [ribbon for layer in layers for ribbon in _grow(layer, bob, color, rng, tones)]
        for first, last, ending, cutoff in ((0, _SOLID, "", None), (_SOLID, _STEPS - 1, " tips", 0.45)):
            part = _join(ribbons, first, last)
            part.name = name + ending
            part.material = Material(
                part.name, MaterialKind.HAIR, roughness=0.4, texture=texture, double_sided=both, alpha_cutoff=cutoff
            )
            parts.append(part)
    return parts


@dataclass(frozen=True, slots=True)
class _Ribbon:
    """Two vertices a step: points, normals, texture coordinates and linear colours."""

    points: Points
    normals: Points
    uv: npt.NDArray[np.float64]
    colors: npt.NDArray[np.float64]


def _grow(layer: _Layer, bob: Bob, color: Color, rng: np.random.Generator, tones: _Tones) -> list[_Ribbon]:
    ribbons = []
    for number in range(layer.ribbons):
        side = 1.0 if number % 2 else -1.0
        sweep = (number // 2 + rng.random()) / (layer.ribbons // 2)
        points, normals, uv = _ribbon(bob, layer, side, sweep, rng)
        tone = layer.shade * tones.at(side, sweep) * (0.90 + 0.22 * rng.random())
        ribbons.append(_Ribbon(points, normals, uv, _strand_color(color, tone, uv[:, 1], rng)))
    return ribbons


def _join(ribbons: list[_Ribbon], first: int, last: int) -> Part:
    """Steps ``first`` to ``last`` of all ribbons as one part, without name and material."""
    steps, own = last - first + 1, slice(2 * first, 2 * (last + 1))
    grid = grid_triangles(steps, 2)
    triangles = (np.arange(len(ribbons))[:, None, None] * (2 * steps) + grid[None]).reshape(-1, 3).astype(np.uint32)
    points = np.concatenate([ribbon.points[own] for ribbon in ribbons])
    normals = np.concatenate([ribbon.normals[own] for ribbon in ribbons])
    return Part(
        name="",
        points=points,
        triangles=_facing(points, normals, triangles),
        material=Material(""),
        colors=np.concatenate([ribbon.colors[own] for ribbon in ribbons]),
        uv=np.concatenate([ribbon.uv[own] for ribbon in ribbons]),
        normals=normals,
    )


def _facing(points: Points, normals: Points, triangles: Triangles) -> Triangles:
    """Triangles wound so that they face along their normals: ribbons are drawn from outside only."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    inside = (np.cross(b - a, c - a) * normals[triangles].sum(axis=1)).sum(axis=1) < 0.0
    out = triangles.copy()
    out[inside] = out[inside, ::-1]
    return out


class _Tones:
    """Locks next to each other share a tone; it wanders over the head."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._steps = rng.uniform(0.80, 1.18, (2, 60))

    def at(self, side: float, sweep: float) -> float:
        row = self._steps[0 if side > 0 else 1]
        return float(np.interp(np.clip(sweep, 0.0, 1.0) * (len(row) - 1), np.arange(len(row)), row))


def _ribbon(
    bob: Bob, layer: _Layer, side: float, sweep: float, rng: np.random.Generator
) -> tuple[Points, Points, npt.NDArray[np.float64]]:
    """Points (2 * steps, 3), normals and texture coordinates of one ribbon."""
    lift = 1.0 + rng.normal() * 0.05
    depth = layer.depth_m + rng.normal() * 0.0007
    line = bob.curve(side, sweep, depth, lift, 40)
    length = _LONGEST * (layer.shortest + (1.0 - layer.shortest) * rng.random())
    # Joints at different places on each ribbon, or the outline of the head becomes a polygon.
    bunching = 1.0 + 0.5 * rng.random()
    line = _take(line, length * np.linspace(0.0, 1.0, _STEPS) ** bunching * 39)
    share = np.linspace(0.0, 1.0, _STEPS)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    axis = np.column_stack([np.zeros(_STEPS), np.minimum(line[:, 1], CENTRE[1]), np.full(_STEPS, CENTRE[2])])
    outward = line - axis
    outward -= along * (outward * along).sum(axis=1, keepdims=True)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    across = np.cross(along, outward)
    phase = rng.uniform(0.0, 2.0 * np.pi)
    sway = 0.0022 * np.sin(5.0 * share + phase) * smooth(0.15, 0.8, share) + rng.normal() * 0.0012 * share
    line = line + across * sway[:, None]
    roll = rng.normal() * 0.18 + 0.10 * np.sin(4.0 * share + phase)
    tilted = across * np.cos(roll)[:, None] + outward * np.sin(roll)[:, None]
    half = (
        0.5
        * layer.width_m
        * (0.75 + 0.5 * rng.random())
        * (0.55 + 0.45 * smooth(0.0, 0.12, share))
        * (1.0 - 0.30 * share**3)
    )
    points = np.stack([line - tilted * half[:, None], line + tilted * half[:, None]], axis=1).reshape(-1, 3)
    bend = 0.42
    normals = np.stack([outward - across * bend, outward + across * bend], axis=1).reshape(-1, 3)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    variant = rng.integers(VARIANTS)
    flip = rng.random() < 0.5
    # A thin wisp takes a slice of a lock, which has no gaps.
    edge = 0.03 if layer.width_m > 0.004 else 0.36
    u = (variant + np.array([1.0 - edge, edge] if flip else [edge, 1.0 - edge])) / VARIANTS
    v = 0.01 + 0.98 * share
    uv = np.stack([np.tile(u, _STEPS), np.repeat(v, 2)], axis=1)
    return points, normals, uv


def _take(line: Points, at: Scalars) -> Points:
    low = np.minimum(at.astype(int), len(line) - 2)
    share = (at - low)[:, None]
    return np.asarray(line[low] * (1.0 - share) + line[low + 1] * share)


def _strand_color(color: Color, tone: float, v: Scalars, rng: np.random.Generator) -> Points:
    """Linear colours: darker at the root, lighter and a little warmer at the tip."""
    base = linear(color) * tone
    warm = np.array([1.06, 1.0, 0.94]) ** rng.normal()
    along = 0.62 + 0.38 * smooth(0.0, 0.30, v) + 0.22 * smooth(0.45, 1.0, v)
    return np.asarray(base * warm * along[:, None])
