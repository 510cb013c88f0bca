"""What a texture's alpha leaves of a triangle, sample by sample."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from avatarkit.compiled.vectors import Vector, floor, least, load, look_up, to_floats, to_wholes
from avatarkit.render.cpu.arrays import F32, I32, U32
from avatarkit.render.cpu.jit import Real, Whole, inlined, kernel
from avatarkit.render.cpu.materials import BASE, CUTOFF, SOFT, TEXTURE
from avatarkit.render.cpu.records import ALPHA, U, V, X, Y
from avatarkit.render.cpu.sampling import mip_level
from avatarkit.render.cpu.sides import Sides, lane_x, lane_y
from avatarkit.render.cpu.visibility import BLOCK_SIDE, BLOCK_SUBPIXELS, LANES, SAMPLES

_CORNER_ALPHA: Final = 0
_CORNER_U: Final = 3
_CORNER_V: Final = 6
_WIDTH: Final = 9
_HEIGHT: Final = 10
_LIMIT: Final = 11
_SPREAD: Final = 12
CUT_VALUES: Final = 13
"""How a triangle is cut out, float32: its corners' alphas, texel columns and texel rows; width and height of the
mipmap level; the alpha, of 255, from which on it is seen, and how much that varies from sample to sample. At a spread
of 1 the share of a pixel's samples is its alpha, as four samples of 4 x 4 pixels have 64 limits."""


