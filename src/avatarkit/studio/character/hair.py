"""Hair as ribbons along strands, each painted as a lock of fine hairs, over a cap that lets no scalp through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.groom import Lines, resample, unit
from avatarkit.studio.character.hair_texture import VARIANTS
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Part, Scalars, grid_triangles, linear, outside, smooth
from avatarkit.studio.character.scalp import CENTRE, SIDES_DEGREES, Scalp, turn
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import Color


@dataclass(frozen=True, slots=True)
class Lock:
    """Ribbons of one kind."""

    lines: Lines
    outward: Lines
    """Unit directions away from the head along the lines."""
    width_m: float
    steps: int
    """Joints of a ribbon."""
    shade: float = 1.0
    """Of the colour: below 1 for what lies deep."""
    solid: tuple[float, float] = (0.0, 0.0)
    """Between which shares of its length a ribbon is drawn whole; before and after the texture cuts it out."""
    taper: float = 0.35
    """Width at the tip, as a share."""
    root: float = 0.30
    """Width at the root, as a share."""
    opens: float = 0.14
    """Where along it, as a share, a ribbon has its whole width."""
    bend: float = 0.28
    """How far normals lean over towards the edges, so that a flat ribbon is lit as a round lock."""
    fade: float = 1.0
    """How much darker roots and lighter tips are."""
    roll: float = 0.12
    """How far ribbons turn about their own length."""
    spread: float = 1.0
    """How far locks differ in tone."""
    thin: bool = False
    """Takes a slice of a lock's picture."""
    crowded: float = 1.0
    """Above 1 joints stand closer to each other near the root, where hair bends most."""
    double_sided: bool = False
    matte: bool = False
    """Without the sheen of combed hair."""


@dataclass(frozen=True, slots=True)
class Dye:
    """Colour of hair."""

    color: Color
    grey: float
    seed: int


_GREY: Final = (0.70, 0.69, 0.68)
_CAP_LOCKS: Final = 12
"""Turns of the picture around the cap."""


def locks(name: str, kinds: list[Lock], dye: Dye, texture: int, rng: np.random.Generator) -> list[Part]:
    """The parts for some kinds of ribbons: solid ones, and those that the texture cuts out."""
    solid: dict[bool, list[_Ribbons]] = {False: [], True: []}
    fringed: dict[bool, list[_Ribbons]] = {False: [], True: []}
    surface = MaterialKind.LASH if kinds[0].matte else MaterialKind.HAIR
    for kind in kinds:
        ribbons = _ribbons(kind, dye, rng)
        first, last = (round((kind.steps - 1) * share) for share in kind.solid)
        for group, begin, end in ((fringed, 0, first), (solid, first, last), (fringed, last, kind.steps - 1)):
            if end > begin:
                group[kind.double_sided].append(ribbons.between(begin, end))
    parts = []
    for groups, ending, cutoff in ((solid, "", None), (fringed, " fringe", 0.45)):
        for both, own in groups.items():
            if own:
                part = _join(own)
                part.name = name + (" below" if both else "") + ending
                part.material = Material(
                    part.name, surface, roughness=0.4, texture=texture, double_sided=both, alpha_cutoff=cutoff
                )
                parts.append(part)
    return parts


def cap(
    scalp: Scalp,
    dye: Dye,
    rise_m: float,
    texture: int,
    *,
    shade: float = 0.42,
    matte: bool = False,
    faded_m: float = 0.0,
    fine: int = 1,
    turns: int = _CAP_LOCKS,
) -> Part:
    """A closed form over the scalp, ``rise_m`` above it in the middle and dipping into the skin at the hairline.

    At the sides it ends ``faded_m`` earlier: there the skin is tinted, see ``complexion.hair_roots``.
    ``fine`` times as many vertices each way; ``turns`` of the picture around it.
    """
    columns, rows = 32 * fine + 1, 8 * fine + 1
    spin = np.linspace(-np.pi, np.pi, columns)
    share = np.linspace(0.0, 1.0, rows) ** 0.8
    points = np.concatenate([_cap_line(scalp, float(angle), share, rise_m, faded_m) for angle in spin])
    triangles = grid_triangles(columns, rows)
    normals = vertex_normals(points, triangles).astype(np.float64)
    if float((normals * (points - CENTRE)).sum()) < 0.0:
        triangles, normals = np.ascontiguousarray(triangles[:, ::-1]), -normals
    return Part(
        name="hair cap",
        points=points,
        triangles=triangles,
        material=Material(
            "hair cap", MaterialKind.LASH if matte else MaterialKind.HAIR, roughness=0.7, texture=texture
        ),
        uv=np.stack(
            [np.repeat(turns * (spin / (2.0 * np.pi) + 0.5), rows), np.tile(0.12 + 0.74 * share, columns)],
            axis=1,
        ),
        colors=mixed(dye, len(points)) * shade,
        normals=unit(0.4 * normals + unit(points - CENTRE)),
    )


def _cap_line(scalp: Scalp, angle: float, share: Scalars, rise_m: float, faded_m: float) -> Points:
    """From the crown down to the hairline at one turn."""
    fall = np.linspace(0.0, 2.4, 200)
    start = np.array([0.0, 0.94, -0.34])
    away = np.array([np.sin(angle), 0.0, np.cos(angle)])
    away = unit(away - start * (away @ start))
    directions = np.cos(fall)[:, None] * start + np.sin(fall)[:, None] * away
    ground = scalp.on(directions)
    level = scalp.level(ground) - faded_m * smooth(*SIDES_DEGREES, turn(ground))
    end = fall[np.argmax(level < 0.004)] if (level < 0.004).any() else fall[-1]
    at = share * end
    directions = np.cos(at)[:, None] * start + np.sin(at)[:, None] * away
    raised = scalp.on(directions, rise_m * smooth(1.0, 0.86, share) - 0.0030 * smooth(0.90, 1.0, share))
    clear = smooth(1.0, 0.94, share)[:, None]
    return np.asarray(raised * (1.0 - clear) + scalp.clear_face(raised, 0.0007) * clear)


