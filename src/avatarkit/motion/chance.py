"""Random numbers by position, as the kernels take them; see :mod:`avatarkit.motion.kernels.chance`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray
from avatarkit.motion.entries import kernels


def seeds_of(numbers: Sequence[int]) -> npt.NDArray[np.uint64]:
    """Whole numbers as seeds: their lowest 64 bits."""
    return np.array([number & 0xFFFF_FFFF_FFFF_FFFF for number in numbers], np.uint64)


def uniforms(seed: int, count: int) -> FloatArray:
    """``count`` numbers in 0..1 that belong to a seed."""
    numbers = np.empty(count, np.float32)
    kernels().bind("uniforms", seeds_of([seed]), numbers)()
    return numbers
