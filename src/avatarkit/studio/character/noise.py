"""Smooth noise in space, the same on every machine."""

from __future__ import annotations

import numpy as np

from avatarkit.studio.character.parts import Scalars
from avatarkit.studio.character.source import Points


def value_noise(points: Points, cell_m: float, seed: int = 0) -> Scalars:
    """Value noise -1..1 on a lattice of ``cell_m`` metres, smoothly interpolated."""
    scaled = points / cell_m
    corner = np.floor(scaled).astype(np.int64)
    t = scaled - corner
    t = t * t * (3.0 - 2.0 * t)
    out = np.zeros(len(points))
    for dx in (0, 1):
        for dy in (0, 1):
            for dz in (0, 1):
                weight = (
                    (t[:, 0] if dx else 1.0 - t[:, 0])
                    * (t[:, 1] if dy else 1.0 - t[:, 1])
                    * (t[:, 2] if dz else 1.0 - t[:, 2])
                )
                out += weight * _hash(corner[:, 0] + dx, corner[:, 1] + dy, corner[:, 2] + dz, seed)
    return out


def _hash(x: np.ndarray, y: np.ndarray, z: np.ndarray, seed: int) -> Scalars:
    """-1..1 for a lattice point: an integer mix in 64 bits, wrapping around."""
    with np.errstate(over="ignore"):
        h = (x * 73856093) ^ (y * 19349663) ^ (z * 83492791) ^ (seed * 2654435761)
        h = (h ^ (h >> 13)) * 1274126177
        h = h ^ (h >> 16)
    return np.asarray((h & 0xFFFF) / 32767.5 - 1.0, np.float64)
