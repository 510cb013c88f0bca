"""Kernels that sample textures."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import (
    Vector,
    exponent,
    floor,
    least,
    look_up,
    look_up_pairs,
    most,
    size,
    to_floats,
    to_wholes,
    where,
    wholes_of,
)
from avatarkit.render.cpu.arrays import I32, U32
from avatarkit.render.cpu.jit import Real, inlined
from avatarkit.render.cpu.textures import MOST_LEVELS

_SHARPEST: Final = 2.8
"""Texels on a pixel at which the next level is taken."""
_SQUEEZE: Final = 0.4
"""How much the direction counts into which a surface is squeezed, when it is seen flat."""


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
def mip_levels(u_right: Vector, u_down: Vector, v_right: Vector, v_down: Vector, levels: int) -> Vector:
    """As :func:`mip_level`, for sixteen fragments."""
    longest = most(u_right * u_right + v_right * v_right, u_down * u_down + v_down * v_down)
    texels = most(size(u_right * v_down - u_down * v_right), longest * _SQUEEZE)
    return least(most(exponent(texels * (1.0 / _SHARPEST)) + 2, 0) >> 1, levels - 1)


@inlined
def texels_around(
    texels: U32, levels: I32, image: int, level: Vector, u: Vector, v: Vector
) -> tuple[Vector, Vector, Vector, Vector, Vector, Vector]:
    """The four texels around sixteen places, with repeat addressing, and the shares of the right and lower ones."""
    width = most(wholes_of(levels[image, 0, 1]) >> level, 1)
    height = most(wholes_of(levels[image, 0, 2]) >> level, 1)
    first = look_up(levels.reshape(-1), level * 3 + image * (3 * MOST_LEVELS))
    x, y = (u - floor(u)) * to_floats(width) - 0.5, (v - floor(v)) * to_floats(height) - 0.5
    left, upper = floor(x), floor(y)
    x0, y0 = to_wholes(left), to_wholes(upper)
    x, y = x - left, y - upper
    x0, y0 = where(x0 < 0, width - 1, least(x0, width - 1)), where(y0 < 0, height - 1, least(y0, height - 1))
    y1 = where(y0 + 1 < height, y0 + 1, 0)
    x0 = x0 + first
    above, right_above = look_up_pairs(texels, y0 * (width + 1) + x0)
    below, right_below = look_up_pairs(texels, y1 * (width + 1) + x0)
    return above, right_above, below, right_below, x, y
