"""Random numbers by position: the same stream seed and frame give the same number, in any order and batch."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.kernels.jit import kernel

_U = np.uint64
_GOLDEN, _FIRST, _SECOND = _U(0x9E3779B97F4A7C15), _U(0xBF58476D1CE4E5B9), _U(0x94D049BB133111EB)
_30, _27, _31 = _U(30), _U(27), _U(31)
_PER_RANGE: Final = 2.0**-64


@kernel
def _mixed(value: Any) -> Any:
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    value = value + _GOLDEN
    value = (value ^ (value >> _30)) * _FIRST
    value = (value ^ (value >> _27)) * _SECOND
    return value ^ (value >> _31)


@kernel
def uniform(seed: Any, frame: int, purpose: int) -> float:
    """A number in 0..1 for a seed (uint64), one frame and purpose."""
    mixed: float = np.float64(_mixed(_mixed(_mixed(seed) ^ _U(frame)) + _U(purpose))) * _PER_RANGE
    return mixed


@kernel
def uniforms(seeds: Any, out: FloatArray) -> None:
    """Numbers in 0..1 that belong to the one seed in ``seeds`` (1,), into ``out``."""
    for i in range(len(out)):
        out[i] = uniform(seeds[0], -1 - i, 0)
