"""What was behind the person: the photo with them painted away."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from avatarkit.studio.photo.framing import SIDE_PX, Field, Portrait
from avatarkit.studio.photo.matte import fill
from avatarkit.studio.photo.picture import Rgb

_PERSON: Final = 0.05
"""Pixels that belong to the person more than this are painted over."""
_AROUND_PX: Final = 20
"""So are those around them: stray hair, and what shines off the person."""
_SOFT_PX: Final = 6.0


def background_plate(portrait: Portrait, alpha: Field, rows: tuple[float, float]) -> Rgb:
    """The portrait without the person, uint8 (n, n, 3): what the avatar's own camera sees behind it.

    Nothing is invented: the colours around the person, or where the picture ends, run together behind them, with the
    picture's own grain. ``rows`` are the camera's upper and lower border in pixels of the frame.
    """
    person = np.maximum(portrait.person, alpha) > _PERSON
    gone = ndimage.binary_dilation(person, iterations=_AROUND_PX) | ~portrait.inside
    if bool(gone.all()):
        gone = person
    smooth = ndimage.gaussian_filter(fill(portrait.rgb, ~gone), (_SOFT_PX, _SOFT_PX, 0.0))
    share = np.maximum(ndimage.gaussian_filter(gone.astype(np.float64), _SOFT_PX / 2), gone)[..., None]
    grain = np.random.default_rng(0).normal(0.0, _grain(portrait.rgb, gone), gone.shape)
    out = portrait.rgb * (1.0 - share) + (smooth + grain[..., None]) * share
    top, bottom = round(rows[0]), round(rows[1])
    half = (bottom - top) // 2
    middle = SIDE_PX // 2
    cut = out[top:bottom, max(middle - half, 0) : middle + half]
    return np.asarray(np.rint(np.clip(cut, 0.0, 1.0) * 255.0), np.uint8)


def _grain(rgb: np.ndarray, gone: np.ndarray) -> float:
    """Standard deviation of the finest detail where the person is not, 0..0.02."""
    if bool(gone.all()):
        return 0.0
    light = rgb.mean(axis=2)
    fine = np.abs(light - ndimage.gaussian_filter(light, 1.5))
    return float(min(np.median(fine[~gone]) * 1.48, 0.02))