def _limits() -> F32:
    """How far each sample's alpha limit lies from the middle, -0.5..0.5, for the four blocks of a square.

    The four samples of a pixel lie a quarter apart; the pixels of a 4 x 4 square fill the quarters evenly, in the
    order of Bayer's matrix (1973), so that soft edges show no pattern.
    """
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    out = np.zeros((BLOCK_SIDE, BLOCK_SIDE, LANES), np.float32)
    for row, column, lane in np.ndindex(out.shape):
        pixel, sample = lane // SAMPLES, lane % SAMPLES
        fine = order[row * BLOCK_SIDE + pixel // BLOCK_SIDE, column * BLOCK_SIDE + pixel % BLOCK_SIDE]
        out[row, column, lane] = ((sample + fine) % 4 + (fine + 0.5) / 16.0) / 4.0 - 0.5
    return out.reshape(-1)


_LIMITS: Final = _limits()


class Slope(NamedTuple):
    """A number that varies over a triangle: at the samples of the first block, and what it grows by per 1/256 pixel.

    It is taken as straight on the screen: within one triangle, perspective moves a cut edge by far less than a pixel.
    """

    lanes: Vector
    x: Real
    y: Real


class Cut(NamedTuple):
    """How the texture lies on a triangle: the corners' alpha, 0..1, and where in the texture it is, in texels."""

    alpha: Slope
    u: Slope
    v: Slope


@kernel
def prepare_cut(
    a: Whole, b: Whole, c: Whole, fixed_area: Whole, factors: F32, flags: I32, record: F32, masks: U32, levels: I32,
    counts: I32, cutting: F32,
) -> Whole:  # fmt: skip
    """Fill ``cutting`` for a triangle of a material; returns where the mipmap level begins that it takes.

    ``fixed_area`` is twice the triangle's area, in (1/256 pixel)².
    """
    half, opaque, base = np.float32(0.5), np.float32(255.0), factors[BASE + 3]
    cutting[_CORNER_ALPHA] = base * record[a, ALPHA]
    cutting[_CORNER_ALPHA + 1] = base * record[b, ALPHA]
    cutting[_CORNER_ALPHA + 2] = base * record[c, ALPHA]
    cutting[_LIMIT], cutting[_SPREAD] = factors[CUTOFF] * opaque, np.float32(flags[SOFT]) * opaque
    image = flags[TEXTURE]
    if image < 0:
        cutting[_WIDTH] = cutting[_HEIGHT] = np.float32(1.0)
        return np.int64(masks.shape[0] - 1)
    u0, u1, u2 = record[a, U], record[b, U], record[c, U]
    v0, v1, v2 = record[a, V], record[b, V], record[c, V]
    x1, y1 = record[b, X] - record[a, X], record[b, Y] - record[a, Y]
    x2, y2 = record[c, X] - record[a, X], record[c, Y] - record[a, Y]
    over = np.float32(65536.0) / np.float32(fixed_area)
    scale_u, scale_v = over * np.float32(levels[image, 0, 1]), over * np.float32(levels[image, 0, 2])
    level = mip_level(
        ((u1 - u0) * y2 - (u2 - u0) * y1) * scale_u, ((u2 - u0) * x1 - (u1 - u0) * x2) * scale_u,
        ((v1 - v0) * y2 - (v2 - v0) * y1) * scale_v, ((v2 - v0) * x1 - (v1 - v0) * x2) * scale_v, counts[image],
    )  # fmt: skip
    across, along = np.float32(levels[image, level, 1]), np.float32(levels[image, level, 2])
    cutting[_WIDTH], cutting[_HEIGHT] = across, along
    cutting[_CORNER_U], cutting[_CORNER_V] = u0 * across - half, v0 * along - half
    cutting[_CORNER_U + 1], cutting[_CORNER_V + 1] = u1 * across - half, v1 * along - half
    cutting[_CORNER_U + 2], cutting[_CORNER_V + 2] = u2 * across - half, v2 * along - half
    return np.int64(levels[image, level, 0])


@inlined
def cut_of(cutting: F32, sides: Sides, x: Whole, y: Whole) -> Cut:
    """How a triangle is cut out that :func:`prepare_cut` has prepared.

    ``x``, ``y``: from its first corner to the first block, in 1/256 pixel.
    """
    edge0, edge1, edge2 = sides.edge0, sides.edge1, sides.edge2
    right, down, scale = np.float32(x), np.float32(y), np.float32(sides.over) * np.float32(1.0 / BLOCK_SUBPIXELS)
    x0, y0 = np.float32(edge0.right) * scale, np.float32(edge0.down) * scale
    x1, y1 = np.float32(edge1.right) * scale, np.float32(edge1.down) * scale
    x2, y2 = np.float32(edge2.right) * scale, np.float32(edge2.down) * scale
    alpha_x, alpha_y = _mixed(cutting, _CORNER_ALPHA, x0, x1, x2), _mixed(cutting, _CORNER_ALPHA, y0, y1, y2)
    u_x, u_y = _mixed(cutting, _CORNER_U, x0, x1, x2), _mixed(cutting, _CORNER_U, y0, y1, y2)
    v_x, v_y = _mixed(cutting, _CORNER_V, x0, x1, x2), _mixed(cutting, _CORNER_V, y0, y1, y2)
    return Cut(
        _slope(cutting[_CORNER_ALPHA], alpha_x, alpha_y, right, down),
        _slope(cutting[_CORNER_U], u_x, u_y, right, down),
        _slope(cutting[_CORNER_V], v_x, v_y, right, down),
    )


@inlined
def _mixed(cutting: F32, at: int, x0: Real, x1: Real, x2: Real) -> Real:
    return x0 * cutting[at] + x1 * cutting[at + 1] + x2 * cutting[at + 2]


@inlined
def _slope(first: Real, x: Real, y: Real, right: Real, down: Real) -> Slope:
    return Slope(to_floats(lane_x()) * x + to_floats(lane_y()) * y + (first + x * right + y * down), x, y)


@inlined
def _at(slope: Slope, right: Real, down: Real) -> Vector:
    return slope.lanes + (slope.x * right + slope.y * down)


@inlined
def left_over(
    cut: Cut, cutting: F32, masks: U32, first_texel: Whole, line: Whole, column: Whole, right: Whole, down: Whole
) -> Vector:
    """Which samples of a block reach the limit that is set for their alpha.

    ``line`` and ``column`` say where the block lies, ``right`` and ``down`` how many blocks from the first.
    """
    x, y = np.float32(right * BLOCK_SUBPIXELS), np.float32(down * BLOCK_SUBPIXELS)
    texture = _alpha(masks, first_texel, cutting[_WIDTH], cutting[_HEIGHT], _at(cut.u, x, y), _at(cut.v, x, y))
    limits = load(_LIMITS, np.uint64(((line & 1) * BLOCK_SIDE + (column & 1)) * LANES))
    return texture * _at(cut.alpha, x, y) >= limits * cutting[_SPREAD] + cutting[_LIMIT]


@inlined
def _alpha(masks: U32, first: Whole, width: Real, height: Real, u: Vector, v: Vector) -> Vector:
    """Bilinear alpha 0..255 at texel positions of a level that begins at ``first``, with repeat addressing."""
    u, v = u - floor(u * (np.float32(1.0) / width)) * width, v - floor(v * (np.float32(1.0) / height)) * height
    left, upper = least(to_wholes(u), np.int32(width) - 1), least(to_wholes(v), np.int32(height) - 1)
    u, v = u - to_floats(left), v - to_floats(upper)
    four = look_up(masks, upper * (np.int32(width) + 1) + left + first)
    above, right_above = to_floats(four & 255), to_floats((four >> 8) & 255)
    below, right_below = to_floats((four >> 16) & 255), to_floats(four >> 24)
    above, below = above + (right_above - above) * u, below + (right_below - below) * u
    return above + (below - above) * v
