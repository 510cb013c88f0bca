"""The eyes of the photo as textures of eyeballs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.studio.character.parts import smooth
from avatarkit.studio.character.person import Eye
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.fit import Fit
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.matte import fill

SIDE: Final = 192
_REACH: Final = 1.02 / 0.98
"""The texture is the ball seen from the front; its edge is this many radii out (as in the built eyes)."""


def eye_picture(eye: Eye, found: Fit, colors: npt.NDArray[np.float64], landmarks: Landmarks) -> npt.NDArray[np.uint8]:
    """One eyeball seen from the front, sRGB uint8 (SIDE, SIDE, 3), in the layout of the built eyeballs.

    What the lids hide of the iris is taken from its other side, as an iris looks alike all around; what they hide of
    the white takes the white's own colours.
    """
    axis = ((np.arange(SIDE) + 0.5) / SIDE * 2.0 - 1.0) * _REACH
    x, y = np.meshgrid(axis, -axis)
    radius = np.hypot(x, y)
    bulge = np.sqrt(np.clip(1.0 - np.minimum(radius, 0.999) ** 2, 0.0, 1.0))
    ball = eye.centre + eye.radius * np.stack([x, y, bulge], axis=-1).reshape(-1, 3)
    pixels = found.view.project(ball).reshape(SIDE, SIDE, 2)
    place = [pixels[..., 1] - 0.5, pixels[..., 0] - 0.5]
    own = np.stack(
        [ndimage.map_coordinates(colors[..., k], place, order=1, mode="nearest") for k in range(3)], axis=-1
    )
    opening = ndimage.binary_erosion(regions.eye_openings(landmarks), iterations=2)
    seen = (ndimage.map_coordinates(opening.astype(np.float64), place, order=1) > 0.7) & (radius < 0.95)
    middle, *rim = indices.IRISES[1 if eye.side > 0 else 0]
    ring = np.linalg.norm(landmarks[rim, :2] - landmarks[middle, :2], axis=1).mean()
    away = pixels - landmarks[middle, :2]
    in_iris = np.hypot(away[..., 0], away[..., 1]) / ring
    iris, known = _around(own, seen & (in_iris < 1.15), away)
    white_seen = seen & (in_iris > 1.2)
    if white_seen.sum() < 20:
        white = np.broadcast_to(np.array([0.82, 0.78, 0.75]), own.shape)
    else:
        # The brighter half: what the lids and lashes darken is not the white's own colour.
        light = own.sum(axis=-1)
        white_seen &= light > np.median(light[white_seen])
        white = fill(own, white_seen)
    share = smooth(1.16, 1.02, in_iris)[..., None]
    rest = white * (1.0 - share) + np.where(known[..., None], iris, white) * share
    soft = ndimage.gaussian_filter(seen.astype(np.float64), 1.5)[..., None] * seen[..., None]
    out = own * soft + rest * (1.0 - soft)
    # Beyond what any gaze uncovers, the ball darkens.
    out = out * (1.0 - 0.35 * smooth(0.75, 1.0, radius))[..., None]
    return np.asarray(np.rint(np.clip(out, 0.0, 1.0) * 255.0), np.uint8)


def _around(
    own: npt.NDArray[np.float64], seen: npt.NDArray[np.bool_], away: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The iris completed: a pixel that is hidden takes the mean of those at its distance from the middle."""
    distance = np.hypot(away[..., 0], away[..., 1])
    step = distance[seen].max() / 24.0 if seen.any() else 1.0
    ring = np.minimum((distance / step).astype(np.int64), 31)
    count = np.bincount(ring[seen], minlength=32).astype(np.float64)
    means = np.stack(
        [np.bincount(ring[seen], own[seen][:, k], minlength=32) / np.maximum(count, 1.0) for k in range(3)], axis=-1
    )
    return means[ring], (count > 0)[ring]
