"""What textures and the shadow map say about fragments."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import (
    Vector,
    bits,
    floats_of,
    floor,
    load,
    look_up_pairs,
    most,
    root,
    store,
    to_floats,
    to_wholes,
    total,
    where,
)
from avatarkit.render.cpu.arrays import F32, I32, U32
from avatarkit.render.cpu.fragments import (
    ALBEDO,
    CHUNK,
    GRADIENT,
    LANES,
    LIT,
    NORMAL,
    POSITION,
    SIDE,
    TANGENT,
    U,
    V,
)
from avatarkit.render.cpu.jit import Real, Whole, inlined, kernel
from avatarkit.render.cpu.sampling import mip_levels, texels_around
from avatarkit.render.cpu.shadow_map import TILE_BITS


@inlined
def _texels(
    texels: U32, levels: I32, counts: I32, image: int, k: Whole, to: F32
) -> tuple[Vector, Vector, Vector, Vector, Vector, Vector]:
    """See :func:`.textures.texels_around`, for the fragments from ``k`` on."""
    width, height = np.float32(levels[image, 0, 1]), np.float32(levels[image, 0, 2])
    level = mip_levels(
        load(to, k + np.uint64(GRADIENT)) * width, load(to, k + np.uint64(GRADIENT + CHUNK)) * width,
        load(to, k + np.uint64(GRADIENT + 2 * CHUNK)) * height,
        load(to, k + np.uint64(GRADIENT + 3 * CHUNK)) * height, counts[image],
    )  # fmt: skip
    return texels_around(texels, levels, image, level, load(to, k + np.uint64(U)), load(to, k + np.uint64(V)))


@inlined
def _byte(texels: Vector, shift: int) -> Vector:
    return to_floats((texels >> shift) & 255)


@inlined
def _squared(x: Vector) -> Vector:
    return x * x


@kernel
def apply_color(texels: U32, levels: I32, counts: I32, image: int, count: int, to: F32) -> None:
    """Multiply a colour texture, of number ``image``, into the albedo of ``count`` fragments."""
    for i in range(0, count, LANES):
        k = np.uint64(i)
        a, b, c, d, x, y = _texels(texels, levels, counts, image, k, to)
        d_share, square = x * y, np.float32(1.0 / 255.0**2)
        b_share, c_share = (x - d_share) * square, (y - d_share) * square
        d_share = d_share * square
        a_share = floats_of(square) - b_share - c_share - d_share
        for channel in range(3):
            shift = 8 * channel
            light = _squared(_byte(a, shift)) * a_share + _squared(_byte(b, shift)) * b_share
            light = light + (_squared(_byte(c, shift)) * c_share + _squared(_byte(d, shift)) * d_share)
            at = k + np.uint64(ALBEDO + channel * CHUNK)
            store(to, at, load(to, at) * light)


@kernel
def apply_normals(texels: U32, levels: I32, counts: I32, image: int, count: int, to: F32) -> None:
    """Turn the normals of ``count`` fragments as the normal map of number ``image`` says."""
    least, scale = 1e-12, np.float32(2.0 / 255.0)
    one = floats_of(1.0)
    for i in range(0, count, LANES):
        k = np.uint64(i)
        a, b, c, d, x, y = _texels(texels, levels, counts, image, k, to)
        d_share = x * y
        b_share, c_share = x - d_share, y - d_share
        a_share = one - b_share - c_share - d_share
        mx = (
            _byte(a, 0) * a_share + _byte(b, 0) * b_share + _byte(c, 0) * c_share + _byte(d, 0) * d_share
        ) * scale - one
        my = (
            _byte(a, 8) * a_share + _byte(b, 8) * b_share + _byte(c, 8) * c_share + _byte(d, 8) * d_share
        ) * scale - one
        mz = (
            _byte(a, 16) * a_share + _byte(b, 16) * b_share + _byte(c, 16) * c_share + _byte(d, 16) * d_share
        ) * scale - one
        n0, n1, n2 = k + np.uint64(NORMAL), k + np.uint64(NORMAL + CHUNK), k + np.uint64(NORMAL + 2 * CHUNK)
        nx, ny, nz = load(to, n0), load(to, n1), load(to, n2)
        tx, ty = load(to, k + np.uint64(TANGENT)), load(to, k + np.uint64(TANGENT + CHUNK))
        tz = load(to, k + np.uint64(TANGENT + 2 * CHUNK))
        length = one / root(nx * nx + ny * ny + nz * nz + least)
        nx, ny, nz = nx * length, ny * length, nz * length
        along = tx * nx + ty * ny + tz * nz
        tx, ty, tz = tx - along * nx, ty - along * ny, tz - along * nz
        length = one / root(tx * tx + ty * ty + tz * tz + least)
        tx, ty, tz = tx * length, ty * length, tz * length
        side = load(to, k + np.uint64(SIDE)) * my
        store(to, n0, mx * tx + side * (ny * tz - nz * ty) + mz * nx)
        store(to, n1, mx * ty + side * (nz * tx - nx * tz) + mz * ny)
        store(to, n2, mx * tz + side * (nx * ty - ny * tx) + mz * nz)


_FILTER: Final = np.array([1, 1, 1, 1] + [0] * 12 + [-1, 0, 0, 0, 1] + [0] * 11, np.float32)
"""Shares of a filter's columns: at the left end of its reach, and how they change towards the right one."""


