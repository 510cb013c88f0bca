"""Hair combed back from all around into a knot at the back of the head."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.studio.character.groom import Lines, grow, resample, soften, unit
from avatarkit.studio.character.hair import Dye, Lock, cap
from avatarkit.studio.character.parts import Part, smooth
from avatarkit.studio.character.scalp import CENTRE, Scalp
from avatarkit.studio.character.source import Points

_KNOT: Final = np.array([0.0, 0.72, -0.70])
"""Where the hair is tied, as a direction from the middle of the skull."""
_KNOT_RADIUS_M: Final = 0.034


def make(scalp: Scalp, dye: Dye, texture: int, rng: np.random.Generator) -> tuple[list[Lock], Part]:
    """All ribbons of tied hair, and the cap below them."""
    knot = unit(_KNOT)
    tied = scalp.on(knot[None])[0]
    kinds = []
    for count, rise, width, steps, shade in ((210, 0.0022, 0.0130, 11, 0.85), (190, 0.0050, 0.0085, 12, 1.0)):
        lines = _combed(scalp, scalp.roots(count, rng, inset_m=0.0), tied, rise, rng)
        kinds.append(Lock(lines, unit(lines - CENTRE), width, steps, shade, taper=0.5, root=0.4, fade=0.5, roll=0.06))
    loose = scalp.roots(900, rng, inset_m=-0.002)
    edge = loose[(scalp.level(loose) < 0.008) & (loose[:, 1] > -0.03)][:70]
    lines = _wisps(scalp, edge, tied, rng)
    kinds.append(Lock(lines, unit(lines - CENTRE), 0.0026, 7, 1.0, thin=True, taper=0.4, roll=0.3, double_sided=True))
    centre = tied + knot * (_KNOT_RADIUS_M * 0.80)
    for count, radius, width, shade in ((26, 0.90, 0.0150, 0.62), (34, 1.0, 0.0110, 1.0)):
        lines, outward = _wound(centre, knot, radius * _KNOT_RADIUS_M, count, rng)
        kinds.append(
            Lock(
                lines,
                outward,
                width,
                16,
                shade,
                (0.0, 0.0 if radius < 1.0 else 0.72),
                taper=0.8,
                root=0.8,
                fade=0.15,
                double_sided=True,
            )
        )
    return kinds, cap(scalp, dye, 0.0016, texture, shade=0.6)


def _combed(scalp: Scalp, roots: Points, tied: Points, rise_m: float, rng: np.random.Generator) -> Lines:
    """Over the scalp to where it is tied."""
    count = len(roots)
    level = smooth(-0.002, 0.02, scalp.level(roots))
    target = tied + 0.008 * rng.normal(size=(count, 3))
    lengths = 1.12 * np.linalg.norm(target - roots, axis=1) + 0.006
    sag = 0.35 * smooth(0.04, -0.04, roots[:, 1])

    def wish(here: Points, along: Points, share: float) -> Points:
        out = unit(here - CENTRE)
        to = target - here
        to = unit(to - 0.8 * out * (to * out).sum(axis=1, keepdims=True))
        return to + np.array([0.0, -1.0, 0.0]) * (sag * (1.0 - share))[:, None]

    def limit(here: Points, share: float) -> Points:
        rise = 0.0010 + (rise_m + 0.0012) * level + 0.006 * float(smooth(0.75, 1.0, share))
        return scalp.hug(here, rise, 1.0)

    lines = grow(roots, unit(target - roots), lengths, steps=22, stiffness=0.3, wish=wish, limit=limit)
    # Where a line has reached the tie it ends.
    reached = np.linalg.norm(lines - target[:, None], axis=2).argmin(axis=1)
    at = np.linspace(0.0, 1.0, 23)[None, :] * (np.maximum(reached, 3) / 22.0)[:, None]
    return soften(resample(lines, at), 2)


def _wisps(scalp: Scalp, roots: Points, tied: Points, rng: np.random.Generator) -> Lines:
    """Baby hairs at the hairline that the tie does not hold."""
    count = len(roots)
    lengths = rng.uniform(0.012, 0.030, count)
    drift = 0.5 * rng.normal(size=(count, 3)) + np.array([0.0, -0.35, 0.0])

    def wish(here: Points, along: Points, share: float) -> Points:
        return np.asarray(unit(tied - here) + drift * share)

    def limit(here: Points, share: float) -> Points:
        return scalp.hug(here, 0.0012 + 0.004 * share * np.ones(len(here)), 0.7)

    return grow(
        roots,
        unit(tied - roots) + 0.3 * unit(roots - CENTRE),
        lengths,
        steps=8,
        stiffness=0.4,
        wish=wish,
        limit=limit,
    )


def _wound(centre: Points, axis: Points, radius: float, count: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Locks wound around a knot."""
    helper = unit(np.cross(axis, np.array([1.0, 0.1, 0.0])))
    other = np.cross(axis, helper)
    share = np.linspace(0.0, 1.0, 30)[None, :]
    low = np.linspace(-0.75, 0.80, count)[:, None] + 0.05 * rng.normal(size=(count, 1))
    turn = 2.0 * np.pi * (rng.random((count, 1)) + 0.62 * share)
    up = np.clip(low + 0.55 * (share - 0.5) + 0.05 * np.sin(3.0 * turn), -0.97, 0.985)
    ring = np.sqrt(1.0 - up**2)
    size = radius * (1.0 + 0.05 * rng.normal(size=(count, 1)))
    out = (
        helper * (ring * np.cos(turn))[..., None]
        + other * (ring * np.sin(turn))[..., None]
        + axis * (0.8 * up)[..., None]
    )
    return centre + out * size[..., None], unit(out)
