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
    ("mouth/mouth-angles-up", 0.35),
)


@dataclass(frozen=True, slots=True)
class CharacterSpec:
    """A built character. The default is the package's default avatar, an adult woman with a bob."""

    name: str = "Ada"
    shape: tuple[tuple[str, float], ...] = _DEFAULT_SHAPE
    """Targets of the base mesh and how much of each, about 0..1."""
    skin: Color = (0.86, 0.67, 0.57)
    lips: Color = (0.76, 0.42, 0.40)
    iris: Color = (0.36, 0.25, 0.15)
    hair: Color = (0.25, 0.15, 0.10)
    cloth: Color = (0.16, 0.30, 0.36)
    background: Color = (0.86, 0.88, 0.91)
    seed: int = 1
    """Of everything that is scattered: hair, brows, lashes, freckles."""
