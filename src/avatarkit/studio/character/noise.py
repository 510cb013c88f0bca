"""Smooth noise in space, the same on every machine."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.parts import Scalars
from avatarkit.studio.character.source import Points

_BITS: Final = 6
_PERIOD: Final = 1 << _BITS
"""Cells after which the lattice repeats."""


def value_noise(points: Points, cell_m: float, seed: int = 0) -> Scalars:
    """Value noise -1..1 on a lattice of ``cell_m`` metres, smoothly interpolated."""
    lattice = _lattice(seed)
    scaled = points / cell_m
    floor = np.floor(scaled)
    t = scaled - floor
    t = (t * t * (3.0 - 2.0 * t)).astype(np.float32)
    low = floor.astype(np.int64) & (_PERIOD - 1)
    high = (low + 1) & (_PERIOD - 1)
    rows = [(low[:, 0] << (2 * _BITS), 1.0 - t[:, 0]), (high[:, 0] << (2 * _BITS), t[:, 0])]
    columns = [(low[:, 1] << _BITS, 1.0 - t[:, 1]), (high[:, 1] << _BITS, t[:, 1])]
    out = np.zeros(len(points), np.float32)
    for row, row_weight in rows:
        for column, column_weight in columns:
            start, weight = row + column, row_weight * column_weight
            near, far = lattice[start + low[:, 2]], lattice[start + high[:, 2]]
            out += weight * (near + (far - near) * t[:, 2])
    return np.asarray(out, np.float64)


@lru_cache(maxsize=4)
def _lattice(seed: int) -> npt.NDArray[np.float32]:
    """Numbers -1..1 at the lattice's points."""
    return np.random.default_rng(seed).uniform(-1.0, 1.0, _PERIOD**3).astype(np.float32)
