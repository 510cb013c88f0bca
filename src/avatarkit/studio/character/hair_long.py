"""Long hair with a parting: a bob that turns in at the chin, and waves down to the shoulders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.studio.character.groom import Lines, Wave, cut_below, gather, grow, soften, unit, wave
from avatarkit.studio.character.hair import Lock
from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.scalp import CENTRE, Scalp, turn
from avatarkit.studio.character.source import Points

_PARTING_X: Final = 0.024
_SIDES: Final = (0.0885, 0.0950)
"""Half width and half depth, metres, of the outline that hair falls down from, over the ears."""
_FRONT: Final = 76
"""Ribbons that begin right at the hairline in front."""
_CROWN_Z: Final = -0.088
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


BOB: Final = Fall(-0.122, 0.022, 0.16, 0.05, Wave(0.11, 0.0015, 0.05), 70, 0.35)
WAVY: Final = Fall(-0.188, -0.004, 0.02, 0.13, Wave(0.072, 0.0060, 0.05), 64, 0.42)


def fall(scalp: Scalp, style: Fall, seed: int, rng: np.random.Generator) -> list[Lock]:
    """All ribbons of a long style."""
    kinds = []
    for count, rise, width, steps, shade, fringed in (
        (160, 0.0030, 0.0220, 11, 0.70, False),
        (190, 0.0075, 0.0120, 16, 1.00, True),
        (_FRONT, 0.0060, 0.0085, 15, 0.95, True),
        (34, 0.0100, 0.0042, 16, 1.05, True),
    ):
        roots = _front_roots(scalp, count, rng) if count == _FRONT else _roots(scalp, count, rng, upper=rise > 0.005)
        lines = _lines(scalp, style, roots, rise, rng)
        lines = gather(
            lines,
            style.clumps,
            style.gathered * (1.0 if fringed else 0.12),
            rng,
            apart_m=np.where(lines[:, -1, 0] > 0.0, 0.1, 0.0),
        )
        outward = _outward(lines)
        if style.wave is not None:
            lines = wave(lines, outward, style.wave, seed, rng)
        # Forehead and temples last: nothing that bends hair after may take it into the skin.
        lines[:, 0] += 0.0013 * smooth(0.004, 0.010, scalp.level(lines[:, 0]))[:, None] * unit(lines[:, 0] - CENTRE)
        over = scalp.clear_face(lines.reshape(-1, 3), 0.0016 + 0.3 * rise).reshape(lines.shape)
        lines[:, 1:] = soften(over, 1)[:, 1:]
        thin = width < 0.005
        kinds.append(
            Lock(
                lines,
                outward,
                width,
                steps,
                shade,
                fringed,
                thin=thin,
                double_sided=not fringed or thin,
                taper=0.5,
                root=0.10,
                opens=0.05,
            )
        )
    return kinds


def _roots(scalp: Scalp, count: int, rng: np.random.Generator, *, upper: bool) -> Points:
    """Roots all over, for upper layers mostly along the parting, from where hair covers all below."""
    roots = scalp.roots(count * (14 if upper else 3), rng, inset_m=0.003 if upper else 0.008)
    _, away = _from_parting(roots)
    odds = (
        0.30 + 2.6 * np.exp(-((away / 0.006) ** 2)) + 0.5 * smooth(0.02, 0.006, scalp.level(roots))
        if upper
        else np.ones(len(roots))
    )
    odds = odds * (smooth(0.025, 0.06, roots[:, 1]) if upper else 1.0)
    return np.asarray(roots[np.sort(rng.choice(len(roots), count, replace=False, p=odds / odds.sum()))])


def _front_roots(scalp: Scalp, count: int, rng: np.random.Generator) -> Points:
    """Roots along the hairline above the forehead, evenly from temple to temple."""
    roots = scalp.roots(count * 40, rng, inset_m=-0.001)
    level = scalp.level(roots)
    roots = roots[(level < 0.007) & (turn(roots) < 58.0)]
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


def _lines(scalp: Scalp, style: Fall, roots: Points, rise_m: float, rng: np.random.Generator) -> Lines:
    side, away = _from_parting(roots)
    # Hair leaves the parting itself free.
    roots = roots + np.column_stack([side * np.maximum(0.0022 - away, 0.0), np.zeros((len(roots), 2))])
    rises = rise_m + 0.0030 * rng.random(len(roots))
    behind = smooth(70.0, 150.0, turn(roots))
    ends = style.ends_y_m + style.back_m * behind + 0.005 * rng.normal(size=len(roots))

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


def parting(points: Points) -> Scalars:
    """How much of the scalp shows at places on it (n, 3), 0..1: a thin line along the parting."""
    _, away = _from_parting(points)
    return (
        smooth(0.0030, 0.0010, away) * smooth(_CROWN_Z - 0.004, _CROWN_Z + 0.01, points[:, 2]) * (points[:, 1] > 0.06)
    )
