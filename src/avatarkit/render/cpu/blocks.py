"""Which blocks of a band a triangle may be seen in, sixteen of them tested at once.

The tests are bounds: the most that an edge function, or the nearness, comes to anywhere within a block, plus room for
what rounding may take from it. A block that is let through for nothing costs time; one that were left out would be a
hole. What is seen is decided sample by sample, in :mod:`.coverage`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from avatarkit.compiled.vectors import Vector, append, bits, largest, least, load, most, to_wholes
from avatarkit.render.cpu.arrays import I32
from avatarkit.render.cpu.jit import Real, Whole, inlined
from avatarkit.render.cpu.sides import Edge, Nearness, Sides
from avatarkit.render.cpu.visibility import BLOCK_SIDE, BLOCK_SUBPIXELS, LANES

_GROUP_BITS: Final = 2
_GROUP_SIDE: Final = 1 << _GROUP_BITS
"""Blocks, each way, that are tested at once."""

_COLUMN_BITS: Final = 16
"""A block is listed as its line and its column in its band, which takes so many bits."""

_OVERHANG: Final = 5
"""By less than so many blocks groups reach beyond the triangle, each way."""

_ROUNDING: Final = 2.0**-20
"""Sixteen times what a float32 is rounded by, as a share. A bound is the sum of a number of the triangle's own and of
two products; rounding each of them, the factors and the sums takes from it less than that share of the largest number
that may come up."""

_NEAREST: Final = 2**31 - 1
_MOST: Final = 2.0**31 - 128.0
"""The largest int32, and the largest that is a float32."""

_COLUMNS: Final = (np.arange(LANES) // _GROUP_SIDE).astype(np.float32)
_LINES: Final = (np.arange(LANES) % _GROUP_SIDE).astype(np.float32)
"""Where the blocks of a group lie in it: column by column, as in ``behind``."""


class Box(NamedTuple):
    """The blocks around a triangle: first and last column, and first and last line of its band."""

    left: Whole
    right: Whole
    upper: Whole
    lower: Whole


@inlined
def columns_behind(width: Whole) -> Whole:
    """Columns of ``behind`` for images so wide: groups may begin in any column, and reach beyond the last."""
    return (width + BLOCK_SIDE - 1) // BLOCK_SIDE + _GROUP_SIDE


@inlined
def nothing_behind(lines: Whole, columns: Whole) -> I32:
    """``behind`` for an empty band of so many lines of blocks: how near each block's farthest sample is.

    It holds four lines together, column by column, so that a group is a vector wherever it begins. Lines that only
    fill up the last four are as near as can be: nothing is seen there.
    """
    groups = (lines + _GROUP_SIDE - 1) >> _GROUP_BITS
    behind = np.zeros(groups * columns * _GROUP_SIDE, np.int32)
    for line in range(lines, groups * _GROUP_SIDE):
        for column in range(columns):
            behind[place_behind(line, column, columns)] = _NEAREST
    return behind


@inlined
def place_behind(line: Whole, column: Whole, columns: Whole) -> Whole:
    """Where ``behind`` has a block."""
    return np.uint64((((line >> _GROUP_BITS) * columns + column) << _GROUP_BITS) + (line & (_GROUP_SIDE - 1)))


@inlined
def _within(box: Box, column: Whole) -> Vector:
    """Which blocks of the group that begins in a column do not lie beyond the box's right side."""
    return load(_COLUMNS, np.uint64(0)) <= np.float32(box.right - column)


@inlined
def is_hidden(box: Box, nearest: Whole, behind: I32, columns: Whole) -> Whole:
    """Whether all samples in a box are at least as near as a triangle's nearest corner; in an empty box they are."""
    found = np.int64(0)
    line = box.upper >> _GROUP_BITS << _GROUP_BITS
    while found == 0 and line <= box.lower:
        column = box.left
        while found == 0 and column <= box.right:
            found = bits(
                (load(behind, place_behind(line, column, columns)) < np.int32(nearest)) & _within(box, column)
            )
            column += _GROUP_SIDE
        line += _GROUP_SIDE
    return found == 0


