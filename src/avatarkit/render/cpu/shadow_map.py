"""Room for the shadow map."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.arrays import F32

TEXELS: Final = 512
"""Side of the map."""

LANES: Final = 16
"""Texels that are tested at once; a row of the map is this much longer than the map is high."""

TILE_BITS: Final = 1
TILE: Final = 1 << TILE_BITS
"""Texels, each way, of the tiles whose depths are surveyed."""


def shadow_map() -> tuple[F32, F32]:
    """The depths (TEXELS, TEXELS + LANES), metres from the light, and what they reach in each tile: (t, t, 2)."""
    tiles = TEXELS // TILE
    return np.empty((TEXELS, TEXELS + LANES), np.float32), np.empty((tiles, tiles, 2), np.float32)
