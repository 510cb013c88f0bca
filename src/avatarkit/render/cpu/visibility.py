"""The visibility buffer: which triangle is nearest at four samples a pixel, and how near it is."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.arrays import I32

SUBPIXEL_BITS: Final = 8
SUBPIXELS: Final = 1 << SUBPIXEL_BITS
"""Screen positions are rounded to 1/256 pixel, so that coverage is decided in whole numbers, without cracks."""

SAMPLES: Final = 4
SAMPLE_X: Final = (96, 224, 160, 32)
SAMPLE_Y: Final = (32, 96, 224, 160)
"""Sample places in 1/256 pixel: a rotated grid, so that near-vertical and near-horizontal edges get four steps."""

DEPTH_STEPS: Final = 2.0**24
"""A sample's depth is its 1/depth (1/m) in these steps: the larger is nearer, 0 is where nothing is seen."""

BLOCK_BITS: Final = 1
BLOCK_SIDE: Final = 1 << BLOCK_BITS
LANES: Final = SAMPLES * BLOCK_SIDE**2
"""Pixels, each way, and samples of a block, which are tested at once: pixel by pixel, row by row."""

BLOCK_SUBPIXELS: Final = BLOCK_SIDE * SUBPIXELS
"""A block's side, in 1/256 pixel."""

TRIANGLE: Final = LANES
BLOCK: Final = 2 * LANES
"""A block's numbers: the depths of its samples, then, from ``TRIANGLE`` on, one more than their triangles."""


def visibility_buffers(count: int, size: tuple[int, int]) -> I32:
    """Room for so many images of ``size`` (width, height): int32 (count, rows of blocks, blocks + 1, BLOCK).

    The block beyond lets vectors reach over the last one, and keeps the rows from competing for the same lines of the
    processor's caches, as they do at distances of a power of two.
    """
    return np.empty((count, -(-size[1] // BLOCK_SIDE), -(-size[0] // BLOCK_SIDE) + 1, BLOCK), np.int32)
