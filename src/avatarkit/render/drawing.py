"""What every renderer refuses to draw."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, Pose

LARGEST_SIDE: Final = 4096
"""Images larger than this, in either direction, are refused."""


def check_drawing(pose: Pose, size: tuple[int, int]) -> None:
    """Raise ``ValueError`` for an impossible size or pose."""
    if not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in size):
        raise ValueError(f"the size must be 1..{LARGEST_SIDE} whole pixels each way, not {size}")
    if pose.weights.shape != (WEIGHT_COUNT,) or pose.head.shape != (HEAD_COUNT,):
        raise ValueError(f"a pose has {WEIGHT_COUNT} weights and {HEAD_COUNT} head values")
    if not (np.isfinite(pose.weights).all() and np.isfinite(pose.head).all()):
        raise ValueError("a pose must be finite")
