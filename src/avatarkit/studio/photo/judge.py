"""Whether a picture will do, before any work goes into it, and after the head is fitted."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.studio.character.parts import linear
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.fit import Fit
from avatarkit.studio.photo.framing import LUMA, Portrait
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.picture import Rgb
from avatarkit.studio.photo.refusal import refuse

SMALLEST_FACE_PX: Final = 96
"""Height of a face, from the top of the forehead to the chin."""
_OTHER_FACE: Final = 0.45
"""A second face this large, against the first, is not somebody in the background."""
_MARGIN: Final = 0.01
_MOST_TURNED_DEGREES: Final = 20.0
_MOST_ROLLED_DEGREES: Final = 40.0
_SHUT: Final = 0.11
"""Opening of the lids over the width of the eye."""
_GAPING: Final = 0.30
"""Opening of the lips over the width of the mouth."""
_BLUR: Final = 0.013
_DARK: Final = 0.13
_BURNT: Final = 0.25
_MASK_CHROMA: Final = 22.0
_CLOTH_CHROMA: Final = 12.0
_CLOTH_DARKER: Final = 40.0
"""Nose and both cheeks all differ from the forehead by more than this (CIELAB): they are no skin."""
_DARK_GLASSES: Final = 0.42


def judge_faces(picture: Rgb, faces: list[Landmarks]) -> Landmarks:
    """The one face of the picture.

    Raises ``InputError`` (``imageQualityRejected``) for none, several, or one that will not do.
    """
    if not faces:
        raise refuse("no_face", "No face was found in the picture.")
    face = faces[0]
    size = float(np.ptp(face[:, 1]))
    if len(faces) > 1 and float(np.ptp(faces[1][:, 1])) > _OTHER_FACE * size:
        raise refuse("several_faces", f"{len(faces)} faces were found in the picture.")
    height, width = picture.shape[:2]
    edge = _MARGIN * min(height, width)
    low, high = face[:, :2].min(axis=0), face[:, :2].max(axis=0)
    if (low < edge).any() or high[0] > width - edge or high[1] > height - edge:
        raise refuse("face_cut_off", "The face is cut off by the picture's border.")
    if size < SMALLEST_FACE_PX:
        raise refuse("face_too_small", f"The face is {size:.0f} pixels high; {SMALLEST_FACE_PX} are needed.")
    across = np.diff(face[list(indices.EYE_CORNERS), :2], axis=0)[0]
    roll = abs(float(np.degrees(np.arctan2(across[1], across[0]))))
    if roll > _MOST_ROLLED_DEGREES:
        raise refuse("tilted", f"The head is tilted by {roll:.0f} degrees.")
    return face


def judge_portrait(portrait: Portrait) -> None:
    """Light, sharpness, eyes and mouth. Raises ``InputError`` (``imageQualityRejected``)."""
    marks = portrait.landmarks
    light = portrait.rgb @ LUMA
    face = regions.face(marks)
    level = float(light[face].mean())
    if level < _DARK:
        raise refuse("too_dark", f"The face is too dark: {level * 100:.0f} % of full brightness.")
    burnt = float((portrait.rgb[face].min(axis=1) > 0.985).mean())
    if burnt > _BURNT:
        raise refuse("too_bright", f"{burnt * 100:.0f} % of the face is burnt out.")
    if sharpness(portrait) < _BLUR:
        raise refuse("blurred", "The face is blurred.")
    opening = eye_opening(marks)
    if max(opening) < _SHUT:
        raise refuse("eyes_closed", "The eyes are closed.")
    gape = abs(float(marks[13, 1] - marks[14, 1]))
    wide = float(np.linalg.norm(marks[indices.LIP_CORNERS_INNER[1], :2] - marks[indices.LIP_CORNERS_INNER[0], :2]))
    if gape / max(wide, 1.0) > _GAPING:
        raise refuse("mouth_open", "The mouth is wide open.")
    _judge_covered(portrait.rgb, light, marks)


def judge_fit(fit: Fit) -> None:
    """How the head is turned. Raises ``InputError`` (``imageQualityRejected``, ``turned_away``)."""
    yaw, pitch = angles(fit)
    if max(abs(yaw), abs(pitch)) > _MOST_TURNED_DEGREES:
        raise refuse("turned_away", f"The face is turned by {yaw:.0f} and nods by {pitch:.0f} degrees.")


def angles(fit: Fit) -> tuple[float, float]:
    """Yaw (towards the person's left is positive) and pitch (down is positive) of the pictured head, degrees."""
    ahead = fit.view.rotation @ np.array([0.0, 0.0, 1.0])
    return float(np.degrees(np.arctan2(ahead[0], ahead[2]))), float(np.degrees(np.arcsin(-ahead[1])))


def sharpness(portrait: Portrait) -> float:
    """Detail of eyes, nose and mouth at the size of a face 200 pixels high, over its contrast; about 0.01..0.1."""
    face = regions.face(portrait.landmarks)
    light = portrait.rgb @ LUMA
    rows, columns = np.flatnonzero(face.any(axis=1)), np.flatnonzero(face.any(axis=0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    step = 200.0 / (rows[-1] - rows[0])
    small = ndimage.zoom(ndimage.gaussian_filter(light[box], 0.4 / step), step, order=1)
    inner = ndimage.zoom(face[box].astype(np.float64), step, order=1) > 0.9
    detail = np.abs(ndimage.laplace(small))[inner]
    return float(np.percentile(detail, 95) / max(float(small[inner].std()), 0.02) / 8.0)


def eye_opening(marks: Landmarks) -> tuple[float, float]:
    """Opening of the right and the left lids over the width of the eye."""
    out = []
    for upper, lower, (outer, inner) in zip(indices.UPPER_LIDS, indices.LOWER_LIDS, indices.LID_CORNERS, strict=True):
        gap = float(np.linalg.norm(marks[upper[2], :2] - marks[lower[2], :2]))
        out.append(gap / max(float(np.linalg.norm(marks[outer, :2] - marks[inner, :2])), 1.0))
    return out[0], out[1]


def _judge_covered(rgb: npt.NDArray[np.float64], light: npt.NDArray[np.float64], marks: Landmarks) -> None:
    """A mask has another colour than the forehead, and dark glasses no white in the eyes."""
    brow = lab(_around(rgb, marks[[9, 8, 151]]))
    lower = lab(_around(rgb, marks[[164, 18, 200, 205, 425]]))
    middle = [lab(_around(rgb, marks[[mark]])) - brow for mark in (4, 205, 425)]
    cloth = all(np.linalg.norm(x[1:]) > _CLOTH_CHROMA or x[0] < -_CLOTH_DARKER for x in middle)
    if cloth or float(np.linalg.norm((lower - brow)[1:])) > _MASK_CHROMA:
        raise refuse("covered", "Mouth and nose seem to be covered.")
    cheek = float(np.median(light[_near(light.shape, marks[list(indices.CHEEKS)], 10)]))
    lids = regions.eye_openings(marks)
    if lids.any() and float(np.percentile(light[lids], 95)) < _DARK_GLASSES * cheek:
        raise refuse("covered", "The eyes seem to be covered.")


def _around(rgb: npt.NDArray[np.float64], points: Landmarks) -> npt.NDArray[np.float64]:
    return np.asarray(np.median(rgb[_near(rgb.shape[:2], points, 8)], axis=0))


def _near(shape: tuple[int, ...], points: Landmarks, radius: int) -> npt.NDArray[np.bool_]:
    out = np.zeros(shape, bool)
    for x, y in points[:, :2]:
        row, column = int(y), int(x)
        out[max(row - radius, 0) : row + radius, max(column - radius, 0) : column + radius] = True
    return out


def lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIELAB L, a and b of an sRGB colour 0..1 (D65)."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear(rgb)
    ratio = xyz / np.array([0.9505, 1.0, 1.089])
    root = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16.0 / 116.0)
    return np.array([116.0 * root[1] - 16.0, 500.0 * (root[0] - root[1]), 200.0 * (root[1] - root[2])])