@dataclass(frozen=True, slots=True)
class _Ribbons:
    """Two vertices a joint: (strands, joints, 2, k)."""

    points: npt.NDArray[np.float64]
    normals: npt.NDArray[np.float64]
    uv: npt.NDArray[np.float64]
    colors: npt.NDArray[np.float64]

    def between(self, first: int, last: int) -> _Ribbons:
        own = slice(first, last + 1)
        return _Ribbons(self.points[:, own], self.normals[:, own], self.uv[:, own], self.colors[:, own])


def _ribbons(kind: Lock, dye: Dye, rng: np.random.Generator) -> _Ribbons:
    count = len(kind.lines)
    share = np.linspace(0.0, 1.0, kind.steps)
    # Joints at different places on each ribbon, or the outline of the head becomes a polygon.
    at = share[None, :] ** (kind.crowded - 0.15 + 0.3 * rng.random((count, 1)))
    lines, outward = resample(kind.lines, at), resample(kind.outward, at)
    along = unit(np.gradient(lines, axis=1))
    outward = unit(outward - along * (outward * along).sum(axis=2, keepdims=True))
    across = np.cross(along, outward)
    roll = rng.normal(size=(count, 1)) + 0.7 * np.sin(4.0 * share[None, :] + rng.uniform(0, 6.28, (count, 1)))
    roll *= kind.roll
    tilted = across * np.cos(roll)[..., None] + outward * np.sin(roll)[..., None]
    half = 0.5 * kind.width_m * rng.uniform(0.72, 1.28, (count, 1))
    opening = kind.root + (1.0 - kind.root) * smooth(0.0, kind.opens, share)
    half = half * (opening * (1.0 - (1.0 - kind.taper) * share**2.2))[None, :]
    points = np.stack([lines - tilted * half[..., None], lines + tilted * half[..., None]], axis=2)
    normals = unit(np.stack([outward - across * kind.bend, outward + across * kind.bend], axis=2))
    variant = rng.integers(VARIANTS, size=count)
    edge = 0.36 if kind.thin else 0.03
    left = np.where(rng.random(count) < 0.5, edge, 1.0 - edge)
    u = (variant[:, None] + np.stack([left, 1.0 - left], axis=1)) / VARIANTS
    uv = np.empty((count, kind.steps, 2, 2))
    uv[..., 0] = u[:, None, :]
    uv[..., 1] = (0.01 + 0.98 * share)[None, :, None]
    tones, colors = _tones(dye, kind.spread, rng, lines[:, 0])
    depth = 1.0 + kind.fade * (-0.40 * smooth(0.28, 0.0, share) + 0.20 * smooth(0.45, 1.0, share))
    shaded = colors[:, None, :] * (tones[:, None] * depth[None, :] * kind.shade)[..., None]
    return _Ribbons(points, normals, uv, np.repeat(shaded[:, :, None, :], 2, axis=2))


def mixed(dye: Dye, count: int) -> Points:
    """The colour of hair as a whole, linear, ``count`` times."""
    share = dye.grey**1.8
    return np.tile(linear(dye.color) * (1.0 - share) + 0.8 * linear(_GREY) * share, (count, 1))


def _tones(dye: Dye, spread: float, rng: np.random.Generator, roots: Points) -> tuple[Scalars, Points]:
    """Tones about 1 and linear colours of locks: neighbours share a tone, some locks are grey."""
    count = len(roots)
    tones = 1.0 + spread * (0.20 * value_noise(roots, 0.014, dye.seed) + rng.uniform(-0.06, 0.07, count))
    warm = np.array([1.06, 1.0, 0.94]) ** (spread * rng.normal(size=(count, 1)))
    turned = np.clip(dye.grey * (1.0 + 0.4 * rng.normal(size=count)), 0.0, 1.0)
    # Light counts for more than dark: what looks half grey holds a fifth of grey light.
    turned = turned[:, None] ** 1.8
    return tones, linear(dye.color) * warm * (1.0 - turned) + linear(_GREY) * turned


def _join(own: list[_Ribbons]) -> Part:
    """Ribbons as one part, without name and material."""
    points, normals, uv, colors, triangles, start = [], [], [], [], [], 0
    for ribbons in own:
        count, steps = ribbons.points.shape[:2]
        grid = grid_triangles(steps, 2)
        triangles.append((np.arange(count)[:, None, None] * (2 * steps) + grid[None]).reshape(-1, 3) + start)
        start += 2 * steps * count
        points.append(ribbons.points.reshape(-1, 3))
        normals.append(ribbons.normals.reshape(-1, 3))
        uv.append(ribbons.uv.reshape(-1, 2))
        colors.append(ribbons.colors.reshape(-1, 3))
    all_points, all_normals = np.concatenate(points), np.concatenate(normals)
    faces = np.concatenate(triangles).astype(np.uint32)
    return Part(
        name="",
        points=all_points,
        # Most ribbons are drawn from outside only.
        triangles=outside(all_points, all_normals, faces),
        material=Material(""),
        colors=np.concatenate(colors),
        uv=np.concatenate(uv),
        normals=all_normals,
    )
