"""Light that falls from one side, gently evened out, as it would turn with the head."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.render.color import linear_to_srgb
from avatarkit.studio.character.parts import linear
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.framing import LUMA, SIDE_PX, Field
from avatarkit.studio.photo.landmarks import Landmarks

_SHARE: Final = 0.55
"""How much of the difference between the sides is taken out: the light keeps its character."""
_BROAD_PX: Final = 70.0
"""Only what changes over more than this is light; folds, shadows of the nose and colours are the face."""
_COARSE: Final = 8
_MOST: Final = 1.6
"""No place becomes lighter or darker by more than this factor."""


def even_light(rgb: npt.NDArray[np.float64], marks: Landmarks, skin: Field) -> npt.NDArray[np.float64]:
    """The portrait with the broad difference between the lit and the other side of the face evened out.

    What both sides share (a forehead lighter than the chin, cheeks that round off) is the form of the face and
    stays: only how a side differs from its mirror image is taken as light. ``skin`` 0..1 says where it is seen.
    """
    shone = linear(rgb)
    face = regions.face(marks)
    known = face & (skin > 0.9) & ~regions.brows(marks) & ~regions.eye_openings(marks)
    light = np.log(np.maximum(shone @ LUMA, 0.004))
    weight = _coarse(known.astype(np.float64))
    broad = _blurred(_coarse(np.where(known, light, 0.0))) / np.maximum(_blurred(weight), 1e-6)
    uneven = (broad - _mirrored(broad, marks / _COARSE)) / 2.0
    around = ndimage.gaussian_filter(_coarse(face.astype(np.float64)), _BROAD_PX / 2 / _COARSE)
    near = np.clip(around * 1.6 - 0.3, 0.0, 1.0)
    change = -np.clip(_SHARE * uneven, -np.log(_MOST), np.log(_MOST)) * near
    gain = np.exp(ndimage.zoom(change, _COARSE, order=1, mode="nearest", grid_mode=True))
    return linear_to_srgb(shone * gain[..., None]).astype(np.float64)


def _coarse(values: Field) -> Field:
    side = SIDE_PX // _COARSE
    return np.asarray(values.reshape(side, _COARSE, side, _COARSE).mean(axis=(1, 3)))


def _blurred(values: Field) -> Field:
    return np.asarray(ndimage.gaussian_filter(values, _BROAD_PX / _COARSE))


def _mirrored(values: Field, marks: Landmarks) -> Field:
    """Each place's value on the other side of the line from the forehead to the chin."""
    top, bottom = marks[indices.FOREHEAD, :2], marks[indices.CHIN, :2]
    along = (bottom - top) / np.linalg.norm(bottom - top)
    y, x = np.mgrid[: values.shape[0], : values.shape[1]].astype(np.float64)
    away = (x - top[0]) * along[1] - (y - top[1]) * along[0]
    place = [y + 2.0 * away * along[0], x - 2.0 * away * along[1]]
    return np.asarray(ndimage.map_coordinates(values, place, order=1, mode="nearest"))
