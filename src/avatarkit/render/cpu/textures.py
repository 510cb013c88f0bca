"""Textures with their mipmaps in one flat array."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.render.color import linear_table, srgb_table
from avatarkit.render.cpu.arrays import I32, U8, U32

MOST_LEVELS: Final = 14


@dataclass(frozen=True, slots=True)
class TexturePool:
    """All textures of a bundle."""

    texels: U8
    """uint8 (n, 4): RGBA. Colour is stored as the root of linear light, which is about as fine as sRGB and needs no
    table to undo; alpha, and normal maps, as they are. Behind every row lies its first texel once more, so that two
    neighbours can be read at once wherever they are."""
    masks: U32
    """uint32 (n + 1,): every texel's alpha, and those of its right, lower and lower right neighbours, in ascending
    bytes; the last is opaque."""
    levels: I32
    """int32 (textures, MOST_LEVELS, 3): first texel, width and height of every mipmap level. A row takes one texel
    more than its width."""
    counts: I32
    """int32 (textures,): how many levels there are."""

    def picture(self, texture: int, level: int) -> U8:
        """The texels of a mipmap level: uint8 (height, width, 4), in place."""
        first, width, height = self.levels[texture, level]
        rows = self.texels[first : first + (width + 1) * height].reshape(height, width + 1, 4)
        return rows[:, :width]


def pool_textures(textures: Sequence[npt.NDArray[np.uint8]], normal_maps: set[int]) -> TexturePool:
    """Build mipmaps by 2x2 averaging in linear light, or of plain numbers for the textures in ``normal_maps``."""
    levels, counts, used = _layout([texture.shape[:2] for texture in textures])
    texels = np.zeros((1, 4), np.uint8) if used == 0 else np.empty((used, 4), np.uint8)
    for index, texture in enumerate(textures):
        image, plain = _as_rgba(texture), index in normal_maps
        for level, (first, width, height) in enumerate(levels[index, : counts[index]]):
            if level > 0:
                image = _halve(image, plain)
            part = texels[first : first + (width + 1) * height].reshape(height, width + 1, 4)
            part[:, :width] = image if plain else _rooted(image)
            part[:, :width, 3] = image[..., 3]
            part[:, width] = part[:, 0]
    return TexturePool(texels, _with_neighbours(texels[:, 3], levels, counts), levels, counts)


def _layout(sizes: Sequence[tuple[int, ...]]) -> tuple[I32, I32, int]:
    """Levels and counts, see :class:`TexturePool`, for pictures of these heights and widths; and all their texels."""
    levels = np.zeros((max(1, len(sizes)), MOST_LEVELS, 3), np.int32)
    counts = np.zeros(max(1, len(sizes)), np.int32)
    used = 0
    for index, (height, width) in enumerate(sizes):
        for level in range(MOST_LEVELS):
            levels[index, level] = used, width, height
            counts[index] = level + 1
            used += (width + 1) * height
            if width == height == 1:
                break
            height, width = max(1, height // 2), max(1, width // 2)  # noqa: PLW2901 - the next level's
    return levels, counts, used


def _with_neighbours(alphas: U8, levels: I32, counts: I32) -> U32:
    """See :attr:`TexturePool.masks`: one look-up then tells all that lies between four texels."""
    out = np.full(len(alphas) + 1, 0xFFFFFFFF, np.uint32)
    for texture, count in enumerate(counts):
        for first, width, height in levels[texture, :count]:
            end = first + (width + 1) * height
            if alphas[first:end].min() == 255:
                continue
            rows = alphas[first:end].reshape(height, width + 1).astype(np.uint32)
            own, right = rows[:, :-1], rows[:, 1:]
            four = own | right << 8 | np.roll(own, -1, axis=0) << 16 | np.roll(right, -1, axis=0) << 24
            out[first:end].reshape(height, width + 1)[:, :-1] = four
    return out


def _as_rgba(texture: npt.NDArray[np.uint8]) -> U8:
    if texture.shape[2] == 4:
        return np.ascontiguousarray(texture)
    out = np.empty((*texture.shape[:2], 4), np.uint8)
    out[..., :3] = texture
    out[..., 3] = 255
    return out


def _rooted(image: U8) -> U8:
    roots = np.rint(255.0 * np.sqrt(linear_table())).astype(np.uint8)
    return np.frombuffer(image.tobytes().translate(roots.tobytes()), np.uint8).reshape(image.shape)


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
