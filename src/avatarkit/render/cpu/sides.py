"""What decides where a triangle is seen: its edge functions and its nearness, planes over the blocks of a band."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from avatarkit.compiled.vectors import Vector, least, load, most, to_floats, to_wholes
from avatarkit.render.cpu.arrays import I32
from avatarkit.render.cpu.jit import Real, Whole, inlined
from avatarkit.render.cpu.visibility import BLOCK_SIDE, BLOCK_SUBPIXELS, LANES, SAMPLE_X, SAMPLE_Y, SAMPLES, SUBPIXELS

_STEEPEST: Final = 2**26
"""A sliver's nearness may change by more than this between two samples; such numbers mean nothing, and are clamped
so that sums of them fit 32 bits."""

_FARTHEST: Final = 2**30 - 1
_LONGEST: Final = 2**19
"""Along edges of at most this length, in 1/256 pixel, an edge function that is farther from 0 than ``_FARTHEST``
keeps its sign within a block, so that 32 bits say all that matters. Longer ones are followed in coarser numbers."""


class Edge(NamedTuple):
    """An edge function, in (1/256 pixel)²: where it is 0 or more, a sample is on the inner side of the edge."""

    value: Whole
    """At the upper left corner of the first block."""
    right: Whole
    down: Whole
    """What it grows by from one block to the next, and from one line of blocks to the next."""
    lanes: Vector
    """What it is more, or less, at a block's samples than at its corner, divided by ``2**coarse``."""


class Sides(NamedTuple):
    """A triangle's three edges, opposite to its corners; what lies inside all of them lies inside the triangle."""

    edge0: Edge
    edge1: Edge
    edge2: Edge
    coarse: Whole
    """By how many bits the edge functions are coarser where they are compared sample by sample."""
    over: Real
    """1 / twice the area, in 1/(1/256 pixel)²; the area is positive."""


class Nearness(NamedTuple):
    """1/depth, a plane on the screen, in steps of ``DEPTH_STEPS``. Other names as in :class:`Edge`."""

    value: Real
    right: Real
    down: Real
    lanes: Vector
    nearest: Whole
    farthest: Whole
    """Of the corners: no sample is nearer or farther than all of them."""


def _lane_places() -> I32:
    lane = np.arange(LANES)
    pixel, sample = lane // SAMPLES, lane % SAMPLES
    columns = pixel % BLOCK_SIDE * SUBPIXELS + np.array(SAMPLE_X)[sample]
    rows = pixel // BLOCK_SIDE * SUBPIXELS + np.array(SAMPLE_Y)[sample]
    return np.concatenate([columns, rows]).astype(np.int32)


_LANE_PLACES: Final = _lane_places()


@inlined
def lane_x() -> Vector:
    """Columns of a block's samples in 1/256 pixel."""
    return load(_LANE_PLACES, np.uint64(0))


@inlined
def lane_y() -> Vector:
    """Rows of a block's samples in 1/256 pixel."""
    return load(_LANE_PLACES, np.uint64(LANES))


@inlined
def sides_of(
    x0: Whole, y0: Whole, x1: Whole, y1: Whole, x2: Whole, y2: Whole, extent: Whole, from_x: Whole, from_y: Whole
) -> Sides:
    """The edges of a triangle for blocks from ``from_x``, ``from_y`` on; all in 1/256 pixel.

    ``extent`` is the longer side of the box around the triangle.
    """
    coarse = np.int64(0)
    while extent >> coarse > _LONGEST:
        coarse += 1
    return Sides(
        _edge(x1, y1, x2 - x1, y2 - y1, from_x, from_y, coarse),
        _edge(x2, y2, x0 - x2, y0 - y2, from_x, from_y, coarse),
        _edge(x0, y0, x1 - x0, y1 - y0, from_x, from_y, coarse),
        coarse,
        1.0 / np.float64((x0 - x2) * (y1 - y0) - (x1 - x0) * (y0 - y2)),
    )


@inlined
def _edge(x: Whole, y: Whole, dx: Whole, dy: Whole, from_x: Whole, from_y: Whole, coarse: Whole) -> Edge:
    """The edge from a corner on, for blocks from ``from_x``, ``from_y`` on; all in 1/256 pixel.

    An edge that is neither at the left nor at the top does not own the samples on it.
    """
    owns = dy < 0 or (dy == 0 and dx > 0)
    return Edge(
        dx * (from_y - y) - dy * (from_x - x) - (0 if owns else 1),
        -dy * BLOCK_SUBPIXELS,
        dx * BLOCK_SUBPIXELS,
        lane_y() * (dx >> coarse) - lane_x() * (dy >> coarse),
    )


@inlined
def inside(sides: Sides, right: Whole, down: Whole) -> Vector:
    """Numbers that are 0 or more at the samples inside a triangle, for a block so many blocks from the first."""
    return (
        _edge_at(sides.edge0, sides.coarse, right, down)
        | _edge_at(sides.edge1, sides.coarse, right, down)
        | _edge_at(sides.edge2, sides.coarse, right, down)
    )


@inlined
def _edge_at(edge: Edge, coarse: Whole, right: Whole, down: Whole) -> Vector:
    value = (edge.value + right * edge.right + down * edge.down) >> coarse
    return edge.lanes + np.int32(min(max(value, np.int64(-_FARTHEST - 1)), np.int64(_FARTHEST)))


@inlined
def nearness(
    sides: Sides, near0: Whole, near1: Whole, near2: Whole, x0: Whole, y0: Whole, from_x: Whole, from_y: Whole
) -> Nearness:
    """The plane that has these values at a triangle's corners, the first of them at ``x0``, ``y0``.

    For blocks from ``from_x``, ``from_y`` on; all in 1/256 pixel.
    """
    scale = sides.over * (1.0 / BLOCK_SUBPIXELS)
    x = scale * (
        np.float64(sides.edge0.right) * near0
        + np.float64(sides.edge1.right) * near1
        + np.float64(sides.edge2.right) * near2
    )
    y = scale * (
        np.float64(sides.edge0.down) * near0
        + np.float64(sides.edge1.down) * near1
        + np.float64(sides.edge2.down) * near2
    )
    return Nearness(
        near0 + x * np.float64(from_x - x0) + y * np.float64(from_y - y0),
        x * BLOCK_SUBPIXELS,
        y * BLOCK_SUBPIXELS,
        to_wholes(least(most(to_floats(lane_x()) * x + to_floats(lane_y()) * y, -_STEEPEST), _STEEPEST)),
        max(near0, near1, near2),
        min(near0, near1, near2),
    )


@inlined
def near_at(plane: Nearness, right: Whole, down: Whole) -> Vector:
    """The nearness at the samples of a block, so many blocks from the first."""
    value = plane.value + np.float64(right) * plane.right + np.float64(down) * plane.down
    lowest, highest = np.float64(plane.farthest) - _STEEPEST, np.float64(plane.nearest) + _STEEPEST
    lanes = plane.lanes + np.int32(min(max(value, lowest), highest))
    return least(most(lanes, np.int32(plane.farthest)), np.int32(plane.nearest))
