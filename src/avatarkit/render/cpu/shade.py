"""From the visibility buffer to pixels: each surface in a pixel is lit once, then weighed by its samples."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.render.cpu.jit import F32, I32, U8, kernel
from avatarkit.render.cpu.lighting import shadow_at, surface_light
from avatarkit.render.cpu.raster import SAMPLE_X, SAMPLE_Y, SAMPLES
from avatarkit.render.cpu.textures import mip_level, sample

SAME_SURFACE: Final = 0.006
"""Samples of one material whose depths differ by less than this share are lit as one surface."""


@kernel
def _texel(
    texels: U8, levels: I32, counts: I32, table: F32, index: int, u: float, v: float, uv_area: float, area: float
) -> tuple[float, float, float, float]:
    texel_area = uv_area * levels[index, 0, 1] * levels[index, 0, 2]
    level = mip_level(texel_area, area, counts[index])
    return sample(texels, levels[index, level, 0], levels[index, level, 1], levels[index, level, 2], u, v, table)


@kernel
def _bend(
    nx: float, ny: float, nz: float, tx: float, ty: float, tz: float, side: float, mx: float, my: float, mz: float
) -> tuple[float, float, float]:
    """The unit normal of a normal map's (mx, my, mz) about a unit normal and a tangent."""
    one = np.float32(1.0)
    along = tx * nx + ty * ny + tz * nz
    tx, ty, tz = tx - along * nx, ty - along * ny, tz - along * nz
    scale = one / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-12))
    tx, ty, tz = tx * scale, ty * scale, tz * scale
    bx, by, bz = side * (ny * tz - nz * ty), side * (nz * tx - nx * tz), side * (nx * ty - ny * tx)
    x, y, z = mx * tx + my * bx + mz * nx, mx * ty + my * by + mz * ny, mx * tz + my * bz + mz * nz
    scale = one / np.sqrt(x * x + y * y + z * z + np.float32(1e-12))
    return x * scale, y * scale, z * scale


@kernel
def _light_sample(
    t: int, px: float, py: float, triangles: I32, materials: I32, factors: F32, flags: I32, texels: U8, levels: I32,
    counts: I32, linear: F32, record: F32, tangents: F32, lights: F32, light_view: F32, shadow: F32, offset_m: float,
) -> tuple[float, float, float]:  # fmt: skip
    """The colour of triangle ``t`` at a screen position, which is drawn onto the triangle if it lies outside."""
    zero, one = np.float32(0.0), np.float32(1.0)
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    x0, y0, x1, y1, x2, y2 = record[a, 0], record[a, 1], record[b, 0], record[b, 1], record[c, 0], record[c, 1]
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    over = one / area
    w1 = max(((x0 - x2) * (py - y2) - (y0 - y2) * (px - x2)) * over, zero)
    w2 = max(((x1 - x0) * (py - y0) - (y1 - y0) * (px - x0)) * over, zero)
    w0 = max(one - w1 - w2, zero)
    w0, w1, w2 = w0 * record[a, 2], w1 * record[b, 2], w2 * record[c, 2]
    scale = one / (w0 + w1 + w2)
    w0, w1, w2 = w0 * scale, w1 * scale, w2 * scale

    row = materials[t]
    m = factors[row]
    x = w0 * record[a, 3] + w1 * record[b, 3] + w2 * record[c, 3]
    y = w0 * record[a, 4] + w1 * record[b, 4] + w2 * record[c, 4]
    z = w0 * record[a, 5] + w1 * record[b, 5] + w2 * record[c, 5]
    nx = w0 * record[a, 6] + w1 * record[b, 6] + w2 * record[c, 6]
    ny = w0 * record[a, 7] + w1 * record[b, 7] + w2 * record[c, 7]
    nz = w0 * record[a, 8] + w1 * record[b, 8] + w2 * record[c, 8]
    scale = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
    if area > 0.0:
        scale = -scale
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    red = m[13] * (w0 * record[a, 9] + w1 * record[b, 9] + w2 * record[c, 9])
    green = m[14] * (w0 * record[a, 10] + w1 * record[b, 10] + w2 * record[c, 10])
    blue = m[15] * (w0 * record[a, 11] + w1 * record[b, 11] + w2 * record[c, 11])

    tx, ty, tz, shift = zero, zero, zero, zero
    picture, bumps = flags[row, 0], flags[row, 1]
    if picture >= 0 or bumps >= 0 or m[11] > 0.0:
        u = w0 * record[a, 13] + w1 * record[b, 13] + w2 * record[c, 13]
        v = w0 * record[a, 14] + w1 * record[b, 14] + w2 * record[c, 14]
        tx = w0 * tangents[a, 0] + w1 * tangents[b, 0] + w2 * tangents[c, 0]
        ty = w0 * tangents[a, 1] + w1 * tangents[b, 1] + w2 * tangents[c, 1]
        tz = w0 * tangents[a, 2] + w1 * tangents[b, 2] + w2 * tangents[c, 2]
        u10, v10 = record[b, 13] - record[a, 13], record[b, 14] - record[a, 14]
        u20, v20 = record[c, 13] - record[a, 13], record[c, 14] - record[a, 14]
        uv_area = abs(u10 * v20 - u20 * v10)
        if picture >= 0:
            r, g, bl, _ = _texel(texels, levels, counts, linear[0], picture, u, v, uv_area, abs(area))
            red, green, blue = red * r, green * g, blue * bl
        if bumps >= 0:
            r, g, bl, _ = _texel(texels, levels, counts, linear[1], bumps, u, v, uv_area, abs(area))
            nx, ny, nz = _bend(nx, ny, nz, tx, ty, tz, tangents[a, 3], r, g, bl)
        scale = one / np.sqrt(tx * tx + ty * ty + tz * tz + np.float32(1e-12))
        tx, ty, tz = tx * scale, ty * scale, tz * scale
        # Strands differ a little in their tilt: brighter ones are taken to be tilted up.
        shift = np.float32(0.0)

    vx, vy, vz = lights[24] - x, lights[25] - y, lights[26] - z
    scale = one / np.sqrt(vx * vx + vy * vy + vz * vz + np.float32(1e-12))
    vx, vy, vz = vx * scale, vy * scale, vz * scale
    x, y, z = x + nx * offset_m, y + ny * offset_m, z + nz * offset_m
    sx = light_view[0, 0] * x + light_view[0, 1] * y + light_view[0, 2] * z + light_view[0, 3]
    sy = light_view[1, 0] * x + light_view[1, 1] * y + light_view[1, 2] * z + light_view[1, 3]
    sz = light_view[2, 0] * x + light_view[2, 1] * y + light_view[2, 2] * z + light_view[2, 3]
    arriving = shadow_at(shadow, sx, sy, sz - offset_m)
    return surface_light(lights, m, red, green, blue, nx, ny, nz, vx, vy, vz, arriving, tx, ty, tz, shift)


