"""Regions of the frame that landmarks outline."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.studio.photo import indices
from avatarkit.studio.photo.framing import SIDE_PX
from avatarkit.studio.photo.landmarks import Landmarks

_CORNER_PX: Final = 9.0

Mask = npt.NDArray[np.bool_]
"""bool (SIDE_PX, SIDE_PX)."""


def polygon(points: npt.NDArray[np.float64]) -> Mask:
    """The inside of a polygon given in pixels of the frame, (n, 2)."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 - part of the studio extra

    image = Image.new("1", (SIDE_PX, SIDE_PX))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in points], fill=1)
    return np.asarray(image, bool)


def face(landmarks: Landmarks) -> Mask:
    """The face, from the middle of the forehead to the chin."""
    return polygon(landmarks[list(indices.OVAL), :2])


def eye_openings(landmarks: Landmarks) -> Mask:
    """What is seen between the lids."""
    out = np.zeros((SIDE_PX, SIDE_PX), bool)
    for upper, lower, (outer, inner) in zip(indices.UPPER_LIDS, indices.LOWER_LIDS, indices.LID_CORNERS, strict=True):
        out |= polygon(landmarks[[outer, *upper, inner, *lower[::-1]], :2])
    return out


def brows(landmarks: Landmarks) -> Mask:
    """Both brows, with some skin around them."""
    height = np.linalg.norm(landmarks[indices.CHIN, :2] - landmarks[indices.FOREHEAD, :2])
    out = np.zeros((SIDE_PX, SIDE_PX), bool)
    for edge in indices.BROW_EDGES:
        out |= polygon(landmarks[list(edge), :2])
    return np.asarray(ndimage.binary_dilation(out, iterations=max(int(0.022 * height), 1)))


def mouth_opening(landmarks: Landmarks) -> Mask:
    """What is seen between the lips; empty when they meet."""
    right, left = indices.LIP_CORNERS_INNER
    ring = [right, *indices.UPPER_LIP_INNER, left, *indices.LOWER_LIP_INNER[::-1]]
    if np.abs(landmarks[13, 1] - landmarks[14, 1]) < 4.0:
        return np.zeros((SIDE_PX, SIDE_PX), bool)
    return polygon(landmarks[ring, :2])


def not_lips(landmarks: Landmarks) -> Mask:
    """What is seen between the lips and the dark corners of an open mouth; empty when the lips meet."""
    opening = mouth_opening(landmarks)
    if not opening.any():
        return opening
    out = np.asarray(ndimage.binary_dilation(opening, iterations=6))
    rows, columns = np.mgrid[:SIDE_PX, :SIDE_PX]
    for x, y in landmarks[list(indices.LIP_CORNERS_INNER), :2]:
        out |= np.hypot(columns - x, rows - y) < _CORNER_PX
    return out
