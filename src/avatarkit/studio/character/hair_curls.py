"""Tight curls that stand away from the head all around."""

from __future__ import annotations

import numpy as np

from avatarkit.studio.character.groom import Lines, unit
from avatarkit.studio.character.hair import Dye, Lock, cap
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Part, smooth
from avatarkit.studio.character.scalp import CENTRE, Scalp
from avatarkit.studio.character.source import Points


def make(scalp: Scalp, dye: Dye, texture: int, rng: np.random.Generator) -> tuple[list[Lock], Part]:
    """All ribbons of a head of curls, and the rough form below them."""
    kinds = []
    for count, rise, width, steps, shade in (
        (170, 0.010, 0.0115, 7, 0.55),
        (270, 0.019, 0.0095, 10, 0.85),
        (150, 0.026, 0.0075, 10, 1.05),
    ):
        roots = scalp.roots(count, rng, inset_m=0.0015)
        lines, outward = _coils(scalp, roots, rise, dye.seed, rng)
        kinds.append(
            Lock(
                lines,
                outward,
                width,
                steps,
                shade,
                False,
                taper=0.5,
                root=0.5,
                bend=0.5,
                fade=0.6,
                double_sided=True,
                matte=True,
            )
        )
    return kinds, cap(scalp, dye, 0.016, texture, shade=0.35, rough_m=0.006, matte=True)


def _coils(scalp: Scalp, roots: Points, rise_m: float, seed: int, rng: np.random.Generator) -> tuple[Lines, Lines]:
    """Each a turn or two of a coil, ``rise_m`` above the scalp in its middle, and their ways out."""
    count, steps = len(roots), 24
    edge = smooth(-0.002, 0.028, scalp.level(roots))
    lump = 1.0 + 0.16 * value_noise(roots, 0.028, seed)
    out = unit(roots - CENTRE)
    height = (0.20 + 0.80 * edge) * lump
    start = roots + out * (rise_m * height * rng.uniform(0.55, 1.0, count))[:, None]
    lean = unit(out + 0.7 * rng.normal(size=(count, 3)) + np.array([0.0, -0.5, 0.0]))
    share = np.linspace(0.0, 1.0, steps)
    reach = (0.022 * (0.55 + 0.45 * edge) * rng.uniform(0.7, 1.2, count))[:, None]
    middle = start[:, None, :] + lean[:, None, :] * (reach * share[None, :])[..., None]
    helper = unit(np.cross(lean, np.array([0.31, 0.22, 0.92])))
    other = np.cross(lean, helper)
    turns = rng.uniform(1.3, 2.1, (count, 1)) * np.where(rng.random((count, 1)) < 0.5, -1.0, 1.0)
    angle = 2.0 * np.pi * (turns * share[None, :] + rng.random((count, 1)))
    radius = (0.0068 * (0.6 + 0.4 * edge) * rng.uniform(0.75, 1.25, count))[:, None] * (1.0 - 0.45 * share)[None, :]
    round_about = helper[:, None, :] * np.cos(angle)[..., None] + other[:, None, :] * np.sin(angle)[..., None]
    lines = middle + round_about * radius[..., None]
    return lines, unit(1.3 * unit(lines - CENTRE) + round_about)
