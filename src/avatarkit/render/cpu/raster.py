"""Which triangle is seen where: a visibility buffer with four samples a pixel."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.jit import F32, I16, I32, I64, U8, Real, Whole, inlined, kernel
from avatarkit.render.cpu.textures import mip_level

SAMPLES: Final = 4
SAMPLE_X: Final = (96, 224, 160, 32)
SAMPLE_Y: Final = (32, 96, 224, 160)
"""Sample places in 1/256 pixel: a rotated grid, so that near-vertical and near-horizontal edges get four steps."""

DEPTH_STEPS: Final = 2.0**24
"""A sample's key is its 1/depth (1/m) in these steps, times 2**32, plus ``LAST_TRIANGLE`` minus the triangle: the
larger key is nearer, and of equals the triangle that comes first."""

LAST_TRIANGLE: Final = 2**31 - 1
PIXELS: Final = 4
LANES: Final = SAMPLES * PIXELS
"""Pixels, and samples, that are tested at once; a row of the buffer is this much longer than the image."""


@inlined
def alpha_at(alphas: U8, first: int, width: int, height: int, x: Real, y: Real) -> Real:
    """Bilinear alpha 0..1 at a texel position, with repeat addressing."""
    fx, fy = np.floor(x), np.floor(y)
    x0, y0 = int(fx) % width, int(fy) % height
    x1 = x0 + 1 if x0 + 1 < width else 0
    y1 = y0 + 1 if y0 + 1 < height else 0
    fx, fy = x - fx, y - fy
    upper, lower = first + y0 * width, first + y1 * width
    left = np.float32(alphas[upper + x0]) * (np.float32(1.0) - fy) + np.float32(alphas[lower + x0]) * fy
    right = np.float32(alphas[upper + x1]) * (np.float32(1.0) - fy) + np.float32(alphas[lower + x1]) * fy
    return (left + (right - left) * fx) * np.float32(1.0 / 255.0)


@inlined
def narrow(first: Whole, last: Whole, value: Whole, step: Whole, inverse: Real) -> tuple[Whole, Whole]:
    """Those i of ``first`` to ``last`` for which ``value + i * step`` is 0 or more, and at most one beside."""
    crossing = -np.float64(value) * inverse
    if step > 0:
        first = max(first, np.int64(crossing))
    elif step < 0:
        last = min(last, np.int64(crossing + 1e-6))
    elif value < 0:
        last = first - 1
    return first, last


@kernel
def raster_band(
    triangles: I32, materials: I32, factors: F32, flags: I32, alphas: U8, levels: I32, counts: I32, rows: I16,
    fixed: I32, record: F32, seen: I64, width: int, top: int, bottom: int,
) -> None:  # fmt: skip
    """Draw rows ``top`` to ``bottom`` (exclusive) of the visibility buffer.

    ``seen`` int64 (h, 4 w + LANES) gets keys (see :data:`DEPTH_STEPS`), 0 where nothing is seen. Coverage
    is exact in 1/256 pixel with the top-left rule: no sample between two triangles is missed or drawn twice.
    ``alphas``, ``levels`` and ``counts`` are those of the texture pool.
    """
    seen[top:bottom] = 0
    flat, stride = seen.reshape(-1), seen.shape[1]
    # Per lane: what it adds to the three edge functions and to the depth; its candidate; its place.
    lanes = np.empty(7 * LANES, np.int64)
    for p in range(PIXELS):
        for s in range(SAMPLES):
            lanes[5 * LANES + SAMPLES * p + s] = SAMPLE_X[s] + 256 * p
            lanes[6 * LANES + SAMPLES * p + s] = SAMPLE_Y[s]
    for t in range(triangles.shape[0]):
        if rows[t, 1] < top or rows[t, 0] >= bottom:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0 = np.int64(fixed[a, 0]), np.int64(fixed[a, 1])
        x1, y1 = np.int64(fixed[b, 0]), np.int64(fixed[b, 1])
        x2, y2 = np.int64(fixed[c, 0]), np.int64(fixed[c, 1])
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area < 0:
            b, c = c, b
            x1, y1, x2, y2 = x2, y2, x1, y1
            area = -area
        # Blocks of pixels lie at multiples of their width: triangles side by side then share whole blocks, and
        # the processor need not put a block together from two that it has just written.
        left = max(np.int64(0), min(x0, x1, x2) >> 8) // PIXELS * PIXELS
        right = min(np.int64(width - 1), max(x0, x1, x2) >> 8)
        first = max(np.int64(top), np.int64(rows[t, 0]))
        last = min(np.int64(bottom - 1), np.int64(rows[t, 1]))

        # Edge functions, opposite to a, b and c; they grow by -dy per 1/256 pixel in x and by dx in y.
        dx0, dy0 = x2 - x1, y2 - y1
        dx1, dy1 = x0 - x2, y0 - y2
        dx2, dy2 = x1 - x0, y1 - y0
        bias0 = 0 if dy0 < 0 or (dy0 == 0 and dx0 > 0) else -1
        bias1 = 0 if dy1 < 0 or (dy1 == 0 and dx1 > 0) else -1
        bias2 = 0 if dy2 < 0 or (dy2 == 0 and dx2 > 0) else -1
        px, py = left << 8, first << 8
        e0 = dx0 * (py - y1) - dy0 * (px - x1) + bias0
        e1 = dx1 * (py - y2) - dy1 * (px - x2) + bias1
        e2 = dx2 * (py - y0) - dy2 * (px - x0) + bias2
        # 1/depth is a plane on the screen, here in DEPTH_STEPS; w_k = E_k / area.
        over = np.float32(1.0) / np.float32(area)
        ia, ib, ic = record[a, 2], record[b, 2], record[c, 2]
        fine_x = (
            np.float32(-DEPTH_STEPS) * over * (np.float32(dy0) * ia + np.float32(dy1) * ib + np.float32(dy2) * ic)
        )
        fine_y = np.float32(DEPTH_STEPS) * over * (np.float32(dx0) * ia + np.float32(dx1) * ib + np.float32(dx2) * ic)
        z = np.float32(DEPTH_STEPS) * ia + fine_x * np.float32(px - x0) + fine_y * np.float32(py - y0)

        # A sliver's plane is too steep for its numbers; no sample is nearer or farther than all corners.
        nearest = np.int64(np.float32(DEPTH_STEPS) * max(ia, ib, ic))
        farthest = np.int64(np.float32(DEPTH_STEPS) * min(ia, ib, ic))

        # What the samples of four neighbouring pixels add to the values at the first one's corner.
        for lane in range(LANES):
            sx, sy = lanes[5 * LANES + lane], lanes[6 * LANES + lane]
            lanes[lane] = dx0 * sy - dy0 * sx
            lanes[LANES + lane] = dx1 * sy - dy1 * sx
            lanes[2 * LANES + lane] = dx2 * sy - dy2 * sx
            lanes[3 * LANES + lane] = np.int64(fine_x * np.float32(sx) + fine_y * np.float32(sy))
        step0, step1, step2 = -dy0 * 256 * PIXELS, -dy1 * 256 * PIXELS, -dy2 * 256 * PIXELS
        # The most that an edge function grows from a pixel's corner to any of its samples.
        most0 = (max(dx0, np.int64(0)) + max(-dy0, np.int64(0))) << 8
        most1 = (max(dx1, np.int64(0)) + max(-dy1, np.int64(0))) << 8
        most2 = (max(dx2, np.int64(0)) + max(-dy2, np.int64(0))) << 8
        pixel0, pixel1, pixel2, pixel_z = -dy0 << 8, -dy1 << 8, -dy2 << 8, fine_x * np.float32(256.0)
        inverse0, inverse1, inverse2 = 1.0 / pixel0, 1.0 / pixel1, 1.0 / pixel2
        step_z = pixel_z * np.float32(PIXELS)
        material = materials[t]
        cutoff = factors[material, 17]
        low = np.int64(LAST_TRIANGLE - t)
        alpha0 = alpha1 = alpha2 = u0 = u1 = u2 = v0 = v1 = v2 = np.float32(0.0)
        map_first = map_width = map_height = 0
        if cutoff >= 0.0:
            base = factors[material, 16]
            alpha0, alpha1, alpha2 = base * record[a, 12], base * record[b, 12], base * record[c, 12]
            image = flags[material, 0]
            if image >= 0:
                u0, u1, u2 = record[a, 13], record[b, 13], record[c, 13]
                v0, v1, v2 = record[a, 14], record[b, 14], record[c, 14]
                texels = abs((u1 - u0) * (v2 - v0) - (u2 - u0) * (v1 - v0))
                texels *= np.float32(levels[image, 0, 1] * levels[image, 0, 2])
                level = mip_level(texels, np.float32(area) * np.float32(1.0 / 65536.0), counts[image])
                map_first, map_width, map_height = (
                    levels[image, level, 0],
                    levels[image, level, 1],
                    levels[image, level, 2],
                )
                scale_x, scale_y, half = np.float32(map_width), np.float32(map_height), np.float32(0.5)
                u0, u1, u2 = u0 * scale_x - half, u1 * scale_x - half, u2 * scale_x - half
                v0, v1, v2 = v0 * scale_y - half, v1 * scale_y - half, v2 * scale_y - half
        for y in range(first, last + 1):
            begin, end = np.int64(0), right - left
            if end >= 2 * PIXELS:
                # Long and thin, as hair is: find where the row enters and leaves each edge's inner side.
                begin, end = narrow(begin, end, e0 + most0, pixel0, inverse0)
                begin, end = narrow(begin, end, e1 + most1, pixel1, inverse1)
                begin, end = narrow(begin, end, e2 + most2, pixel2, inverse2)
                begin = begin // PIXELS * PIXELS
            f0, f1, f2 = e0 + begin * pixel0, e1 + begin * pixel1, e2 + begin * pixel2
            fz = z + np.float32(begin) * pixel_z
            for x in range(left + begin, left + end + 1, PIXELS):
                start = np.uint64(y * stride + 4 * x)
                steps = np.int64(fz)
                if cutoff < 0.0:
                    # A fixed number of lanes, whatever the triangle's width, is what gets vectorised.
                    for lane in range(LANES):
                        inside = (f0 + lanes[lane]) | (f1 + lanes[LANES + lane]) | (f2 + lanes[2 * LANES + lane])
                        deep = min(max(steps + lanes[3 * LANES + lane], farthest), nearest)
                        key = (deep << 32 | low) & ~(inside >> 63)
                        k = start + np.uint64(lane)
                        flat[k] = max(flat[k], key)
                else:
                    nearer = np.int64(0)
                    for lane in range(LANES):
                        inside = (f0 + lanes[lane]) | (f1 + lanes[LANES + lane]) | (f2 + lanes[2 * LANES + lane])
                        deep = min(max(steps + lanes[3 * LANES + lane], farthest), nearest)
                        key = (deep << 32 | low) & ~(inside >> 63)
                        key = key if key > flat[start + np.uint64(lane)] else np.int64(0)
                        lanes[4 * LANES + lane] = key
                        nearer |= key
                    if nearer == 0:
                        f0, f1, f2, fz = f0 + step0, f1 + step1, f2 + step2, fz + step_z
                        continue
                    for lane in range(LANES):
                        key = lanes[4 * LANES + lane]
                        if key != 0:
                            # Straight across the screen: within one triangle, perspective moves a cut edge
                            # by far less than a pixel.
                            w0 = np.float32(f0 + lanes[lane]) * over
                            w1 = np.float32(f1 + lanes[LANES + lane]) * over
                            w2 = np.float32(1.0) - w0 - w1
                            alpha = w0 * alpha0 + w1 * alpha1 + w2 * alpha2
                            if map_width > 0:
                                map_x, map_y = w0 * u0 + w1 * u1 + w2 * u2, w0 * v0 + w1 * v1 + w2 * v2
                                alpha *= alpha_at(alphas, map_first, map_width, map_height, map_x, map_y)
                            if alpha >= cutoff:
                                flat[start + np.uint64(lane)] = key
                f0, f1, f2, fz = f0 + step0, f1 + step1, f2 + step2, fz + step_z
            e0 += dx0 << 8
            e1 += dx1 << 8
            e2 += dx2 << 8
            z += fine_y * np.float32(256.0)
