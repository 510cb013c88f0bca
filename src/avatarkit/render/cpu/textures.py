"""Textures with their mipmaps in one flat array, and the kernels that sample it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.render.color import linear_table, srgb_table
from avatarkit.render.cpu.jit import I32, U8, Real, inlined, kernel

MOST_LEVELS: Final = 14
_SHARPEST: Final = 2.8
"""Texels on a pixel at which the next level is taken."""
_SQUEEZE: Final = 0.4
"""How much the direction counts into which a surface is squeezed, when it is seen flat."""


@dataclass(frozen=True, slots=True)
class TexturePool:
    """All textures of a bundle."""

    texels: U8
    """uint8 (n, 4): RGBA. Colour is stored as the root of linear light, which is about as fine as sRGB and needs no
    table to undo; alpha, and normal maps, as they are."""
    alphas: U8
    """uint8 (n,): the alphas alone, which are looked up far more often."""
    levels: I32
    """int32 (textures, MOST_LEVELS, 3): first texel, width and height of every mipmap level."""
    counts: I32
    """int32 (textures,): how many levels there are."""


def pool_textures(textures: Sequence[npt.NDArray[np.uint8]], normal_maps: set[int]) -> TexturePool:
    """Build mipmaps by 2x2 averaging in linear light, or of plain numbers for the textures in ``normal_maps``."""
    levels = np.zeros((max(1, len(textures)), MOST_LEVELS, 3), np.int32)
    counts = np.zeros(max(1, len(textures)), np.int32)
    parts: list[U8] = []
    used = 0
    for index, texture in enumerate(textures):
        image = _as_rgba(texture)
        for level in range(MOST_LEVELS):
            height, width = image.shape[:2]
            levels[index, level] = used, width, height
            counts[index] = level + 1
            parts.append((image if index in normal_maps else _rooted(image)).reshape(-1, 4))
            used += width * height
            if width == height == 1:
                break
            image = _halve(image, index in normal_maps)
    texels = np.concatenate(parts) if parts else np.zeros((1, 4), np.uint8)
    return TexturePool(np.ascontiguousarray(texels), texels[:, 3].copy(), levels, counts)


def _as_rgba(texture: npt.NDArray[np.uint8]) -> U8:
    if texture.shape[2] == 4:
        return np.ascontiguousarray(texture)
    opaque = np.full((*texture.shape[:2], 1), 255, np.uint8)
    return np.concatenate([texture, opaque], axis=2)


def _rooted(image: U8) -> U8:
    roots = np.rint(255.0 * np.sqrt(linear_table())).astype(np.uint8)
    out = np.frombuffer(bytearray(image.tobytes().translate(roots.tobytes())), np.uint8).reshape(image.shape)
    out[..., 3] = image[..., 3]
    return out


def _halve(image: U8, plain: bool) -> U8:
    """Half the size each way: the mean of four texels, or of two along a side that is one texel long."""
    height, width = (max(1, side // 2) for side in image.shape[:2])
    down, right = int(image.shape[0] > 1), int(image.shape[1] > 1)
    places = list(itertools.product(range(1 + down), range(1 + right)))
    texels = [image[y : 2 * height : 1 + down, x : 2 * width : 1 + right] for y, x in places]
    total = np.zeros((height, width, 4), np.uint16)
    for texel in texels:
        total += texel
    out: U8 = ((total + len(texels) // 2) // len(texels)).astype(np.uint8)
    if not plain:
        light, encode = linear_table(), srgb_table()
        color = np.zeros((height, width, 3), np.float32)
        for texel in texels:
            color += light[texel[..., :3]]
        steps = color * np.float32((len(encode) - 1) / len(texels)) + np.float32(0.5)
        out[..., :3] = encode[steps.astype(np.int32)]
    return out


@inlined
def mip_level(u_right: Real, u_down: Real, v_right: Real, v_down: Real, levels: int) -> int:
    """The mipmap level for a surface whose texture moves by so many texels from pixel to pixel.

    About one texel falls on a pixel then; where the surface is seen so flat that the texture is squeezed into one
    direction, the level lies between what the two directions ask for.
    """
    longest = max(u_right * u_right + v_right * v_right, u_down * u_down + v_down * v_down)
    texels = max(abs(u_right * v_down - u_down * v_right), np.float32(_SQUEEZE) * longest)
    level = 0
    while level < levels - 1 and texels > np.float32(_SHARPEST):
        texels *= np.float32(0.25)
        level += 1
    return level


@inlined
def _corners(width: int, height: int, u: Real, v: Real) -> tuple[int, int, int, int, Real, Real]:
    """The four texels around a place, with repeat addressing, and the shares of the right and the lower ones."""
    x = (u - np.floor(u)) * np.float32(width) - np.float32(0.5)
    y = (v - np.floor(v)) * np.float32(height) - np.float32(0.5)
    left, upper = np.floor(x), np.floor(y)
    x0, y0 = int(left), int(upper)
    x1 = x0 + 1 if x0 + 1 < width else 0
    y1 = y0 + 1 if y0 + 1 < height else 0
    x0 = x0 if x0 >= 0 else width - 1
    y0 = y0 if y0 >= 0 else height - 1
    return y0 * width + x0, y0 * width + x1, y1 * width + x0, y1 * width + x1, x - left, y - upper


@kernel
def sample_color(texels: U8, first: int, width: int, height: int, u: Real, v: Real) -> tuple[Real, Real, Real]:
    """Bilinear sample of a colour texture: linear RGB."""
    one, square = np.float32(1.0), np.float32(1.0 / 255.0**2)
    a, b, c, d, fx, fy = _corners(width, height, u, v)
    a, b, c, d = a + first, b + first, c + first, d + first
    wb, wc, wd = fx * (one - fy) * square, (one - fx) * fy * square, fx * fy * square
    wa = (one - fx) * (one - fy) * square
    a0, a1, a2 = np.float32(texels[a, 0]), np.float32(texels[a, 1]), np.float32(texels[a, 2])
    b0, b1, b2 = np.float32(texels[b, 0]), np.float32(texels[b, 1]), np.float32(texels[b, 2])
    c0, c1, c2 = np.float32(texels[c, 0]), np.float32(texels[c, 1]), np.float32(texels[c, 2])
    d0, d1, d2 = np.float32(texels[d, 0]), np.float32(texels[d, 1]), np.float32(texels[d, 2])
    red = wa * a0 * a0 + wb * b0 * b0 + wc * c0 * c0 + wd * d0 * d0
    green = wa * a1 * a1 + wb * b1 * b1 + wc * c1 * c1 + wd * d1 * d1
    blue = wa * a2 * a2 + wb * b2 * b2 + wc * c2 * c2 + wd * d2 * d2
    return red, green, blue


@kernel
def sample_plain(texels: U8, first: int, width: int, height: int, u: Real, v: Real) -> tuple[Real, Real, Real]:
    """Bilinear sample of a texture of plain numbers: 0..255."""
    one = np.float32(1.0)
    a, b, c, d, fx, fy = _corners(width, height, u, v)
    a, b, c, d = a + first, b + first, c + first, d + first
    wa, wb, wc, wd = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    red = wa * texels[a, 0] + wb * texels[b, 0] + wc * texels[c, 0] + wd * texels[d, 0]
    green = wa * texels[a, 1] + wb * texels[b, 1] + wc * texels[c, 1] + wd * texels[d, 1]
    blue = wa * texels[a, 2] + wb * texels[b, 2] + wc * texels[c, 2] + wd * texels[d, 2]
    return np.float32(red), np.float32(green), np.float32(blue)
