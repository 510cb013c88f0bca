"""Drawing one triangle into the visibility buffer, solid or cut out by its texture's alpha, a block at once.

All of this is compiled into one loop over triangles: most of them cover a few pixels, and would take longer to be
handed from function to function than to be drawn.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import (
    Vector,
    bits,
    floor,
    least,
    load,
    look_up,
    most,
    store_where,
    to_floats,
    to_wholes,
    wholes_of,
)
from avatarkit.render.cpu.arrays import F32, I32, U32
from avatarkit.render.cpu.jit import Real, Whole, inlined
from avatarkit.render.cpu.visibility import BLOCK, BLOCK_SIDE, LANES, SAMPLE_X, SAMPLE_Y, SAMPLES, TRIANGLE

STEEPEST: Final = 2**26
"""A sliver's depth may change by more than this between two samples; such numbers mean nothing, and are clamped so
that sums of them fit 32 bits."""

_FARTHEST: Final = 2**30 - 1
_LONGEST: Final = 2**19
"""Along edges of at most this length, in 1/256 pixel, an edge function that is farther from 0 than ``_FARTHEST``
keeps its sign within a block, so that 32 bits say all that matters. Longer ones are followed in coarser numbers."""

_INSET: Final = min(*SAMPLE_X, *SAMPLE_Y)
"""No sample lies nearer to its pixel's edges, in 1/256 pixel."""

CORNER_ALPHA: Final = 0
CORNER_U: Final = 3
CORNER_V: Final = 6
CUT_WIDTH: Final = 9
CUT_HEIGHT: Final = 10
CUT_AT: Final = 11
CUT_SPREAD: Final = 12
CUT_VALUES: Final = 13
"""How a triangle is cut out, float32: its corners' alphas, texel columns and texel rows; width and height of the
mipmap level; the alpha, of 255, from which on it is seen, and how much that varies from sample to sample."""


def _lane_places() -> I32:
    lane = np.arange(LANES)
    pixel, sample = lane // SAMPLES, lane % SAMPLES
    columns, rows = (
        pixel % BLOCK_SIDE * 256 + np.array(SAMPLE_X)[sample],
        pixel // BLOCK_SIDE * 256 + np.array(SAMPLE_Y)[sample],
    )
    return np.concatenate([columns, rows]).astype(np.int32)


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


LANE_PLACES: Final = _lane_places()
"""Columns, then rows, of a block's samples in 1/256 pixel."""

_LIMITS: Final = _limits()


@inlined
def _bounded(value: Whole) -> Whole:
    return np.int32(min(max(value, np.int64(-_FARTHEST - 1)), np.int64(_FARTHEST)))


@inlined
def _crossing(value: Whole, across: Whole, down: Whole, width: Real) -> tuple[Real, Real, Real, Real]:
    """From which pixel of a row on an edge function may be 0 or more, and what that grows by each row; then up to
    which.

    ``value`` is the most that it is within the first pixel; ``across`` and ``down`` are what it grows by.
    """
    if across > 0:
        over = -1.0 / np.float64(across)
        return np.float64(value) * over, np.float64(down) * over, width, 0.0
    if across < 0:
        over = -1.0 / np.float64(across)
        return 0.0, 0.0, np.float64(value) * over, np.float64(down) * over
    return 0.0, 0.0, width, 0.0


@inlined
def _slope(cutting: F32, at: int, x0: Real, x1: Real, x2: Real) -> Real:
    return x0 * cutting[at] + x1 * cutting[at + 1] + x2 * cutting[at + 2]


@inlined
def _alpha(masks: U32, first: Whole, width: Real, height: Real, u: Vector, v: Vector) -> Vector:
    """Bilinear alpha 0..255 at texel positions of a level that begins at ``first``, with repeat addressing."""
    u, v = u - floor(u * (np.float32(1.0) / width)) * width, v - floor(v * (np.float32(1.0) / height)) * height
    left, upper = least(to_wholes(u), np.int32(width) - 1), least(to_wholes(v), np.int32(height) - 1)
    u, v = u - to_floats(left), v - to_floats(upper)
    four = look_up(masks, upper * np.int32(width) + left + first)
    above, right_above = to_floats(four & 255), to_floats((four >> 8) & 255)
    below, right_below = to_floats((four >> 16) & 255), to_floats(four >> 24)
    above, below = above + (right_above - above) * u, below + (right_below - below) * u
    return above + (below - above) * v


