"""Drawing one triangle into the visibility buffer: small or of any size, solid or cut out by its texture's alpha.

The edge functions of a small triangle fit 32 bits, of which a processor takes twice as many at once. A fixed number
of lanes is tested, whatever the triangle's width: that is what gets vectorised.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.jit import F32, F64, I32, I64, U8, Real, Whole, inlined, kernel
from avatarkit.render.cpu.visibility import BLOCK, LANES, PIXELS, SAMPLE_X, SAMPLE_Y, SAMPLES, TRIANGLE

SMALL: Final = 64 * 256
"""A triangle less wide and high than this, in 1/256 pixel, is small."""

STEEPEST: Final = 2**26
"""A sliver's depth may change by more than this between two samples; such numbers mean nothing, and are clamped so
that sums of them fit 32 bits."""

EDGE: Final = 0
PIXEL_STEP: Final = 3
ROW_STEP: Final = 6
MOST: Final = 9
NEAREST: Final = 12
FARTHEST: Final = 13
LEFT: Final = 14
RIGHT: Final = 15
FIRST: Final = 16
LAST: Final = 17
MARK: Final = 18
SETUP: Final = 19
"""A triangle made ready for drawing, int64: its three edge functions at the first pixel's corner, which are 0 or more
inside; what they grow by to the next pixel and the next row; the most that they grow within a pixel; bounds of its
depth; the pixels around it, ``LEFT`` being a
block's first and rows counting from the band's; and what the buffer gets."""

LANE_X: Final = 4 * LANES
LANE_Y: Final = 5 * LANES
FOUND: Final = 6 * LANES
LANE_VALUES: Final = 7 * LANES
"""Places of the lanes within a block, in 1/256 pixel, behind what the lanes add to the edges and to the depth."""


def _limits() -> F32:
    """How far each sample's alpha limit lies from the middle, -0.5..0.5, for rows modulo 4 and lanes of a block.

    The four samples of a pixel lie a quarter apart; the pixels of a 4 x 4 square fill the quarters evenly, in the
    order of Bayer's matrix (1973), so that soft edges show no pattern.
    """
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])
    out = np.zeros((4, LANES), np.float32)
    for row in range(4):
        for lane in range(LANES):
            fine, sample = order[row, lane // SAMPLES % 4], lane % SAMPLES
            out[row, lane] = ((sample + fine) % 4 + (fine + 0.5) / 16.0) / 4.0 - 0.5
    return out


LIMITS: Final = _limits()


@kernel
def lane_places() -> I64:
    """The array for :func:`prepare` to fill, its places filled in."""
    lanes = np.zeros(LANE_VALUES, np.int64)
    for lane in range(LANES):
        lanes[LANE_X + lane] = lane // SAMPLES * 256 + SAMPLE_X[lane % SAMPLES]
        lanes[LANE_Y + lane] = SAMPLE_Y[lane % SAMPLES]
    return lanes


@kernel
def prepare(
    fixed: I32, a: Whole, b: Whole, c: Whole, width: Whole, top: Whole, bottom: Whole, setup: I64,
    plane: F64, lanes: I64, small_lanes: I32,
) -> bool:  # fmt: skip
    """Make a triangle with positive area ready to be drawn; true when it is small.

    Then ``small_lanes`` is filled, else ``lanes``. ``plane`` gets its depth at the first pixel's corner and what it
    grows by to the next pixel and row.
    """
    x0, y0 = np.int64(fixed[a, 0]), np.int64(fixed[a, 1])
    x1, y1 = np.int64(fixed[b, 0]), np.int64(fixed[b, 1])
    x2, y2 = np.int64(fixed[c, 0]), np.int64(fixed[c, 1])
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    left, right = max(np.int64(0), min(x0, x1, x2) >> 8), min(width - 1, max(x0, x1, x2) >> 8)
    first, last = max(top, min(y0, y1, y2) >> 8), min(bottom - 1, max(y0, y1, y2) >> 8)
    left = left // PIXELS * PIXELS
    setup[LEFT], setup[RIGHT], setup[FIRST], setup[LAST] = left, right, first - top, last - top
    # Edge functions, opposite to a, b and c; they grow by -dy per 1/256 pixel in x and by dx in y. An edge that is
    # neither at the left nor at the top does not own the samples on it.
    dx0, dy0, dx1, dy1, dx2, dy2 = x2 - x1, y2 - y1, x0 - x2, y0 - y2, x1 - x0, y1 - y0
    px, py = left << 8, first << 8
    setup[EDGE] = dx0 * (py - y1) - dy0 * (px - x1) - (0 if dy0 < 0 or (dy0 == 0 and dx0 > 0) else 1)
    setup[EDGE + 1] = dx1 * (py - y2) - dy1 * (px - x2) - (0 if dy1 < 0 or (dy1 == 0 and dx1 > 0) else 1)
    setup[EDGE + 2] = dx2 * (py - y0) - dy2 * (px - x0) - (0 if dy2 < 0 or (dy2 == 0 and dx2 > 0) else 1)
    setup[PIXEL_STEP], setup[PIXEL_STEP + 1], setup[PIXEL_STEP + 2] = -dy0 << 8, -dy1 << 8, -dy2 << 8
    setup[ROW_STEP], setup[ROW_STEP + 1], setup[ROW_STEP + 2] = dx0 << 8, dx1 << 8, dx2 << 8
    setup[MOST] = (max(dx0, np.int64(0)) + max(-dy0, np.int64(0))) << 8
    setup[MOST + 1] = (max(dx1, np.int64(0)) + max(-dy1, np.int64(0))) << 8
    setup[MOST + 2] = (max(dx2, np.int64(0)) + max(-dy2, np.int64(0))) << 8
    # 1/depth is a plane on the screen; no sample is nearer or farther than all corners.
    ia, ib, ic = np.int64(fixed[a, 2]), np.int64(fixed[b, 2]), np.int64(fixed[c, 2])
    over = 1.0 / area
    fine_x, fine_y = -over * (dy0 * ia + dy1 * ib + dy2 * ic), over * (dx0 * ia + dx1 * ib + dx2 * ic)
    plane[0], plane[1], plane[2] = ia + fine_x * (px - x0) + fine_y * (py - y0), fine_x * 256.0, fine_y * 256.0
    setup[NEAREST], setup[FARTHEST] = max(ia, ib, ic), min(ia, ib, ic)
    steep = np.float32(STEEPEST)
    zx, zy = np.float32(fine_x), np.float32(fine_y)
    if max(x0, x1, x2) - min(x0, x1, x2) < SMALL and max(y0, y1, y2) - min(y0, y1, y2) < SMALL:
        gx0, gy0, gx1, gy1 = np.int32(dx0), np.int32(dy0), np.int32(dx1), np.int32(dy1)
        gx2, gy2 = np.int32(dx2), np.int32(dy2)
        for lane in range(LANES):
            sx, sy = small_lanes[LANE_X + lane], small_lanes[LANE_Y + lane]
            small_lanes[lane] = gx0 * sy - gy0 * sx
            small_lanes[LANES + lane] = gx1 * sy - gy1 * sx
            small_lanes[2 * LANES + lane] = gx2 * sy - gy2 * sx
            small_lanes[3 * LANES + lane] = np.int32(
                min(max(zx * np.float32(sx) + zy * np.float32(sy), -steep), steep)
            )
        return True
    for lane in range(LANES):
        sx, sy = lanes[LANE_X + lane], lanes[LANE_Y + lane]
        lanes[lane] = dx0 * sy - dy0 * sx
        lanes[LANES + lane] = dx1 * sy - dy1 * sx
        lanes[2 * LANES + lane] = dx2 * sy - dy2 * sx
        lanes[3 * LANES + lane] = np.int64(min(max(zx * np.float32(sx) + zy * np.float32(sy), -steep), steep))
    return False


@inlined
def _narrow(first: Whole, last: Whole, value: Whole, step: Whole) -> tuple[Whole, Whole]:
    """Those i of ``first`` to ``last`` for which ``value + i * step`` is 0 or more, and at most one beside."""
    if step > 0:
        first = max(first, np.int64(-np.float64(value) / step))
    elif step < 0:
        last = min(last, np.int64(-np.float64(value) / step + 1e-6))
    elif value < 0:
        last = first - 1
    return first, last


@kernel
def draw_solid(setup: I64, plane: F64, lanes: I64 | I32, flat: I32, stride: Whole) -> None:
    """Draw a triangle into ``flat``, the visibility buffer with rows of ``stride`` numbers.

    ``lanes`` are 32 bits wide for a small triangle and 64 for others, and so is what is worked out with them.
    """
    whole = lanes.dtype.type
    e0, e1, e2 = setup[EDGE], setup[EDGE + 1], setup[EDGE + 2]
    px0, px1, px2 = setup[PIXEL_STEP], setup[PIXEL_STEP + 1], setup[PIXEL_STEP + 2]
    row0, row1, row2 = setup[ROW_STEP], setup[ROW_STEP + 1], setup[ROW_STEP + 2]
    most0, most1, most2 = setup[MOST], setup[MOST + 1], setup[MOST + 2]
    left, across = setup[LEFT], setup[RIGHT] - setup[LEFT]
    z, zx = plane[0], plane[1]
    near, far, mark = np.int32(setup[NEAREST]), np.int32(setup[FARTHEST]), np.int32(setup[MARK])
    least, greatest = np.float64(far) - STEEPEST, np.float64(near) + STEEPEST
    for y in range(setup[FIRST], setup[LAST] + 1):
        begin, end = np.int64(0), across
        if across >= 2 * PIXELS:
            # Long and thin, as hair is: find where the row enters and leaves each edge's inner side.
            begin, end = _narrow(begin, end, e0 + most0, px0)
            begin, end = _narrow(begin, end, e1 + most1, px1)
            begin, end = _narrow(begin, end, e2 + most2, px2)
            begin = begin // PIXELS * PIXELS
        f0, f1, f2, fz = e0 + begin * px0, e1 + begin * px1, e2 + begin * px2, z + begin * zx
        start = np.uint64(y * stride + ((left + begin) // PIXELS) * BLOCK)
        for _ in range(begin, end + 1, PIXELS):
            g0, g1, g2 = whole(f0), whole(f1), whole(f2)
            steps = np.int32(min(max(fz, least), greatest))
            for lane in range(LANES):
                k = start + np.uint64(lane)
                inside = whole(whole(g0 + lanes[lane]) | whole(g1 + lanes[LANES + lane]))
                inside = whole(inside | whole(g2 + lanes[2 * LANES + lane]))
                deep = min(max(np.int32(steps + np.int32(lanes[3 * LANES + lane])), far), near)
                depth, before = flat[k], flat[k + np.uint64(TRIANGLE)]
                seen = (inside >= 0) & (deep > depth)
                flat[k] = deep if seen else depth
                flat[k + np.uint64(TRIANGLE)] = mark if seen else before
            f0, f1, f2, fz = f0 + px0 * PIXELS, f1 + px1 * PIXELS, f2 + px2 * PIXELS, fz + zx * PIXELS
            start += np.uint64(BLOCK)
        e0, e1, e2, z = e0 + row0, e1 + row1, e2 + row2, z + plane[2]


@inlined
def _alpha_at(alphas: U8, first: Whole, width: Whole, height: Whole, x: Real, y: Real) -> Real:
    """Bilinear alpha 0..1 at a texel position, with repeat addressing."""
    fx, fy = np.floor(x), np.floor(y)
    x0, y0 = int(fx), int(fy)
    if x0 < 0 or x0 >= width:
        x0 %= width
    if y0 < 0 or y0 >= height:
        y0 %= height
    x1 = x0 + 1 if x0 + 1 < width else 0
    y1 = y0 + 1 if y0 + 1 < height else 0
    fx, fy = x - fx, y - fy
    upper, lower = first + y0 * width, first + y1 * width
    left = np.float32(alphas[upper + x0]) * (np.float32(1.0) - fy) + np.float32(alphas[lower + x0]) * fy
    right = np.float32(alphas[upper + x1]) * (np.float32(1.0) - fy) + np.float32(alphas[lower + x1]) * fy
    return (left + (right - left) * fx) * np.float32(1.0 / 255.0)


@kernel
def draw_cut(
    setup: I64, plane: F64, lanes: I64 | I32, flat: I32, stride: Whole, over: Real, cutoff: Real, spread: Real,
    corners: F32, alphas: U8, texture: I32,
) -> None:  # fmt: skip
    """As :func:`draw_solid`, only where alpha reaches ``cutoff``, which ``spread`` 0..1 varies from sample to sample.

    At a spread of 1 the share of a pixel's samples is its alpha: four samples of 4 x 4 pixels have 64 limits.

    ``corners`` (9,) are the corners' alphas, texel columns and texel rows; ``texture`` (3,) the first texel, width
    (0: no texture) and height of the mipmap level; ``over`` is one over the area.
    """
    whole = lanes.dtype.type
    e0, e1, e2 = setup[EDGE], setup[EDGE + 1], setup[EDGE + 2]
    px0, px1, px2 = setup[PIXEL_STEP], setup[PIXEL_STEP + 1], setup[PIXEL_STEP + 2]
    row0, row1, row2 = setup[ROW_STEP], setup[ROW_STEP + 1], setup[ROW_STEP + 2]
    most0, most1, most2 = setup[MOST], setup[MOST + 1], setup[MOST + 2]
    left, across = setup[LEFT], setup[RIGHT] - setup[LEFT]
    z, zx = plane[0], plane[1]
    near, far, mark = np.int32(setup[NEAREST]), np.int32(setup[FARTHEST]), np.int32(setup[MARK])
    least, greatest = np.float64(far) - STEEPEST, np.float64(near) + STEEPEST
    alpha0, alpha1, alpha2 = corners[0], corners[1], corners[2]
    u0, u1, u2, v0, v1, v2 = corners[3], corners[4], corners[5], corners[6], corners[7], corners[8]
    first, width, height = np.int64(texture[0]), np.int64(texture[1]), np.int64(texture[2])
    for y in range(setup[FIRST], setup[LAST] + 1):
        begin, end = np.int64(0), across
        if across >= 2 * PIXELS:
            # Long and thin, as hair is: find where the row enters and leaves each edge's inner side.
            begin, end = _narrow(begin, end, e0 + most0, px0)
            begin, end = _narrow(begin, end, e1 + most1, px1)
            begin, end = _narrow(begin, end, e2 + most2, px2)
            begin = begin // PIXELS * PIXELS
        f0, f1, f2, fz = e0 + begin * px0, e1 + begin * px1, e2 + begin * px2, z + begin * zx
        start = np.uint64(y * stride + ((left + begin) // PIXELS) * BLOCK)
        for _ in range(begin, end + 1, PIXELS):
            g0, g1, g2 = whole(f0), whole(f1), whole(f2)
            steps = np.int32(min(max(fz, least), greatest))
            found = np.int32(0)
            for lane in range(LANES):
                inside = whole(whole(g0 + lanes[lane]) | whole(g1 + lanes[LANES + lane]))
                inside = whole(inside | whole(g2 + lanes[2 * LANES + lane]))
                deep = min(max(np.int32(steps + np.int32(lanes[3 * LANES + lane])), far), near)
                deep = deep if (inside >= 0) & (deep > flat[start + np.uint64(lane)]) else np.int32(0)
                lanes[FOUND + lane] = deep
                found = np.int32(found | deep)
            if found != 0:
                for lane in range(LANES):
                    if lanes[FOUND + lane] == 0:
                        continue
                    # Straight across the screen: within one triangle, perspective moves a cut edge by far less
                    # than a pixel.
                    w0 = np.float32(whole(g0 + lanes[lane])) * over
                    w1 = np.float32(whole(g1 + lanes[LANES + lane])) * over
                    w2 = np.float32(1.0) - w0 - w1
                    alpha = w0 * alpha0 + w1 * alpha1 + w2 * alpha2
                    if width > 0:
                        alpha *= _alpha_at(
                            alphas, first, width, height, w0 * u0 + w1 * u1 + w2 * u2, w0 * v0 + w1 * v1 + w2 * v2
                        )
                    if alpha >= cutoff + spread * LIMITS[y & 3, lane]:
                        k = start + np.uint64(lane)
                        flat[k] = np.int32(lanes[FOUND + lane])
                        flat[k + np.uint64(TRIANGLE)] = mark
            f0, f1, f2, fz = f0 + px0 * PIXELS, f1 + px1 * PIXELS, f2 + px2 * PIXELS, fz + zx * PIXELS
            start += np.uint64(BLOCK)
        e0, e1, e2, z = e0 + row0, e1 + row1, e2 + row2, z + plane[2]
