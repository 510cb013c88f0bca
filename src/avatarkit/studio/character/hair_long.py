"""Long hair with a parting: a bob that turns in at the chin, and waves down to the shoulders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.groom import Lines, Wave, cut_below, gather, grow, resample, soften, unit, wave
from avatarkit.studio.character.hair import Dye, Lock, mixed
from avatarkit.studio.character.parts import Part, Scalars, grid_triangles, outside, smooth
from avatarkit.studio.character.scalp import CENTRE, Scalp, turn
from avatarkit.studio.character.source import Points

_PARTING_X: Final = 0.024
_SIDES: Final = (0.0885, 0.0950)
"""Half width and half depth, metres, of the outline that hair falls down from, over the ears."""
_PARTED_M: Final = 0.0012
"""Width of the parting."""
_CROWN_Z: Final = -0.088
_SHEET_COLUMNS: Final = 60
_SHEET_ROWS: Final = 15
_SHEET_LOCKS: Final = 7.0
"""Turns of the locks' picture around the sheet."""
_SHEET_RISE_M: Final = 0.0072
"""About as high as the ribbons: where two of them part, hair shows and no dark gap."""
_LONGEST_M: Final = 0.48
_FACE_DEGREES: Final = 52.0
"""Hair leaves the face free up to this turn from the front."""


@dataclass(frozen=True, slots=True)
class Fall:
    """What tells one long style from another."""

    ends_y_m: float
    """Height of the tips at the sides; behind they hang ``back_m`` higher or lower."""
    back_m: float
    tuck: float
    """How far tips turn in, as a share of the outline."""
    swell: float
    """How far hair stands off below the ears, as a share of the outline."""
    wave: Wave | None
    clumps: int
    gathered: float


BOB: Final = Fall(-0.122, 0.022, 0.16, 0.05, Wave(0.12, 0.0015, 0.05), 70, 0.28)
WAVY: Final = Fall(-0.188, -0.004, 0.02, 0.13, Wave(0.105, 0.0065, 0.05), 64, 0.30)


def fall(scalp: Scalp, style: Fall, seed: int, rng: np.random.Generator) -> list[Lock]:
    """All ribbons of a long style."""
    kinds = []
    for kind in _KINDS:
        lines = _lines(scalp, style, kind.roots(scalp, kind.count, rng), kind.rise_m, rng)
        # Locks part below the ears: over the crown hair lies close.
        side = np.where(lines[:, -1, 0] > 0.0, 0.1, 0.0)
        lines = gather(lines, style.clumps, style.gathered, rng, begins=0.5, apart_m=side)
        lines, outward = _finished(scalp, style, lines, seed, rise_m=kind.rise_m, rng=rng)
        kinds.append(
            Lock(
                lines,
                outward,
                kind.width_m,
                kind.steps,
                kind.shade,
                solid=kind.solid,
                thin=kind.width_m < 0.005,
                double_sided=kind.width_m < 0.005,
                taper=0.42,
                root=kind.root,
                fade=0.5,
                opens=0.10,
                crowded=1.15,
                roll=0.10,
            )
        )
    return kinds


def sheet(scalp: Scalp, style: Fall, dye: Dye, texture: int, seed: int) -> Part:
    """The hair below all ribbons: one closed sheet that falls from the parting, around the head, to the tips."""
    rng = np.random.default_rng(seed + 61)
    roots = _sheet_roots(scalp)
    lines = _lines(scalp, style, roots, _SHEET_RISE_M, None)
    lines, outward = _finished(scalp, style, lines, seed, rise_m=_SHEET_RISE_M, rng=None)
    count = len(lines)
    share = np.linspace(0.0, 1.0, _SHEET_ROWS) ** 1.25
    ends = 0.90 + 0.05 * np.sin(2.1 * np.arange(count)) + 0.04 * rng.random(count)
    at = share[None, :] * ends[:, None]
    points, normals = resample(lines, at), unit(resample(outward, at))
    tone = 0.95 * (1.0 - 0.25 * smooth(0.25, 0.0, share) + 0.15 * share)[None, :] * rng.uniform(0.9, 1.1, (count, 1))
    base = mixed(dye, 1)
    return Part(
        name="hair below",
        points=points.reshape(-1, 3),
        triangles=outside(points.reshape(-1, 3), normals.reshape(-1, 3), grid_triangles(count, _SHEET_ROWS)),
        material=Material("hair below", MaterialKind.HAIR, roughness=0.4, texture=texture, double_sided=True),
        colors=base * tone.reshape(-1, 1),
        uv=np.stack(
            [np.repeat(np.linspace(0.0, _SHEET_LOCKS, count), _SHEET_ROWS), np.tile(0.10 + 0.66 * share, count)],
            axis=1,
        ),
        normals=normals.reshape(-1, 3),
    )