@inlined
def draw(
    fixed: I32, a: Whole, b: Whole, c: Whole, mark: Whole, width: Whole, top: Whole, bottom: Whole, flat: I32,
    stride: Whole, lane_x: Vector, lane_y: Vector, cut: bool, masks: U32, first_texel: Whole, cutting: F32,
) -> None:  # fmt: skip
    """Draw a triangle with positive area into ``flat``, the visibility buffer with rows of ``stride`` numbers.

    ``mark`` is what the buffer gets. Where it is ``cut``, only those samples are drawn whose alpha reaches the limit
    that ``cutting`` says; at a spread of 1 the share of a pixel's samples is its alpha, as four samples of 4 x 4
    pixels have 64 limits.
    """
    x0, y0 = np.int64(fixed[a, 0]), np.int64(fixed[a, 1])
    x1, y1 = np.int64(fixed[b, 0]), np.int64(fixed[b, 1])
    x2, y2 = np.int64(fixed[c, 0]), np.int64(fixed[c, 1])
    left = max(np.int64(0), (min(x0, x1, x2) + _INSET - 1) >> 8) // BLOCK_SIDE * BLOCK_SIDE
    across = min(width - 1, (max(x0, x1, x2) - _INSET) >> 8) - left
    first = max(top, (min(y0, y1, y2) + _INSET - 1) >> 8) // BLOCK_SIDE * BLOCK_SIDE
    last = min(bottom - 1, (max(y0, y1, y2) - _INSET) >> 8)
    if across >= 0 and first <= last:
        # Edge functions, opposite to a, b and c; they grow by -dy per 1/256 pixel in x and by dx in y. An edge that
        # is neither at the left nor at the top does not own the samples on it.
        dx0, dy0, dx1, dy1, dx2, dy2 = x2 - x1, y2 - y1, x0 - x2, y0 - y2, x1 - x0, y1 - y0
        px, py = left << 8, first << 8
        e0 = dx0 * (py - y1) - dy0 * (px - x1) - (0 if dy0 < 0 or (dy0 == 0 and dx0 > 0) else 1)
        e1 = dx1 * (py - y2) - dy1 * (px - x2) - (0 if dy1 < 0 or (dy1 == 0 and dx1 > 0) else 1)
        e2 = dx2 * (py - y0) - dy2 * (px - x0) - (0 if dy2 < 0 or (dy2 == 0 and dx2 > 0) else 1)
        right0, right1, right2 = -dy0 << 8, -dy1 << 8, -dy2 << 8
        down0, down1, down2 = dx0 * (256 * BLOCK_SIDE), dx1 * (256 * BLOCK_SIDE), dx2 * (256 * BLOCK_SIDE)
        coarse = np.int64(0)
        while max(max(x0, x1, x2) - min(x0, x1, x2), max(y0, y1, y2) - min(y0, y1, y2)) >> coarse > _LONGEST:
            coarse += 1
        lane0 = lane_y * (dx0 >> coarse) - lane_x * (dy0 >> coarse)
        lane1 = lane_y * (dx1 >> coarse) - lane_x * (dy1 >> coarse)
        lane2 = lane_y * (dx2 >> coarse) - lane_x * (dy2 >> coarse)
        # 1/depth is a plane on the screen; no sample is nearer or farther than all corners.
        ia, ib, ic = np.int64(fixed[a, 2]), np.int64(fixed[b, 2]), np.int64(fixed[c, 2])
        over = 1.0 / np.float64(dx1 * dy2 - dx2 * dy1)
        z_x = -over * np.float64(dy0 * ia + dy1 * ib + dy2 * ic)
        z_y = over * np.float64(dx0 * ia + dx1 * ib + dx2 * ic)
        z = ia + z_x * np.float64(px - x0) + z_y * np.float64(py - y0)
        near, far = wholes_of(max(ia, ib, ic)), wholes_of(min(ia, ib, ic))
        lowest, highest = np.float64(min(ia, ib, ic)) - STEEPEST, np.float64(max(ia, ib, ic)) + STEEPEST
        fx, fy = to_floats(lane_x), to_floats(lane_y)
        lane_z = to_wholes(least(most(fx * z_x + fy * z_y, -STEEPEST), STEEPEST))
        marks = wholes_of(mark)
        # Where rows enter and leave the triangle, of those that are wide: hair is long and thin.
        wide, beyond = across >= 4 * BLOCK_SIDE, np.float64(across)
        in0 = in1 = in2 = in_step0 = in_step1 = in_step2 = out_step0 = out_step1 = out_step2 = 0.0
        out0 = out1 = out2 = beyond
        if wide:
            most0 = e0 + max(down0, np.int64(0)) + max(right0, np.int64(0))
            most1 = e1 + max(down1, np.int64(0)) + max(right1, np.int64(0))
            most2 = e2 + max(down2, np.int64(0)) + max(right2, np.int64(0))
            in0, in_step0, out0, out_step0 = _crossing(most0, right0, down0, beyond)
            in1, in_step1, out1, out_step1 = _crossing(most1, right1, down1, beyond)
            in2, in_step2, out2, out_step2 = _crossing(most2, right2, down2, beyond)
        if cut:
            # Texture and alpha are taken as straight on the screen: within one triangle, perspective moves a cut
            # edge by far less than a pixel.
            scale, ox, oy = np.float32(over), np.float32(px - x0), np.float32(py - y0)
            wx0, wx1, wx2 = np.float32(-dy0) * scale, np.float32(-dy1) * scale, np.float32(-dy2) * scale
            wy0, wy1, wy2 = np.float32(dx0) * scale, np.float32(dx1) * scale, np.float32(dx2) * scale
            alpha_x, alpha_y = (
                _slope(cutting, CORNER_ALPHA, wx0, wx1, wx2),
                _slope(cutting, CORNER_ALPHA, wy0, wy1, wy2),
            )
            u_x, u_y = _slope(cutting, CORNER_U, wx0, wx1, wx2), _slope(cutting, CORNER_U, wy0, wy1, wy2)
            v_x, v_y = _slope(cutting, CORNER_V, wx0, wx1, wx2), _slope(cutting, CORNER_V, wy0, wy1, wy2)
            lane_alpha = fx * alpha_x + fy * alpha_y + (cutting[CORNER_ALPHA] + alpha_x * ox + alpha_y * oy)
            lane_u = fx * u_x + fy * u_y + (cutting[CORNER_U] + u_x * ox + u_y * oy)
            lane_v = fx * v_x + fy * v_y + (cutting[CORNER_V] + v_x * ox + v_y * oy)
        for y in range(first, last + 1, BLOCK_SIDE):
            begin, end = np.int64(0), across
            if wide:
                begin = np.int64(min(max(in0, in1, in2, 0.0), beyond)) // BLOCK_SIDE * BLOCK_SIDE
                end = np.int64(max(min(out0, out1, out2, beyond) + 1e-6, -1.0))
                in0, in1, in2 = in0 + in_step0, in1 + in_step1, in2 + in_step2
                out0, out1, out2 = out0 + out_step0, out1 + out_step1, out2 + out_step2
            f0, f1, f2 = e0 + begin * right0, e1 + begin * right1, e2 + begin * right2
            fz = z + np.float64(begin) * (z_x * 256.0)
            start = np.uint64((y - top) // BLOCK_SIDE * stride + (left + begin) // BLOCK_SIDE * BLOCK)
            for x in range(begin, end + 1, BLOCK_SIDE):
                inside = (lane0 + _bounded(f0 >> coarse)) | (lane1 + _bounded(f1 >> coarse))
                inside = inside | (lane2 + _bounded(f2 >> coarse))
                deep = least(most(lane_z + np.int32(min(max(fz, lowest), highest)), far), near)
                seen = (inside >= 0) & (deep > load(flat, start))
                if not cut:
                    store_where(seen, flat, start, deep)
                    store_where(seen, flat, start + np.uint64(TRIANGLE), marks)
                elif bits(seen) != 0:
                    bx, by = np.float32(x << 8), np.float32((y - first) << 8)
                    u, v = lane_u + (u_x * bx + u_y * by), lane_v + (v_x * bx + v_y * by)
                    alpha = _alpha(masks, first_texel, cutting[CUT_WIDTH], cutting[CUT_HEIGHT], u, v)
                    alpha = alpha * (lane_alpha + (alpha_x * bx + alpha_y * by))
                    limit = (
                        load(_LIMITS, np.uint64(((y & 2) + ((left + x) >> 1 & 1)) * LANES)) * cutting[CUT_SPREAD]
                        + cutting[CUT_AT]
                    )
                    seen = seen & (alpha >= limit)
                    store_where(seen, flat, start, deep)
                    store_where(seen, flat, start + np.uint64(TRIANGLE), marks)
                f0, f1, f2 = f0 + right0 * BLOCK_SIDE, f1 + right1 * BLOCK_SIDE, f2 + right2 * BLOCK_SIDE
                fz += z_x * (256.0 * BLOCK_SIDE)
                start += np.uint64(BLOCK)
            e0, e1, e2, z = e0 + down0, e1 + down1, e2 + down2, z + z_y * (256.0 * BLOCK_SIDE)
