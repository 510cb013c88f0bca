"""The portrait cut out of the picture: upright, square, the face always of one size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.studio.photo.indices import CHIN, EYE_CORNERS, FOREHEAD
from avatarkit.studio.photo.landmarks import Landmarks, find_faces, person_share
from avatarkit.studio.photo.picture import Rgb
from avatarkit.studio.photo.refusal import refuse

SIDE_PX: Final = 1024
"""Width and height of a portrait."""
_FACES_HIGH: Final = 2.75
"""The portrait's height in heights of the face."""
_FACE_MIDDLE: Final = 0.46
"""Where the middle of the face lies, as a share of the portrait's height from the top."""

LUMA: Final = np.array([0.2126, 0.7152, 0.0722])
"""What red, green and blue add to lightness (BT.709)."""
Field = npt.NDArray[np.float64]
"""float64 (h, w)."""


@dataclass(frozen=True, slots=True)
class Portrait:
    """A framed face and what was found in it. Pixels are those of the frame."""

    rgb: npt.NDArray[np.float64]
    """float64 (SIDE_PX, SIDE_PX, 3), sRGB 0..1; the border's pixels are repeated where the picture ends."""
    inside: npt.NDArray[np.bool_]
    """Where the picture has pixels."""
    person: Field
    """How much a pixel belongs to the person, 0..1."""
    landmarks: Landmarks
    source_scale: float
    """Pixels of the frame for one of the picture: above 1 the portrait is softer than its size."""


def frame(picture: Rgb, face: Landmarks) -> Portrait:
    """Turn, scale and cut the picture around a face, and look at the result once more.

    Raises ``InputError`` (``imageQualityRejected``, ``no_face``) when the face is not found again.
    """
    corners = face[list(EYE_CORNERS), :2]
    across = corners[1] - corners[0]
    roll = float(np.arctan2(across[1], across[0]))
    height = float(np.linalg.norm(face[CHIN, :2] - face[FOREHEAD, :2]))
    scale = SIDE_PX / (_FACES_HIGH * height)
    middle = (face[CHIN, :2] + face[FOREHEAD, :2]) / 2
    rgb, inside = _cut(picture, middle, roll, scale)
    again = find_faces(np.rint(rgb * 255).astype(np.uint8))
    if not again:
        raise refuse("no_face", "The face was not found again in the framed portrait.")
    person = person_share(np.rint(rgb * 255).astype(np.uint8))
    return Portrait(rgb, inside, person, again[0], scale)


def _cut(
    picture: Rgb, middle: npt.NDArray[np.float64], roll: float, scale: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    axis = (np.arange(SIDE_PX) + 0.5 - SIDE_PX / 2) / scale
    down, right = np.meshgrid(axis + (0.5 - _FACE_MIDDLE) * SIDE_PX / scale, axis, indexing="ij")
    x = middle[0] + np.cos(roll) * right - np.sin(roll) * down - 0.5
    y = middle[1] + np.sin(roll) * right + np.cos(roll) * down - 0.5
    height, width = picture.shape[:2]
    inside = (x > -0.5) & (x < width - 0.5) & (y > -0.5) & (y < height - 0.5)
    source = picture.astype(np.float64) / 255.0
    if scale < 1.0:  # shrinking: what is finer than a pixel of the frame would alias
        source = np.asarray(ndimage.gaussian_filter(source, (0.42 / scale, 0.42 / scale, 0.0), mode="nearest"))
    channels = [
        ndimage.map_coordinates(source[..., k], [y, x], order=_order(scale), mode="nearest") for k in range(3)
    ]
    return np.clip(np.stack(channels, axis=-1), 0.0, 1.0), inside


def _order(scale: float) -> Literal[1, 3]:
    """Of the spline: straight when shrinking, cubic when growing."""
    return 1 if scale < 1.0 else 3
