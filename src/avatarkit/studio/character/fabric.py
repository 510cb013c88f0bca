"""Cloth seen closely: tiles of light grey that the garment's colour tints."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.spec import Clothing

KNIT_M: Final = 0.0400
WEAVE_M: Final = 0.0240
"""Width of a tile on the garment, metres."""
_SIDE: Final = 128


def tile_width_m(clothing: Clothing) -> float:
    """Width of a garment's tile, metres."""
    return KNIT_M if clothing is Clothing.JUMPER else WEAVE_M


def fabric_texture(clothing: Clothing, seed: int) -> npt.NDArray[np.uint8]:
    """sRGB uint8 (128, 128, 3), repeating in both directions."""
    rng = np.random.default_rng(seed + 31)
    axis = (np.arange(_SIDE) + 0.5) / _SIDE
    u, v = np.meshgrid(axis, axis)
    if clothing is Clothing.JUMPER:
        grey = _knit(u, v)
    elif clothing is Clothing.BLAZER:
        grey = 0.86 + 0.07 * np.sin(2 * np.pi * 16 * (u + v)) + 0.03 * np.sin(2 * np.pi * 32 * (u - v))
    elif clothing is Clothing.SHIRT:
        grey = _linen(u, v, rng)
    else:
        grey = 0.90 + 0.035 * np.abs(np.sin(np.pi * 28 * u)) + 0.02 * np.sin(2 * np.pi * 28 * v)
    grey = grey + 0.020 * rng.normal(size=grey.shape)
    return np.repeat(np.rint(np.clip(grey, 0.0, 1.0) * 255.0)[..., None], 3, axis=2).astype(np.uint8)


def _linen(
    u: npt.NDArray[np.float64], v: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    """Threads both ways, some thicker than others, that thin out along their length."""
    out = 0.90 + 0.02 * np.sin(2 * np.pi * 32 * u) * np.sin(2 * np.pi * 32 * v)
    for across, along in ((u, v), (v, u)):
        thread = np.floor(across * 32).astype(int)
        strength, phase = 0.030 * rng.normal(size=32), rng.uniform(0.0, 2 * np.pi, 32)
        out += strength[thread] * (0.6 + 0.4 * np.sin(2 * np.pi * along + phase[thread]))
    return np.asarray(out)


def _knit(u: npt.NDArray[np.float64], v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Columns of V-shaped stitches."""
    columns, rows = 8.0, 10.0
    x = (u * columns) % 1.0
    side = np.abs(x - 0.5) * 2.0
    y = (v * rows + 0.85 * side) % 1.0
    stitch = np.sqrt(np.clip(1.0 - ((y - 0.5) / 0.5) ** 2, 0.0, 1.0)) * np.sqrt(
        np.clip(1.0 - (2 * side - 1.0) ** 2, 0.0, 1.0)
    )
    return np.asarray(0.42 + 0.56 * stitch**0.7)
