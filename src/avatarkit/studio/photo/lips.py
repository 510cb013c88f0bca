"""Lips that the photo shows apart, brought together: their hidden inner sides, and the creases of a smile."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.unwrap import pack
from avatarkit.studio.photo import indices
from avatarkit.studio.photo.framing import LUMA, Field
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmark_map import FILE, from_line, map_landmarks
from avatarkit.studio.photo.matte import fill

Colors = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_LINE: Final = 0.6
"""How light the line between the lips is against the lips."""
_LINE_M: Final = 0.0035
_REDDER_PERCENT: Final = 45
_ENOUGH_TEXELS: Final = 50
_CREASE_TEXELS: Final = 21
_CREASE_GONE: Final = 0.75
"""How much of a crease a full smile's removal takes out."""


def lip_region(side: int) -> Mask:
    """The red of both lips in the skin's texture, bool (side, side)."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - part of the studio extra

    right, left = indices.MOUTH_CORNERS
    ring = [right, *indices.UPPER_LIP_OUTER, left, *indices.LOWER_LIP_OUTER[::-1]]
    places = pack(np.load(FILE).astype(np.float64)[ring]) * side
    image = Image.new("1", (side, side))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in places], fill=1)
    return np.asarray(image, bool)


def inner_lips(own: Colors, seen: Mask) -> Colors:
    """Colours for the lips' hidden parts: the red of the lips that are seen.

    ``own`` are the photo's colours by texel and ``seen`` says where they are skin.
    """
    region = lip_region(len(own))
    red = own[..., 0] - own[..., 1:].mean(axis=-1)
    known = seen & region
    if known.sum() < _ENOUGH_TEXELS:
        return fill(own, seen)
    known &= red >= np.percentile(red[known], _REDDER_PERCENT)
    return np.asarray(ndimage.gaussian_filter(fill(own, known), (2.0, 2.0, 0.0)))


def lip_line(head: Head) -> Scalars:
    """For each vertex of the body, how light the line between the lips leaves it, 0..1."""
    marks = map_landmarks(head.body)(head.body.points)
    right, left = indices.LIP_CORNERS_INNER
    away = from_line(head.body.points, marks[[right, *indices.UPPER_LIP_INNER, left]])
    return np.asarray(_LINE + (1.0 - _LINE) * smooth(0.0, _LINE_M, away))


def ease_creases(colors: Colors, smiling: Field) -> Colors:
    """Colours with dark folds lightened by ``smiling`` 0..1: what a smile folds, a face at rest does not."""
    light = colors @ LUMA
    even = ndimage.gaussian_filter(ndimage.grey_closing(light, (_CREASE_TEXELS, _CREASE_TEXELS)), 4.0)
    around = ndimage.gaussian_filter(colors, (12.0, 12.0, 0.0))
    plain = around * (even / np.maximum(around @ LUMA, 0.02))[..., None]
    fold = smooth(0.03, 0.22, even / np.maximum(light, 0.02) - 1.0)
    share = np.clip(smiling, 0.0, 1.0) * _CREASE_GONE * fold * ~lip_region(len(colors))
    return np.asarray(np.clip(colors + (plain - colors) * share[..., None], 0.0, 1.0))
