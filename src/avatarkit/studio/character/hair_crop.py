"""Short hair: combed up and over on top, close at the sides and the back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avatarkit.studio.character.complexion import SIDE_FADE_M
from avatarkit.studio.character.groom import Lines, gather, grow, unit
from avatarkit.studio.character.hair import Dye, Lock, cap
from avatarkit.studio.character.parts import Part, Scalars, smooth
from avatarkit.studio.character.scalp import CENTRE, Scalp, turn
from avatarkit.studio.character.source import Points

_PARTING_X = 0.030


def make(scalp: Scalp, dye: Dye, texture: int, rng: np.random.Generator) -> tuple[list[Lock], Part]:
    """All ribbons of a crop, and the cap below them."""
    kinds = []
    for kind in _KINDS:
        roots = scalp.roots(kind.count * 3, rng, inset_m=0.0025 if kind.top else 0.0050)
        if not kind.top:  # sideburns are painted
            roots = roots[(roots[:, 1] > 0.022) | (turn(roots) > 100.0)]
        top = _top(roots)
        odds = top + 0.01 if kind.top else 1.02 - top
        roots = roots[np.sort(rng.choice(len(roots), kind.count, replace=False, p=odds / odds.sum()))]
        lines = _lines(scalp, roots, kind, rng)
        kinds.append(
            Lock(
                lines,
                unit(lines - CENTRE),
                kind.width_m,
                kind.steps,
                kind.shade,
                solid=(0.0, 0.62) if kind.width_m > 0.004 else (0.0, 0.0),
                thin=kind.width_m < 0.004,
                taper=0.22 if kind.top else 0.12,
                fade=0.9 if kind.top else 0.12,
                root=0.5 if kind.top else 0.12,
                bend=0.30 if kind.top else 0.05,
                roll=0.07 if kind.top else 0.0,
                spread=1.0 if kind.top else 0.35,
            )
        )
    return kinds, cap(scalp, dye, 0.0018, texture, shade=0.62, faded_m=SIDE_FADE_M)


@dataclass(frozen=True, slots=True)
class _Kind:
    count: int
    width_m: float
    steps: int
    shade: float
    top: bool
    rise_m: float
    length: float


_KINDS = (
    _Kind(300, 0.0034, 3, 0.62, False, 0.0012, 1.0),
    _Kind(150, 0.0095, 6, 0.78, True, 0.0050, 1.15),
    _Kind(230, 0.0058, 7, 1.00, True, 0.0105, 1.35),
    _Kind(60, 0.0026, 6, 1.05, True, 0.0130, 1.25),
)


def _top(points: Points) -> Scalars:
    """1 where hair is worn long, 0 at the sides and the nape."""
    return smooth(0.048, 0.086, points[:, 1] + 0.15 * np.clip(points[:, 2] + 0.02, -0.1, 0.06))


def _lines(scalp: Scalp, roots: Points, kind: _Kind, rng: np.random.Generator) -> Lines:
    top = _top(roots)
    normal = unit(roots - CENTRE)
    edge = smooth(-0.002, 0.020, scalp.level(roots))
    lengths = kind.length * (0.014 + 0.034 * top) * (0.35 + 0.65 * edge) * rng.uniform(0.8, 1.15, len(roots))
    rise = kind.rise_m * (0.25 + 0.75 * edge) * (0.4 + 0.6 * top) * rng.uniform(0.75, 1.2, len(roots))
    side = 2.0 * smooth(_PARTING_X - 0.009, _PARTING_X + 0.009, roots[:, 0]) - 1.0
    sway = rng.normal(size=(len(roots), 3)) * (0.05 if kind.top else 0.035)

    def flow(here: Points) -> Points:
        up = _top(here)[:, None]
        forward = np.array([0.0, 0.0, 1.0]) * smooth(-0.13, -0.05, here[:, 2])[:, None]
        over = np.column_stack([side, np.zeros((len(here), 2))])
        down = np.array([0.0, -1.0, 0.0]) + np.array([0.0, 0.0, -0.45]) * smooth(-0.02, 0.0, here[:, 2])[:, None]
        behind = np.array([0.0, -0.8, -0.6])
        crown = smooth(-0.10, -0.13, here[:, 2])[:, None]
        want = up * ((1.0 - crown) * (over + 0.35 * forward) + crown * behind) + (1.0 - up) * down
        out = unit(here - CENTRE)
        return unit(want - out * (want * out).sum(axis=1, keepdims=True)) + sway

    def wish(here: Points, along: Points, share: float) -> Points:
        return flow(here)

    def limit(here: Points, share: float) -> Points:
        arch = rise * float(smooth(0.0, 0.45, share)) * (1.0 - 0.35 * share) + 0.0006 + 0.0020 * edge
        return scalp.hug(here, arch, 1.0)

    first = flow(roots) + 0.6 * normal
    start = roots + normal * (0.0004 + 0.0012 * edge * (1.0 - top))[:, None]
    lines = grow(start, first, lengths, steps=12, stiffness=0.35, wish=wish, limit=limit)
    lines = gather(lines, max(len(roots) // 6, 1), 0.55 if kind.top else 0.2, rng)
    # Drawn together straight across the skull, locks would dip into it.
    flat = lines.reshape(-1, 3)
    return scalp.hug(flat, np.full(len(flat), 0.0008)).reshape(lines.shape)
