"""Random numbers by position: the same stream seed and frame give the same number, in any order and batch."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MASK: Final = (1 << 64) - 1


def _mixed(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    value = (value + _GOLDEN) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


def uniform(seed: int, frame: int, purpose: int = 0) -> float:
    """A number in 0..1 for one frame and purpose."""
    return _mixed(_mixed(_mixed(seed & _MASK) ^ frame) + purpose) / float(1 << 64)


def uniforms(seed: int, count: int) -> FloatArray:
    """``count`` numbers in 0..1 that belong to a seed."""
    numbers: npt.NDArray[np.float32] = np.array([uniform(seed, -1 - i) for i in range(count)], np.float32)
    return numbers