@inlined
def _along(right: Real, down: Real) -> Vector:
    """What a number that grows by ``right`` and ``down`` from block to block has gained at those of a group."""
    return load(_COLUMNS, np.uint64(0)) * np.float32(right) + load(_LINES, np.uint64(0)) * np.float32(down)


@inlined
def _most_within(edge: Edge, room: Whole) -> Whole:
    """What an edge function is, at the most, at the first block of the box, and room."""
    return edge.value + max(edge.right, np.int64(0)) + max(edge.down, np.int64(0)) + room


@inlined
def list_blocks(
    box: Box, sides: Sides, extent: Whole, plane: Nearness, behind: I32, columns: Whole, pending: I32
) -> Whole:  # fmt: skip
    """Write to ``pending`` the blocks in which a triangle may be seen; returns how many they are.

    ``extent`` is the longer side of the triangle's bounding box, in 1/256 pixel. ``behind`` says of each block of the
    band how near its farthest sample is. ``pending`` needs room for a vector more than there are blocks.
    """
    # Nowhere in the box, with what hangs over, does an edge function exceed twice this, as |dx| and |dy| are at most
    # the extent.
    edge0, edge1, edge2, side = sides.edge0, sides.edge1, sides.edge2, np.float64(extent)
    room = np.int64(side * (side + _OVERHANG * BLOCK_SUBPIXELS) * _ROUNDING) + 1
    most0, most1, most2 = _most_within(edge0, room), _most_within(edge1, room), _most_within(edge2, room)
    along0, along1 = _along(edge0.right, edge0.down), _along(edge1.right, edge1.down)
    along2, along_near = _along(edge2.right, edge2.down), _along(plane.right, plane.down)
    wide, high = np.float64(box.right - box.left + _OVERHANG), np.float64(box.lower - box.upper + _OVERHANG)
    steep = abs(plane.right) * wide + abs(plane.down) * high
    rise = np.float64(largest(plane.lanes)) + (abs(plane.value) + steep) * _ROUNDING + 2.0
    farthest = np.float32(np.float64(plane.farthest) * (1.0 + _ROUNDING) + 2.0)
    names = (to_wholes(load(_LINES, np.uint64(0))) << _COLUMN_BITS) + to_wholes(load(_COLUMNS, np.uint64(0)))
    count = np.int64(0)
    for group in range(box.upper >> _GROUP_BITS, (box.lower >> _GROUP_BITS) + 1):
        line = group << _GROUP_BITS
        down = line - box.upper
        for column in range(box.left, box.right + 1, _GROUP_SIDE):
            right = column - box.left
            inside = least(
                along0 + np.float32(most0 + right * edge0.right + down * edge0.down),
                along1 + np.float32(most1 + right * edge1.right + down * edge1.down),
            )
            inside = least(inside, along2 + np.float32(most2 + right * edge2.right + down * edge2.down))
            near = plane.value + np.float64(right) * plane.right + np.float64(down) * plane.down + rise
            nearest = to_wholes(least(most(along_near + np.float32(near), farthest), np.float32(_MOST)))
            nearest = least(nearest, np.int32(plane.nearest))
            may = (
                (nearest > load(behind, place_behind(line, column, columns))) & (inside >= 0.0) & _within(box, column)
            )
            count += append(may, pending, np.uint64(count), names + np.int32((line << _COLUMN_BITS) + column))
    return count


@inlined
def listed_line(block: Whole) -> Whole:
    """The line of a block in its band, as :func:`list_blocks` lists it."""
    return np.int64(block) >> _COLUMN_BITS


@inlined
def listed_column(block: Whole) -> Whole:
    """The column of a block, as :func:`list_blocks` lists it."""
    return np.int64(block) & ((1 << _COLUMN_BITS) - 1)