def line_of_skin(scalp: Scalp, skin: Points) -> Part:
    """The skin that shows along the parting; ``skin`` is its colour, linear (3,)."""
    z = np.linspace(_front_z(scalp) + 0.005, _CROWN_Z - 0.006, 15)
    ends = smooth(0.0, 0.12, np.linspace(0.0, 1.0, 15)) * smooth(1.0, 0.75, np.linspace(0.0, 1.0, 15))
    rows = []
    for off in (-1.0, 0.0, 1.0):
        x = _parting_x(z) + off * _PARTED_M * (0.25 + 0.75 * ends)
        y = 0.09 * np.ones(len(z))
        for _ in range(8):
            here = np.column_stack([x, y, z])
            y = scalp.on(unit(here - CENTRE), 0.0017)[:, 1]
        rows.append(np.column_stack([x, y, z]))
    points = np.concatenate(rows)
    # Where it ends, and at its edges, hair covers it.
    bare = np.concatenate([0.5 * ends, ends, 0.5 * ends])[:, None]
    normals = unit(points - CENTRE)
    return Part(
        name="parting",
        points=points,
        triangles=outside(points, normals, grid_triangles(3, len(z))),
        material=Material("parting", MaterialKind.SKIN, roughness=0.6),
        colors=skin * (0.08 + 0.30 * bare),
        normals=normals,
    )


def _finished(
    scalp: Scalp, style: Fall, lines: Lines, seed: int, *, rise_m: float, rng: np.random.Generator | None
) -> tuple[Lines, Lines]:
    """Lines with their waves, out of the face, and their ways out."""
    outward = _outward(lines)
    if style.wave is not None:
        lines = soften(wave(lines, outward, style.wave, seed, rng), 4)
    # Forehead and temples last: nothing that bends hair after may take it into the skin.
    lines[:, 0] += 0.0013 * smooth(0.004, 0.010, scalp.level(lines[:, 0]))[:, None] * unit(lines[:, 0] - CENTRE)
    over = scalp.clear_face(lines.reshape(-1, 3), 0.0016 + 0.3 * rise_m).reshape(lines.shape)
    lines[:, 1:] = soften(over, 1)[:, 1:]
    return lines, outward


def _along_parting(scalp: Scalp, z: Scalars, side: float) -> Points:
    """Places on the scalp right beside the parting."""
    x = _parting_x(z) + side * 0.5 * _PARTED_M
    y = 0.09 * np.ones(len(z))
    for _ in range(8):
        y = scalp.on(unit(np.column_stack([x, y, z]) - CENTRE))[:, 1]
    return np.column_stack([x, y, z])


def _front_z(scalp: Scalp) -> float:
    """Where the parting comes near the hairline: nearer to it hair would fall into the face."""
    z = np.linspace(0.035, -0.03, 66)
    within = scalp.level(_along_parting(scalp, z, 0.0)) > 0.007
    return float(z[within.argmax()])