@kernel
def shade_band(
    triangles: I32, materials: I32, factors: F32, flags: I32, texels: U8, levels: I32, counts: I32, linear: F32,
    record: F32, tangents: F32, lights: F32, light_view: F32, shadow: F32, offset_m: float, depth: F32, seen: I32,
    encode: U8, out: U8, width: int, top: int, bottom: int,
) -> None:  # fmt: skip
    """Fill rows ``top`` to ``bottom`` (exclusive) of ``out`` uint8 (h, w, 4): sRGB with straight alpha."""
    last = np.float32(encode.shape[0] - 1)
    for y in range(top, bottom):
        for x in range(width):
            k = 4 * x
            if seen[y, k] < 0 and seen[y, k + 1] < 0 and seen[y, k + 2] < 0 and seen[y, k + 3] < 0:
                out[y, x, 0] = out[y, x, 1] = out[y, x, 2] = out[y, x, 3] = 0
                continue
            red, green, blue = np.float32(0.0), np.float32(0.0), np.float32(0.0)
            covered, done = 0, 0
            for s in range(SAMPLES):
                t = seen[y, k + s]
                if t < 0 or done & (1 << s):
                    continue
                members, px, py = 0, 0, 0
                near = depth[y, k + s]
                for o in range(s, SAMPLES):
                    other = seen[y, k + o]
                    if (
                        other >= 0
                        and not done & (1 << o)
                        and (
                            other == t
                            or (
                                materials[other] == materials[t]
                                and abs(depth[y, k + o] - near) < np.float32(SAME_SURFACE) * near
                            )
                        )
                    ):
                        done |= 1 << o
                        members += 1
                        px += SAMPLE_X[o]
                        py += SAMPLE_Y[o]
                scale = np.float32(1.0 / 256.0) / np.float32(members)
                r, g, b = _light_sample(
                    t, np.float32(x) + px * scale, np.float32(y) + py * scale, triangles, materials, factors, flags,
                    texels, levels, counts, linear, record, tangents, lights, light_view, shadow, offset_m,
                )  # fmt: skip
                share = np.float32(members)
                red += share * r
                green += share * g
                blue += share * b
                covered += members
            scale = last / np.float32(covered)
            out[y, x, 0] = encode[int(min(red * scale, last) + np.float32(0.5))]
            out[y, x, 1] = encode[int(min(green * scale, last) + np.float32(0.5))]
            out[y, x, 2] = encode[int(min(blue * scale, last) + np.float32(0.5))]
            out[y, x, 3] = (covered * 255 + 2) // SAMPLES
