"""Which triangle is seen where: a visibility buffer with four samples a pixel, and the shadow map."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.jit import F32, I16, I32, I64, U8, Real, inlined, kernel
from avatarkit.render.cpu.textures import sample

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
def alpha_at(
    record: F32, a: int, b: int, c: int, wa: Real, wb: Real, wc: Real, base_alpha: Real, first: int, width: int,
    height: int, texels: U8, tables: F32,
) -> Real:  # fmt: skip
    """Alpha of a triangle at screen-space barycentrics, with a texture at ``first`` or of width 0."""
    pa, pb, pc = wa * record[a, 2], wb * record[b, 2], wc * record[c, 2]
    scale = np.float32(1.0) / (pa + pb + pc)
    alpha = base_alpha * (pa * record[a, 12] + pb * record[b, 12] + pc * record[c, 12]) * scale
    if width > 0:
        u = (pa * record[a, 13] + pb * record[b, 13] + pc * record[c, 13]) * scale
        v = (pa * record[a, 14] + pb * record[b, 14] + pc * record[c, 14]) * scale
        alpha *= sample(texels, first, width, height, u, v, tables, 0)[3]
    return alpha


@kernel
def raster_band(
    triangles: I32, materials: I32, factors: F32, images: I32, texels: U8, tables: F32, rows: I16, fixed: I32,
    record: F32, seen: I64, width: int, top: int, bottom: int,
) -> None:  # fmt: skip
    """Draw rows ``top`` to ``bottom`` (exclusive) of the visibility buffer.

    ``seen`` int64 (h, 4 w + LANES) gets keys (see :data:`DEPTH_STEPS`), 0 where nothing is seen. Coverage
    is exact in 1/256 pixel with the top-left rule: no sample between two triangles is missed or drawn twice.
    ``images`` (materials, 3) is the first level of a material's texture, width 0 for none; ``factors`` columns
    16 and 17 are base alpha and alpha cutoff.
    """
    seen[top:bottom] = 0
    flat, stride = seen.reshape(-1), seen.shape[1]
    lanes = np.empty(4 * LANES, np.int64)
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
        left = max(np.int64(0), min(x0, x1, x2) >> 8)
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

        # What the samples of four neighbouring pixels add to the values at the first one's corner.
        for s in range(SAMPLES):
            for p in range(PIXELS):
                sx, sy, lane = SAMPLE_X[s] + 256 * p, SAMPLE_Y[s], 4 * p + s
                lanes[lane] = dx0 * sy - dy0 * sx
                lanes[LANES + lane] = dx1 * sy - dy1 * sx
                lanes[2 * LANES + lane] = dx2 * sy - dy2 * sx
                lanes[3 * LANES + lane] = np.int64(fine_x * np.float32(sx) + fine_y * np.float32(sy))
        step0, step1, step2 = -dy0 * 256 * PIXELS, -dy1 * 256 * PIXELS, -dy2 * 256 * PIXELS
        material = materials[t]
        cutoff = factors[material, 17]
        low = np.int64(LAST_TRIANGLE - t)
        for y in range(first, last + 1):
            f0, f1, f2, fz = e0, e1, e2, z
            for x in range(left, right + 1, PIXELS):
                start = np.uint64(y * stride + 4 * x)
                steps = np.int64(fz)
                if cutoff < 0.0:
                    # A fixed number of lanes, whatever the triangle's width, is what gets vectorised.
                    for lane in range(LANES):
                        inside = (f0 + lanes[lane]) | (f1 + lanes[LANES + lane]) | (f2 + lanes[2 * LANES + lane])
                        key = ((steps + lanes[3 * LANES + lane]) << 32 | low) & ~(inside >> 63)
                        k = start + np.uint64(lane)
                        flat[k] = max(flat[k], key)
                else:
                    for lane in range(LANES):
                        s0, s1, s2 = f0 + lanes[lane], f1 + lanes[LANES + lane], f2 + lanes[2 * LANES + lane]
                        key = (steps + lanes[3 * LANES + lane]) << 32 | low
                        k = start + np.uint64(lane)
                        if (s0 | s1 | s2) >= 0 and key > flat[k]:
                            w0, w1 = np.float32(s0) * over, np.float32(s1) * over
                            alpha = alpha_at(
                                record, a, b, c, w0, w1, np.float32(1.0) - w0 - w1, factors[material, 16],
                                images[material, 0], images[material, 1], images[material, 2], texels, tables,
                            )  # fmt: skip
                            if alpha >= cutoff:
                                flat[k] = key
                f0 += step0
                f1 += step1
                f2 += step2
                fz += fine_x * np.float32(256.0 * PIXELS)
            e0 += dx0 << 8
            e1 += dx1 << 8
            e2 += dx2 << 8
            z += fine_y * np.float32(256.0)


@kernel
def shadow_band(triangles: I32, rows: I16, points: F32, depth: F32, top: int, bottom: int) -> None:
    """Draw rows ``top`` to ``bottom`` (exclusive) of the shadow map: the depth (metres) nearest to the light.

    ``points`` (n, 3) are vertices in the light's view, ``rows`` (m, 2) the rows that each triangle touches.
    """
    size = depth.shape[1]
    depth[top:bottom] = np.float32(1e9)
    for t in range(triangles.shape[0]):
        if rows[t, 1] < top or rows[t, 0] >= bottom:
            continue
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, x1, y1, x2, y2 = points[a, 0], points[a, 1], points[b, 0], points[b, 1], points[c, 0], points[c, 1]
        first, last = max(top, int(rows[t, 0])), min(bottom - 1, int(rows[t, 1]))
        left = max(0, int(np.ceil(min(x0, x1, x2) - np.float32(0.5))))
        right = min(size - 1, int(np.floor(max(x0, x1, x2) - np.float32(0.5))))
        if left > right:
            continue
        over = np.float32(1.0) / ((x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0))
        z0, z1, z2 = points[a, 2], points[b, 2], points[c, 2]
        step1, step2 = (y2 - y0) * over, (y0 - y1) * over
        for y in range(first, last + 1):
            py, px = np.float32(y) + np.float32(0.5), np.float32(left) + np.float32(0.5)
            w1 = ((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) * over
            w2 = ((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * over
            for x in range(left, right + 1):
                w0 = np.float32(1.0) - w1 - w2
                if w0 >= 0.0 and w1 >= 0.0 and w2 >= 0.0:
                    z = w0 * z0 + w1 * z1 + w2 * z2
                    depth[y, x] = min(depth[y, x], z)
                w1 += step1
                w2 += step2