def _sheet_roots(scalp: Scalp) -> Points:
    """From the front of the parting back along one side, around the crown, and forth along the other."""
    z = np.linspace(_front_z(scalp), _CROWN_Z, _SHEET_COLUMNS // 3)
    spin = np.radians(np.linspace(-80.0, 80.0, _SHEET_COLUMNS - 2 * len(z)))
    middle = float(_parting_x(np.array([_CROWN_Z]))[0])
    around = np.column_stack(
        [middle + 0.006 * np.sin(spin), np.full(len(spin), 0.09), _CROWN_Z - 0.006 * np.cos(spin)]
    )
    crown = scalp.on(unit(around - CENTRE))
    return np.concatenate([_along_parting(scalp, z, -1.0), crown, _along_parting(scalp, z[::-1], 1.0)])


def _parting_roots(scalp: Scalp, count: int, rng: np.random.Generator) -> Points:
    """Roots in a row along each side of the parting."""
    z = np.linspace(_front_z(scalp), _CROWN_Z - 0.008, count // 2)
    step = (z[0] - z[1]) * 0.35
    rows = [_along_parting(scalp, z + step * rng.uniform(-1.0, 1.0, len(z)), side) for side in (-1.0, 1.0)]
    return np.concatenate(rows)


def _roots(scalp: Scalp, count: int, rng: np.random.Generator) -> Points:
    """Roots all over the upper head."""
    roots = scalp.roots(count * 14, rng, inset_m=0.004)
    odds = smooth(0.020, 0.06, roots[:, 1]) * (0.4 + 0.6 * smooth(0.03, 0.10, roots[:, 1]))
    return np.asarray(roots[np.sort(rng.choice(len(roots), count, replace=False, p=odds / odds.sum()))])


def _front_roots(scalp: Scalp, count: int, rng: np.random.Generator) -> Points:
    """Roots along the hairline above the forehead, evenly from temple to temple."""
    roots = scalp.roots(count * 40, rng, inset_m=-0.001)
    level = scalp.level(roots)
    # Right at the parting they would stand up.
    aside = _from_parting(roots)[1] > 0.010
    roots = roots[(level < 0.007) & (turn(roots) < 58.0) & aside]
    along = np.argsort(turn(roots) * np.sign(roots[:, 0]))
    return np.asarray(roots[along[np.linspace(0, len(roots) - 1, min(count, len(roots))).astype(int)]])


def _parting_x(z: Scalars) -> Scalars:
    """Where the parting runs, which ends at the crown."""
    return np.asarray(_PARTING_X * smooth(_CROWN_Z - 0.03, -0.02, z))


def _from_parting(points: Points) -> tuple[Scalars, Scalars]:
    """Side (-1 or 1) and distance, metres, from the parting."""
    off = points[:, 0] - _parting_x(points[:, 2])
    return np.where(off < 0.0, -1.0, 1.0), np.abs(off)


def _apart(points: Points, side: Scalars) -> Points:
    """Level directions (n, 3) away from the parting; behind its end, all around the crown."""
    middle = np.clip(points[:, 2], _CROWN_Z, 0.05)
    off = points[:, 0] - _parting_x(middle)
    beyond = np.minimum(points[:, 2] - _CROWN_Z, 0.0)
    own = np.where(beyond < -0.004, off, side * np.maximum(np.abs(off), 0.004))
    return unit(np.column_stack([own, np.zeros(len(points)), beyond]))


def _lines(scalp: Scalp, style: Fall, roots: Points, rise_m: float, rng: np.random.Generator | None) -> Lines:
    """Lines from their roots to their tips; without ``rng`` all alike."""
    side, away = _from_parting(roots)
    # Hair leaves the parting itself free.
    roots = roots + np.column_stack([side * np.maximum(0.5 * _PARTED_M - away, 0.0), np.zeros((len(roots), 2))])
    rises = rise_m + 0.0030 * (np.full(len(roots), 0.5) if rng is None else rng.random(len(roots)))
    behind = smooth(70.0, 150.0, turn(roots))
    ends = style.ends_y_m + style.back_m * behind
    if rng is not None:
        ends = ends + 0.006 * rng.normal(size=len(roots))

    def wish(here: Points, along: Points, share: float) -> Points:
        normal = unit(here - CENTRE)
        down = np.array([0.0, -1.0, 0.0]) + 0.0 * normal
        level = np.clip(-normal[:, 1:2] + 0.2, 0.0, 1.0)
        tangent = down - normal * (down * normal).sum(axis=1, keepdims=True) * (1.0 - level)
        top = smooth(0.05, 0.095, here[:, 1])[:, None]
        front = smooth(-0.07, 0.0, here[:, 2])[:, None]
        apart = _apart(here, side)
        back = np.array([0.0, 0.0, -1.0])
        want = tangent * 1.0 + apart * top * 1.1 + back * (front * (0.35 + 0.4 * top))
        return np.asarray(want)

    def limit(here: Points, share: float) -> Points:
        # Hair comes out of the cap, not from below it.
        ground = 0.0044 * smooth(-0.002, 0.012, scalp.level(here)) + 0.0006
        swelling = np.maximum(
            (rises + 0.004 * float(smooth(0.05, 0.35, share))) * float(smooth(0.0, 0.16, share)), ground
        )
        return _outline(scalp.hug(here, swelling, smooth(-0.01, 0.03, here[:, 1])), rises, style, share)

    first = _apart(roots, side) + 0.3 * unit(roots - CENTRE) + np.array([0.0, 0.0, -0.2])
    lines = soften(
        grow(roots, first, np.full(len(roots), _LONGEST_M), steps=44, stiffness=0.55, wish=wish, limit=limit), 5
    )
    return cut_below(lines, ends)


def _outline(points: Points, rises: Scalars, style: Fall, share: float) -> Points:
    """Places kept outside the falling outline, and beside the face."""
    out = points.copy()
    x, y, z = out[:, 0], out[:, 1], out[:, 2] - CENTRE[2]
    angle = np.arctan2(np.abs(x), z)
    least = np.radians(_FACE_DEGREES) * smooth(0.066, 0.028, y) * (0.97 + 0.03 * np.sin(40.0 * rises / 0.01))
    angle = np.maximum(angle, least)
    radius = np.hypot(x, z)
    low = np.clip((0.0 - y) / 0.13, 0.0, 1.4)
    shape = 1.0 + style.swell * np.sin(np.pi * np.clip(low, 0.0, 1.0) ** 0.8) - style.tuck * smooth(0.35, 1.1, low)
    width, depth = (_SIDES[0] + rises * 0.8) * shape, (_SIDES[1] + rises * 0.8) * shape
    ellipse = 1.0 / np.hypot(np.sin(angle) / width, np.cos(angle) / depth)
    # In front of the ears hair lies closer.
    ellipse = ellipse * (1.0 - 0.06 * smooth(90.0, 60.0, np.degrees(angle)))
    hanging = smooth(0.055, 0.015, y) * float(smooth(0.0, 0.22, share))
    radius = np.maximum(radius, ellipse * hanging)
    # What hangs stays near the outline instead of standing off.
    radius = np.where(y < 0.0, np.minimum(radius, ellipse * 1.06 + 0.002), radius)
    sign = np.where(x < 0.0, -1.0, 1.0)
    out[:, 0], out[:, 2] = sign * np.sin(angle) * radius, np.cos(angle) * radius + CENTRE[2]
    return out


def _outward(lines: Lines) -> Lines:
    axis = np.stack(
        [np.zeros(lines.shape[:2]), np.minimum(lines[..., 1], CENTRE[1]), np.full(lines.shape[:2], CENTRE[2])], axis=2
    )
    return unit(lines - axis)


@dataclass(frozen=True, slots=True)
class _Kind:
    roots: Callable[[Scalp, int, np.random.Generator], Points]
    count: int
    rise_m: float
    width_m: float
    steps: int
    shade: float
    solid: tuple[float, float]
    root: float


_KINDS: Final = (
    _Kind(_roots, 92, 0.0062, 0.0150, 14, 0.90, (0.0, 0.80), 0.20),
    _Kind(_parting_roots, 60, 0.0075, 0.0130, 17, 1.00, (0.0, 0.82), 0.50),
    _Kind(_front_roots, 56, 0.0042, 0.0120, 15, 0.95, (0.07, 0.82), 0.12),
    _Kind(_roots, 22, 0.0085, 0.0036, 18, 1.05, (0.0, 0.0), 0.30),
)
