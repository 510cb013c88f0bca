"""Textures with their mipmaps in one flat array, and the kernels that sample it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.render.color import linear_table, linear_to_srgb
from avatarkit.render.cpu.jit import F32, I32, U8, Real, inlined

MOST_LEVELS: Final = 14


@dataclass(frozen=True, slots=True)
class TexturePool:
    """All textures of a bundle."""

    texels: U8
    """uint8 (n, 4): RGBA, sRGB colour with linear alpha (normal maps: plain numbers)."""
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
            parts.append(image.reshape(-1, 4))
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


def _halve(image: U8, plain: bool) -> U8:
    even = image[: max(1, image.shape[0] // 2 * 2), : max(1, image.shape[1] // 2 * 2)]
    rows = 2 if even.shape[0] > 1 else 1
    columns = 2 if even.shape[1] > 1 else 1
    values = even.astype(np.float32) / 255.0
    if not plain:
        values[..., :3] = linear_table()[even[..., :3]]
    mean = values.reshape(even.shape[0] // rows, rows, even.shape[1] // columns, columns, 4).mean((1, 3))
    if not plain:
        mean[..., :3] = linear_to_srgb(mean[..., :3])
    out: U8 = np.rint(mean * 255.0).astype(np.uint8)
    return out


@inlined
def mip_level(texel_area: Real, pixel_area: Real, levels: int) -> int:
    """The mipmap level at which about one texel falls on a pixel, for a triangle's two areas."""
    level = 0
    while level < levels - 1 and texel_area > 2.8 * pixel_area:
        texel_area *= 0.25
        level += 1
    return level


@inlined
def sample(
    texels: U8, first: int, width: int, height: int, u: Real, v: Real, tables: F32, row: int
) -> tuple[Real, Real, Real, Real]:
    """Bilinear sample with repeat addressing; row ``row`` of ``tables`` says what a colour byte stands for."""
    one = np.float32(1.0)
    x = (u - np.floor(u)) * np.float32(width) - np.float32(0.5)
    y = (v - np.floor(v)) * np.float32(height) - np.float32(0.5)
    x0 = int(np.floor(x))
    y0 = int(np.floor(y))
    fx = x - np.float32(x0)
    fy = y - np.float32(y0)
    x1 = x0 + 1 if x0 + 1 < width else 0
    y1 = y0 + 1 if y0 + 1 < height else 0
    if x0 < 0:
        x0 = width - 1
    if y0 < 0:
        y0 = height - 1
    a = first + y0 * width + x0
    b = first + y0 * width + x1
    c = first + y1 * width + x0
    d = first + y1 * width + x1
    wa = (one - fx) * (one - fy)
    wb = fx * (one - fy)
    wc = (one - fx) * fy
    wd = fx * fy
    red = wa * tables[row, texels[a, 0]] + wb * tables[row, texels[b, 0]]
    red += wc * tables[row, texels[c, 0]] + wd * tables[row, texels[d, 0]]
    green = wa * tables[row, texels[a, 1]] + wb * tables[row, texels[b, 1]]
    green += wc * tables[row, texels[c, 1]] + wd * tables[row, texels[d, 1]]
    blue = wa * tables[row, texels[a, 2]] + wb * tables[row, texels[b, 2]]
    blue += wc * tables[row, texels[c, 2]] + wd * tables[row, texels[d, 2]]
    alpha = wa * np.float32(texels[a, 3]) + wb * np.float32(texels[b, 3])
    alpha += wc * np.float32(texels[c, 3]) + wd * np.float32(texels[d, 3])
    return red, green, blue, alpha * np.float32(1.0 / 255.0)
