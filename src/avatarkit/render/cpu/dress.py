"""What textures and the shadow map say about fragments."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.fragments import (
    ALBEDO,
    CHUNK,
    GRADIENT,
    LANES,
    LIT,
    NORMAL,
    POSITION,
    SHADOW,
    SIDE,
    TANGENT,
    U,
    V,
)
from avatarkit.render.cpu.jit import F32, I32, U8, Real, kernel
from avatarkit.render.cpu.shadow import TILE
from avatarkit.render.cpu.textures import mip_level, sample_color, sample_plain


@kernel
def apply_color(texels: U8, levels: I32, count: int, to: F32) -> None:
    """Multiply a colour texture, of the mipmap ``levels`` (n, 3), into the albedo of ``count`` fragments."""
    width, height, most = np.float32(levels[0, 1]), np.float32(levels[0, 2]), levels.shape[0]
    for i in range(count):
        level = mip_level(
            to[GRADIENT + i] * width, to[GRADIENT + CHUNK + i] * width, to[GRADIENT + 2 * CHUNK + i] * height,
            to[GRADIENT + 3 * CHUNK + i] * height, most,
        )  # fmt: skip
        red, green, blue = sample_color(
            texels, levels[level, 0], levels[level, 1], levels[level, 2], to[U + i], to[V + i]
        )
        to[ALBEDO + i] *= red
        to[ALBEDO + CHUNK + i] *= green
        to[ALBEDO + 2 * CHUNK + i] *= blue


@kernel
def apply_normals(texels: U8, levels: I32, count: int, to: F32) -> None:
    """Turn the normals of ``count`` fragments as a normal map of the mipmap ``levels`` (n, 3) says."""
    one, least, scale = np.float32(1.0), np.float32(1e-12), np.float32(2.0 / 255.0)
    width, height, most = np.float32(levels[0, 1]), np.float32(levels[0, 2]), levels.shape[0]
    for i in range(count):
        level = mip_level(
            to[GRADIENT + i] * width, to[GRADIENT + CHUNK + i] * width, to[GRADIENT + 2 * CHUNK + i] * height,
            to[GRADIENT + 3 * CHUNK + i] * height, most,
        )  # fmt: skip
        mx, my, mz = sample_plain(texels, levels[level, 0], levels[level, 1], levels[level, 2], to[U + i], to[V + i])
        mx, my, mz = mx * scale - one, my * scale - one, mz * scale - one
        nx, ny, nz = to[NORMAL + i], to[NORMAL + CHUNK + i], to[NORMAL + 2 * CHUNK + i]
        tx, ty, tz = to[TANGENT + i], to[TANGENT + CHUNK + i], to[TANGENT + 2 * CHUNK + i]
        length = one / np.sqrt(nx * nx + ny * ny + nz * nz + least)
        nx, ny, nz = nx * length, ny * length, nz * length
        along = tx * nx + ty * ny + tz * nz
        tx, ty, tz = tx - along * nx, ty - along * ny, tz - along * nz
        length = one / np.sqrt(tx * tx + ty * ty + tz * tz + least)
        tx, ty, tz = tx * length, ty * length, tz * length
        side = to[SIDE + i] * my
        to[NORMAL + i] = mx * tx + side * (ny * tz - nz * ty) + mz * nx
        to[NORMAL + CHUNK + i] = mx * ty + side * (nz * tx - nx * tz) + mz * ny
        to[NORMAL + 2 * CHUNK + i] = mx * tz + side * (nx * ty - ny * tx) + mz * nz


@kernel
def _to_shadow_map(light: F32, texel_m: Real, count: int, to: F32) -> None:
    """Find where fragments lie in the shadow map, less what the filter reaches to the left and up.

    So that a surface does not shade itself, points are moved out along their normal, the more the flatter the
    light falls in (as far as the filter reaches), and a little towards the light.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    a0, a1, a2, a3 = light[0, 0], light[0, 1], light[0, 2], light[0, 3] - np.float32(2.5)
    b0, b1, b2, b3 = light[1, 0], light[1, 1], light[1, 2], light[1, 3] - np.float32(2.5)
    c0, c1, c2, c3 = light[2, 0], light[2, 1], light[2, 2], light[2, 3] - texel_m
    for i in range((count + LANES - 1) // LANES * LANES):
        nx, ny, nz = to[NORMAL + i], to[NORMAL + CHUNK + i], to[NORMAL + 2 * CHUNK + i]
        scale = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
        cosine = -(c0 * nx + c1 * ny + c2 * nz) * scale
        scale *= texel_m * (np.float32(0.4) + np.float32(2.6) * np.sqrt(max(one - cosine * cosine, zero)))
        x = to[POSITION + i] + nx * scale
        y = to[POSITION + CHUNK + i] + ny * scale
        z = to[POSITION + 2 * CHUNK + i] + nz * scale
        to[SHADOW + i] = a0 * x + a1 * y + a2 * z + a3
        to[SHADOW + CHUNK + i] = b0 * x + b1 * y + b2 * z + b3
        to[SHADOW + 2 * CHUNK + i] = c0 * x + c1 * y + c2 * z + c3


@kernel
def receive_shadow(light: F32, shadow: F32, reach: F32, texel_m: Real, count: int, to: F32) -> None:
    """Find the share 0..1 of key light that arrives: a 4x4 filter over the shadow map, smooth between texels.

    ``reach`` are the least and the greatest depths that the filter meets, see :func:`.shadow.survey_shadow`: where
    all of them are nearer to the light than the fragment, or none, nothing need be counted.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    size = shadow.shape[0]
    _to_shadow_map(light, texel_m, count, to)
    for i in range(count):
        fx, fy, depth = to[SHADOW + i], to[SHADOW + CHUNK + i], to[SHADOW + 2 * CHUNK + i]
        left, upper = np.floor(fx), np.floor(fy)
        ix, iy = int(left), int(upper)
        to[LIT + i] = one
        if ix < 0 or iy < 0 or ix + 4 >= size or iy + 4 >= size:
            continue
        if reach[0, iy // TILE, ix // TILE] > depth:
            continue
        if reach[1, iy // TILE, ix // TILE] <= depth:
            to[LIT + i] = zero
            continue
        fx, fy = fx - left, fy - upper
        lit = zero
        for j in range(5):
            line = one - fx if shadow[iy + j, ix] > depth else zero
            line += one if shadow[iy + j, ix + 1] > depth else zero
            line += one if shadow[iy + j, ix + 2] > depth else zero
            line += one if shadow[iy + j, ix + 3] > depth else zero
            line += fx if shadow[iy + j, ix + 4] > depth else zero
            lit += line * (one - fy if j == 0 else (fy if j == 4 else one))
        to[LIT + i] = lit * np.float32(1.0 / 16.0)
