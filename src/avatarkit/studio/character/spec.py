"""What makes a built character this one and no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Color = tuple[float, float, float]
"""sRGB, 0..1."""

_DEFAULT_SHAPE: Final[tuple[tuple[str, float], ...]] = (
    ("macrodetails/caucasian-female-young", 0.72),
    ("macrodetails/asian-female-young", 0.16),
    ("macrodetails/african-female-young", 0.12),
    ("macrodetails/universal-female-young-averagemuscle-averageweight", 1.0),
    ("head/head-oval", 0.45),
    ("head/head-invertedtriangular", 0.15),
    ("chin/chin-width-decr", 0.30),
    ("chin/chin-prominent-decr", 0.15),
    ("nose/nose-scale-horiz-decr", 0.35),
    ("nose/nose-point-width-decr", 0.35),
    ("nose/nose-scale-vert-decr", 0.20),
    ("nose/nose-nostrils-width-decr", 0.20),
    ("eyes/l-eye-scale-incr", 0.55),
    ("eyes/r-eye-scale-incr", 0.55),
    ("eyes/l-eye-corner2-up", 0.25),
    ("eyes/r-eye-corner2-up", 0.25),
    ("mouth/mouth-upperlip-volume-incr", 0.22),
    ("mouth/mouth-lowerlip-volume-incr", 0.30),
    ("mouth/mouth-scale-horiz-decr", 0.15),
    ("mouth/mouth-cupidsbow-incr", 0.30),
    ("cheek/l-cheek-bones-incr", 0.20),
    ("cheek/r-cheek-bones-incr", 0.20),
)


@dataclass(frozen=True, slots=True)
class CharacterSpec:
    """A built character. The default is the package's default avatar, an adult woman with a bob."""

    name: str = "Ada"
    shape: tuple[tuple[str, float], ...] = _DEFAULT_SHAPE
    """Targets of the base mesh and how much of each, about 0..1."""
    rest: tuple[tuple[str, float], ...] = (
        ("mouthSmileLeft", 0.26),
        ("mouthSmileRight", 0.26),
        ("mouthClose", 0.065),
        ("mouthShrugLower", 0.08),
        ("browInnerUp", 0.06),
    )
    """ARKit shapes that are part of the face at rest, and how much of each."""
    skin: Color = (0.89, 0.70, 0.60)
    lips: Color = (0.77, 0.47, 0.44)
    iris: Color = (0.27, 0.175, 0.10)
    hair: Color = (0.33, 0.205, 0.135)
    cloth: Color = (0.16, 0.30, 0.36)
    background: Color = (0.86, 0.88, 0.91)
    seed: int = 1
    """Of everything that is scattered: hair, brows, lashes, freckles."""
