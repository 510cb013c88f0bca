"""Drawing one triangle into the visibility buffer, solid or cut out by its texture's alpha, a block at once.

All of this is compiled into one loop over triangles: most of them cover a few pixels, and would take longer to be
handed from function to function than to be drawn.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from avatarkit.compiled.vectors import Vector, load, smallest, store, where
from avatarkit.render.cpu.arrays import F32, I32, U32
from avatarkit.render.cpu.blocks import Box, listed_column, listed_line, place_behind
from avatarkit.render.cpu.cutout import Cut, left_over
from avatarkit.render.cpu.jit import Whole, inlined
from avatarkit.render.cpu.sides import Nearness, Sides, inside, near_at
from avatarkit.render.cpu.visibility import BLOCK, BLOCK_BITS, SAMPLE_X, SAMPLE_Y, SUBPIXEL_BITS, TRIANGLE

_INSET: Final = min(*SAMPLE_X, *SAMPLE_Y)
"""No sample lies nearer to its pixel's edges, in 1/256 pixel."""


@inlined
def box_around(
    x0: Whole, y0: Whole, x1: Whole, y1: Whole, x2: Whole, y2: Whole, width: Whole, top: Whole, bottom: Whole
) -> Box:
    """The blocks of a band, rows ``top`` to ``bottom``, that may hold samples of a triangle; its corners are in 1/256
    pixel. Where there are none, the right side lies left of the left one, or the lower above the upper one.
    """
    left, right = (min(x0, x1, x2) + _INSET - 1) >> SUBPIXEL_BITS, (max(x0, x1, x2) - _INSET) >> SUBPIXEL_BITS
    upper, lower = (min(y0, y1, y2) + _INSET - 1) >> SUBPIXEL_BITS, (max(y0, y1, y2) - _INSET) >> SUBPIXEL_BITS
    return Box(
        max(left, np.int64(0)) >> BLOCK_BITS,
        min(right, width - 1) >> BLOCK_BITS,
        (max(upper, top) - top) >> BLOCK_BITS,
        (min(lower, bottom - 1) - top) >> BLOCK_BITS,
    )


class _Tested(NamedTuple):
    """A block that may hold samples of a triangle."""

    line: Whole
    column: Whole
    right: Whole
    down: Whole
    """How many blocks it lies from the triangle's first."""
    start: Whole
    """Where its numbers begin."""
    seen: Vector
    """Which samples the triangle takes, but for what is cut out."""
    deep: Vector
    was: Vector
    """How near the triangle is at its samples, and what is there already."""


@inlined
def _tested(block: Whole, box: Box, sides: Sides, plane: Nearness, flat: I32, stride: Whole) -> _Tested:
    line, column = listed_line(block), listed_column(block)
    right, down = column - box.left, line - box.upper
    start = np.uint64(line * stride + column * BLOCK)
    deep, was = near_at(plane, right, down), load(flat, start)
    return _Tested(line, column, right, down, start, (inside(sides, right, down) >= 0) & (deep > was), deep, was)


@inlined
def draw_solid(
    mark: Whole, box: Box, sides: Sides, plane: Nearness, pending: I32, count: Whole, flat: I32, stride: Whole,
    behind: I32, columns: Whole,
) -> None:  # fmt: skip
    """Draw a triangle in the ``count`` blocks that are ``pending``; ``mark`` is what its samples get.

    ``flat`` is the visibility buffer, with lines of ``stride`` numbers; for ``behind`` see :mod:`.blocks`.
    """
    for n in range(count):
        block = _tested(pending[np.uint64(n)], box, sides, plane, flat, stride)
        _keep(block.seen, block, mark, flat, behind, columns)


@inlined
def draw_cut(
    mark: Whole, box: Box, sides: Sides, plane: Nearness, pending: I32, count: Whole, flat: I32, stride: Whole,
    behind: I32, columns: Whole, cut: Cut, cutting: F32, masks: U32, first_texel: Whole,
) -> None:  # fmt: skip
    """As :func:`draw_solid`, but only those samples that :func:`.cutout.left_over` leaves."""
    for n in range(count):
        block = _tested(pending[np.uint64(n)], box, sides, plane, flat, stride)
        left = left_over(cut, cutting, masks, first_texel, block.line, block.column, block.right, block.down)
        _keep(block.seen & left, block, mark, flat, behind, columns)


@inlined
def _keep(seen: Vector, block: _Tested, mark: Whole, flat: I32, behind: I32, columns: Whole) -> None:
    """Write what is seen of a triangle in a block, and how near the block's farthest sample is then."""
    now, marks = where(seen, block.deep, block.was), block.start + np.uint64(TRIANGLE)
    store(flat, block.start, now)
    store(flat, marks, where(seen, np.int32(mark), load(flat, marks)))
    behind[place_behind(block.line, block.column, columns)] = smallest(now)
