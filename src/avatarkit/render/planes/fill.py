"""Filling the planes of a picture: mixed with what lies behind it, then BT.709 in limited range, 4:2:0."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.compiled.jit import Real, Whole, decorators
from avatarkit.compiled.vector_code import WIDTH
from avatarkit.compiled.vectors import bits, equal, load, store, where

F32 = npt.NDArray[np.float32]
U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]

# By the rules of floating point: edges are the same, bit for bit, as those that NumPy mixes.
_kernel, _inlined = decorators(set())

_ALL: Final = (1 << WIDTH) - 1
_OPAQUE: Final = 255
_LUMA: Final = (np.float32(0.2126), np.float32(0.7152), np.float32(0.0722))
"""Shares of red, green and blue in light, by ITU-R BT.709."""
_LUMA_SCALE: Final = np.float32(219.0 / 255.0)
_BLUE_SCALE: Final = np.float32(224.0 / 255.0 / 1.8556 / 8.0)
_RED_SCALE: Final = np.float32(224.0 / 255.0 / 1.5748 / 8.0)
"""Eight bytes' difference to light times this is a colour's difference, in limited range.

1.8556 and 1.5748 are how far a byte of 1 can differ from light, to either side: twice what is not its own share."""
_BLACK: Final = np.float32(16.5)
_GREY: Final = np.float32(128.5)
"""Both with the half that rounds to the nearest."""


@_inlined
def _mixed(own: Whole, behind: Whole, light: F32, encode: U8) -> Whole:
    """A pixel over an opaque one, mixed in linear light, as :class:`avatarkit.render.background.Background` does."""
    share = np.float32(own >> 24) * np.float32(1 / 255)
    scale = np.float32(len(encode) - 1)
    out = _OPAQUE << 24
    for shift in (0, 8, 16):
        back = light[(behind >> shift) & 255]
        both = back + (light[(own >> shift) & 255] - back) * share
        out |= int(encode[np.int32(both * scale + np.float32(0.5))]) << shift
    return out


@_inlined
def _compose(own: U32, behind: U32, light: F32, encode: U8, row: U32) -> None:
    """Write a row over another into ``row`` from its second pixel on."""
    width = len(own)
    whole = width // WIDTH * WIDTH
    for x in range(0, whole, WIDTH):
        at = np.uint64(x)
        pixels, back = load(own, at), load(behind, at)
        alpha = pixels >> 24
        clear = equal(alpha, 0)
        store(row, at + np.uint64(1), where(clear, back, pixels))
        edges = bits(clear | equal(alpha, _OPAQUE)) ^ _ALL
        if edges != 0:
            for lane in range(WIDTH):
                if edges >> lane & 1:
                    row[x + lane + 1] = _mixed(int(own[x + lane]), int(behind[x + lane]), light, encode)
    for x in range(whole, width):
        row[x + 1] = _mixed(int(own[x]), int(behind[x]), light, encode)


@_inlined
def _fill_luma(row: U32, out: U8, width: int) -> None:
    for x in range(width):
        pixel = row[x + 1]
        red, green, blue = np.float32(pixel & 255), np.float32((pixel >> 8) & 255), np.float32((pixel >> 16) & 255)
        out[x] = np.int32((_LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue) * _LUMA_SCALE + _BLACK)


@_inlined
def _around(upper: U32, lower: U32, x: int, shift: int) -> Real:
    """Eight times a byte of the pixels around a colour's place: three of each row, the middle one counting twice."""
    beside = ((upper[x] >> shift) & 255) + ((upper[x + 2] >> shift) & 255)
    beside += ((lower[x] >> shift) & 255) + ((lower[x + 2] >> shift) & 255)
    return np.float32(np.int32(beside + 2 * (((upper[x + 1] >> shift) & 255) + ((lower[x + 1] >> shift) & 255))))


@_inlined
def _fill_colors(upper: U32, lower: U32, blues: U8, reds: U8, count: int) -> None:
    for x in range(count):
        at = 2 * x
        red, green, blue = _around(upper, lower, at, 0), _around(upper, lower, at, 8), _around(upper, lower, at, 16)
        light = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
        blues[x] = np.int32((blue - light) * _BLUE_SCALE + _GREY)
        reds[x] = np.int32((red - light) * _RED_SCALE + _GREY)


@_kernel
def fill_planes(  # noqa: PLR0917 - a compiled kernel: plain arrays in
    image: U32, behind: U32, light: F32, encode: U8, rows: U32, luma: U8, blue: U8, red: U8, alpha: U8
) -> None:
    """Fill planes with an image, sRGB with straight alpha, red in the lowest byte, over ``behind``.

    Both have the same even number of columns and rows; without any rows in ``behind``, the image stays as it is.
    ``light`` and ``encode`` are tables, see :mod:`avatarkit.render.color`. ``rows`` is room for two rows and a pixel
    on their left. ``blue`` and ``red``, the colours' differences, belong to 2 x 2 pixels and lie on their left edge,
    halfway between the rows, where players take them to be. Planes may be wider than the image; ``alpha`` may have
    no rows.
    """
    height, width = image.shape
    upper, lower = rows[0], rows[1]
    for y in range(0, height, 2):
        for k in range(2):
            row = rows[k]
            if len(behind):
                _compose(image[y + k], behind[y + k], light, encode, row)
            else:
                for x in range(width):
                    row[x + 1] = image[y + k, x]
            row[0] = row[1]
            _fill_luma(row, luma[y + k], width)
            if len(alpha):
                for x in range(width):
                    alpha[y + k, x] = row[x + 1] >> 24
        _fill_colors(upper, lower, blue[y // 2], red[y // 2], width // 2)
