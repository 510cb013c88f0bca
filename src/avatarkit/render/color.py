"""Between sRGB, in which images are stored, and linear light, in which they are mixed (IEC 61966-2-1)."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

FloatImage = npt.NDArray[np.float32]


def srgb_to_linear(value: npt.ArrayLike) -> FloatImage:
    """Linear light, float32 0..1, of sRGB values 0..1."""
    v = np.asarray(value, np.float64)
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_to_srgb(value: npt.ArrayLike) -> FloatImage:
    """The sRGB values, float32 0..1, of linear light; clipped to 0..1 first."""
    v = np.clip(np.asarray(value, np.float64), 0.0, 1.0)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055).astype(np.float32)


@functools.cache
def linear_table() -> FloatImage:
    """Linear light of every sRGB byte: float32 (256,)."""
    return srgb_to_linear(np.arange(256) / 255.0)


@functools.cache
def srgb_table(steps: int = 8192) -> npt.NDArray[np.uint8]:
    """The sRGB byte of linear light ``i / (steps - 1)``: uint8 (steps,)."""
    table: npt.NDArray[np.uint8] = np.rint(linear_to_srgb(np.arange(steps) / (steps - 1.0)) * 255.0).astype(np.uint8)
    return table