@kernel
def receive_shadow(light: F32, shadow: F32, reach: F32, texel_m: Real, count: int, room: F32, to: F32) -> None:
    """Find the share 0..1 of key light that arrives: a 4x4 filter over the shadow map, smooth between texels.

    So that a surface does not shade itself, points are moved out along their normal, the more the flatter the
    light falls in (as far as the filter reaches), and a little towards the light. ``reach`` are the least and the
    greatest depths that the filter meets, see :func:`.shadow.survey_shadow`: where all of them are nearer to the
    light than the fragment, or none, nothing need be counted.
    """
    one = np.float32(1.0)
    size, tiles, stride = shadow.shape[0], reach.shape[1], np.uint64(shadow.shape[1])
    flat, reaches = shadow.reshape(-1), reach.reshape(-1)
    # Less what the filter reaches to the left and up.
    a0, a1, a2, a3 = light[0, 0], light[0, 1], light[0, 2], light[0, 3] - np.float32(2.5)
    b0, b1, b2, b3 = light[1, 0], light[1, 1], light[1, 2], light[1, 3] - np.float32(2.5)
    c0, c1, c2, c3 = light[2, 0], light[2, 1], light[2, 2], light[2, 3] - texel_m
    columns, moving = load(_FILTER, np.uint64(0)), load(_FILTER, np.uint64(16))
    for i in range(0, count, LANES):
        k = np.uint64(i)
        nx, ny, nz = (
            load(to, k + np.uint64(NORMAL)),
            load(to, k + np.uint64(NORMAL + CHUNK)),
            load(to, k + np.uint64(NORMAL + 2 * CHUNK)),
        )
        scale = floats_of(one) / root(nx * nx + ny * ny + nz * nz + 1e-12)
        cosine = (nx * c0 + ny * c1 + nz * c2) * scale
        scale = scale * texel_m * (root(most(floats_of(one) - cosine * cosine, 0.0)) * 2.6 + 0.4)
        x = load(to, k + np.uint64(POSITION)) + nx * scale
        y = load(to, k + np.uint64(POSITION + CHUNK)) + ny * scale
        z = load(to, k + np.uint64(POSITION + 2 * CHUNK)) + nz * scale
        fx, fy, depth = x * a0 + y * a1 + z * a2 + a3, x * b0 + y * b1 + z * b2 + b3, x * c0 + y * c1 + z * c2 + c3
        beyond = np.float32(size - 5)
        within = (fx >= 0.0) & (fy >= 0.0) & (fx < beyond) & (fy < beyond)
        left, upper = where(within, floor(fx), 0.0), where(within, floor(fy), 0.0)
        ix, iy = to_wholes(left), to_wholes(upper)
        tile = (iy >> TILE_BITS) * tiles + (ix >> TILE_BITS)
        nearest, farthest = look_up_pairs(reaches, tile << 1)
        lit, dark = nearest > depth, farthest <= depth
        store(to, k + np.uint64(LIT), where(within, where(lit, floats_of(1.0), 0.0), 1.0))
        undecided = bits(within) & ~bits(lit | dark)
        if undecided != 0:
            store(room, np.uint64(0), depth)
            store(room, np.uint64(16), left)
            store(room, np.uint64(32), upper)
            store(room, np.uint64(48), fx - left)
            store(room, np.uint64(64), fy - upper)
            for lane in range(LANES):
                if undecided & (np.int64(1) << np.int64(lane)) != 0:
                    at = np.uint64(int(room[32 + lane])) * stride + np.uint64(int(room[16 + lane]))
                    far, share = room[lane], room[64 + lane]
                    wide = columns + moving * room[48 + lane]
                    sum_ = where(load(flat, at) > far, wide, 0.0) * (one - share)
                    for j in range(1, 4):
                        sum_ = sum_ + where(load(flat, at + stride * np.uint64(j)) > far, wide, 0.0)
                    sum_ = sum_ + where(load(flat, at + stride * np.uint64(4)) > far, wide, 0.0) * share
                    to[k + np.uint64(LIT + lane)] = total(sum_) * np.float32(1.0 / 16.0)
