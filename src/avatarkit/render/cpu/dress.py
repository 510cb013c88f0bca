"""What textures and the shadow map say about fragments."""

from __future__ import annotations

import numpy as np

from avatarkit.render.cpu.fragments import (
    ALBEDO,
    AREA,
    CHUNK,
    LIT,
    MATERIAL,
    NORMAL,
    POSITION,
    SIDE,
    TANGENT,
    UV_AREA,
    U,
    V,
)
from avatarkit.render.cpu.jit import F32, I32, U8, Real, inlined, kernel
from avatarkit.render.cpu.textures import mip_level, sample


@inlined
def _bend(to: F32, i: int, mx: Real, my: Real, mz: Real) -> None:
    """Turn a fragment's normal as a normal map's (mx, my, mz) says."""
    one, least = np.float32(1.0), np.float32(1e-12)
    nx, ny, nz = to[NORMAL + i], to[NORMAL + CHUNK + i], to[NORMAL + 2 * CHUNK + i]
    tx, ty, tz = to[TANGENT + i], to[TANGENT + CHUNK + i], to[TANGENT + 2 * CHUNK + i]
    scale = one / np.sqrt(nx * nx + ny * ny + nz * nz + least)
    nx, ny, nz = nx * scale, ny * scale, nz * scale
    along = tx * nx + ty * ny + tz * nz
    tx, ty, tz = tx - along * nx, ty - along * ny, tz - along * nz
    scale = one / np.sqrt(tx * tx + ty * ty + tz * tz + least)
    tx, ty, tz = tx * scale, ty * scale, tz * scale
    side = to[SIDE + i] * my
    to[NORMAL + i] = mx * tx + side * (ny * tz - nz * ty) + mz * nx
    to[NORMAL + CHUNK + i] = mx * ty + side * (nz * tx - nx * tz) + mz * ny
    to[NORMAL + 2 * CHUNK + i] = mx * tz + side * (nx * ty - ny * tx) + mz * nz


@kernel
def apply_textures(
    flags: I32, texels: U8, levels: I32, counts: I32, tables: F32, marks: I32, count: int, to: F32
) -> None:
    """Multiply colour textures into the albedo and bend normals by normal maps.

    ``tables`` (2, 256) maps a byte to linear light, and to -1..1.
    """
    for i in range(count):
        row = marks[MATERIAL + i]
        for use in range(2):
            image = flags[row, use]
            if image < 0:
                continue
            texel_area = to[UV_AREA + i] * np.float32(levels[image, 0, 1] * levels[image, 0, 2])
            level = mip_level(texel_area, to[AREA + i], counts[image])
            r, g, b, _ = sample(
                texels, levels[image, level, 0], levels[image, level, 1], levels[image, level, 2], to[U + i],
                to[V + i], tables, use,
            )  # fmt: skip
            if use == 0:
                to[ALBEDO + i] *= r
                to[ALBEDO + CHUNK + i] *= g
                to[ALBEDO + 2 * CHUNK + i] *= b
            else:
                _bend(to, i, r, g, b)


@kernel
def receive_shadow(light: F32, shadow: F32, texel_m: Real, count: int, to: F32) -> None:
    """Find the share 0..1 of key light that arrives: a 4x4 filter over the shadow map, smooth between texels.

    So that a surface does not shade itself, points are moved out along their normal, the more the flatter the
    light falls in (as far as the filter reaches), and a little towards the light.
    """
    zero, one = np.float32(0.0), np.float32(1.0)
    size = shadow.shape[0]
    for i in range(count):
        nx, ny, nz = to[NORMAL + i], to[NORMAL + CHUNK + i], to[NORMAL + 2 * CHUNK + i]
        scale = one / np.sqrt(nx * nx + ny * ny + nz * nz + np.float32(1e-12))
        cosine = -(light[2, 0] * nx + light[2, 1] * ny + light[2, 2] * nz) * scale
        scale *= texel_m * (np.float32(0.4) + np.float32(2.6) * np.sqrt(max(one - cosine * cosine, zero)))
        x = to[POSITION + i] + nx * scale
        y = to[POSITION + CHUNK + i] + ny * scale
        z = to[POSITION + 2 * CHUNK + i] + nz * scale
        fx = light[0, 0] * x + light[0, 1] * y + light[0, 2] * z + light[0, 3] - np.float32(2.5)
        fy = light[1, 0] * x + light[1, 1] * y + light[1, 2] * z + light[1, 3] - np.float32(2.5)
        depth = light[2, 0] * x + light[2, 1] * y + light[2, 2] * z + light[2, 3] - texel_m
        ix, iy = int(np.floor(fx)), int(np.floor(fy))
        lit = one
        if ix >= 0 and iy >= 0 and ix + 4 < size and iy + 4 < size:
            fx -= np.float32(ix)
            fy -= np.float32(iy)
            lit = zero
            for j in range(5):
                line = zero
                line += one - fx if shadow[iy + j, ix] > depth else zero
                line += one if shadow[iy + j, ix + 1] > depth else zero
                line += one if shadow[iy + j, ix + 2] > depth else zero
                line += one if shadow[iy + j, ix + 3] > depth else zero
                line += fx if shadow[iy + j, ix + 4] > depth else zero
                lit += line * (one - fy if j == 0 else (fy if j == 4 else one))
            lit *= np.float32(1.0 / 16.0)
        to[LIT + i] = lit
