"""Glasses: found in the portrait, taken off the skin, and worn as a surface of their own.

Painted on the skin they would bend with brows and lids, and lie flat on the temples when the head turns.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.clip import drop_loose
from avatarkit.studio.character.parts import Part, grid_triangles, smooth
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.framing import LUMA, Field
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.matte import fill
from avatarkit.studio.photo.regions import Mask
from avatarkit.studio.photo.view import DISTANCE_M

_RIM_PX: Final = 27
"""A rim is thinner than this."""
_DARKER: Final = (0.50, 0.42, 0.35, 0.29)
"""How much darker than the skin around it a rim is, as a share of the skin's lightness: the first that will do."""
_EDGE: Final = 0.6
"""What is this share of it darker, right beside it, is the rim's soft edge."""
_SLACK_PX: Final = 6.0
"""Glasses reach the outer corners of both eyes, or nearly."""
_MOST: Final = 0.22
"""Of the part of the face where they are looked for: what covers more is shade and wrinkles, not rims."""
_ALIKE: Final = 0.62
"""The smaller of two rims is at least this share of the larger."""
_ARM: Final = 0.3
"""An arm seen from the front is less high than this share of a rim."""
_STEP_PX: Final = 6
_BEFORE_M: Final = 0.004
"""The bridge lies this far before the nose, and rims at least half of it before the skin."""
_HALF_M: Final = 0.066
"""From the middle to where the arms begin, and how far back they do."""
_BOW_M: Final = 0.016


def find_spectacles(rgb: npt.NDArray[np.float64], marks: Landmarks) -> Mask | None:
    """The pixels of dark rims that cross the nose between the eyes and reach past both of them; ``None`` for a face
    without. The arms beyond the face do not count."""
    light = rgb @ LUMA
    soft = ndimage.gaussian_filter(light, 1.0)
    skin = ndimage.gaussian_filter(ndimage.grey_closing(soft, (_RIM_PX, _RIM_PX)), 3.0)
    darker = (skin - soft) / np.maximum(skin, 0.05)
    zone, bridge = _zone(marks), _bridge(marks)
    right, left = marks[list(indices.EYE_CORNERS), 0]
    for least in _DARKER:
        pieces, _ = ndimage.label(zone & (darker > least), np.ones((3, 3)))
        for number in np.unique(pieces[bridge & (pieces > 0)]):
            piece = pieces == number
            columns = np.flatnonzero(piece.any(axis=0))
            spans = columns[0] < right + _SLACK_PX and columns[-1] > left - _SLACK_PX
            if not spans or piece.sum() > _MOST * zone.sum():
                continue
            beside = ndimage.binary_dilation(piece, np.ones((3, 3), bool), iterations=2)
            rims = _without_arms(np.asarray(piece | (beside & (darker > _EDGE * least)), bool))
            if _balanced(rims, int(marks[indices.NASION, 0])):
                return rims
    return None


def _balanced(rims: Mask, middle: int) -> bool:
    """Whether there is about as much on both sides of the nose, and as wide and high: half a frame is none."""
    sizes = []
    for half in (rims[:, :middle], rims[:, middle:]):
        if not half.any():
            return False
        rows, columns = np.nonzero(half)
        sizes.append((half.sum(), np.ptp(rows), np.ptp(columns)))
    return bool((np.min(sizes, axis=0) > _ALIKE * np.max(sizes, axis=0)).all())


def _without_arms(rims: Mask) -> Mask:
    """The rims alone: the arms lie along the temples, and stay where they are painted."""
    rows = np.arange(len(rims))[:, None]
    high = np.where(rims, rows, -1).max(axis=0) - np.where(rims, rows, len(rims)).min(axis=0)
    tall = np.flatnonzero(high > _ARM * high.max())
    out = np.zeros_like(rims)
    out[:, tall[0] - 2 : tall[-1] + 3] = rims[:, tall[0] - 2 : tall[-1] + 3]
    return out


def take_off(rims: Mask, colors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The portrait's colours with the skin around the frames in their place."""
    gone = ndimage.binary_dilation(rims, iterations=4)
    return fill(colors, ~gone)


def make_spectacles(
    rims: Mask, head: Head, colors: npt.NDArray[np.float64], relief: Field, texture: int
) -> tuple[Part, npt.NDArray[np.uint8]]:
    """The frames as a part and its texture, uint8 (h, w, 4).

    ``relief`` is the camera-space depth of the skin by pixel, NaN where there is none, and ``texture`` the place of
    the texture.
    """
    rows, columns = np.nonzero(ndimage.binary_dilation(rims, iterations=6))
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
    crop = (slice(top, top + height), slice(left, left + width))
    alpha = np.clip(ndimage.gaussian_filter(ndimage.binary_dilation(rims).astype(np.float64), 1.2), 0.0, 1.0)
    own = fill(colors[crop], rims[crop])
    picture = np.concatenate([own, alpha[crop][..., None]], axis=2)

    down, along = (
        np.arange(top, top + height + _STEP_PX, _STEP_PX),
        np.arange(left, left + width + _STEP_PX, _STEP_PX),
    )
    y, x = (grid.astype(np.float64) for grid in np.meshgrid(down, along, indexing="ij"))
    points = head.fit.view.lift(np.column_stack([x.ravel(), y.ravel()]), _depth(head, relief, x, y).ravel())
    uv = np.column_stack([(x.ravel() - left) / width, (y.ravel() - top) / height])
    near = ndimage.binary_dilation(rims, iterations=_STEP_PX + 3)
    used = near[np.clip(y, 0, len(near) - 1).astype(int), np.clip(x, 0, len(near) - 1).astype(int)].ravel()
    triangles = grid_triangles(*y.shape)
    kept, triangles = drop_loose(triangles[used[triangles].any(axis=1)], len(points))
    part = Part(
        name="glasses",
        points=points[kept],
        triangles=triangles,
        material=Material("glasses", MaterialKind.PHOTO, texture=texture, alpha_cutoff=0.5, double_sided=True),
        uv=np.clip(uv[kept], 0.0, 1.0),
    )
    return part, np.asarray(np.rint(np.clip(picture, 0.0, 1.0) * 255.0), np.uint8)


def _zone(marks: Landmarks) -> Mask:
    """Where frames are looked for: from the brows to the middle of the nose, without brows, eyes and lashes."""
    rows = np.arange(len(regions.face(marks)))[:, None]
    top = marks[list(indices.BROWS), 1].min() - 12.0
    bottom = marks[indices.NOSE_TIP, 1] - 4.0
    face = ndimage.binary_erosion(regions.face(marks), iterations=3)
    eyes = ndimage.binary_dilation(regions.eye_openings(marks), iterations=8)
    brows = ndimage.binary_erosion(regions.brows(marks), iterations=5)
    return np.asarray(face & (rows > top) & (rows < bottom) & ~eyes & ~brows)


def _bridge(marks: Landmarks) -> Mask:
    """The middle line of the nose between brows and half its length."""
    out = np.zeros_like(regions.face(marks))
    top, bottom = marks[indices.BETWEEN_BROWS, 1], (marks[indices.NASION, 1] + marks[indices.NOSE_TIP, 1]) / 2
    middle = int(marks[indices.NASION, 0])
    out[int(top) : int(bottom), middle - 2 : middle + 3] = True
    return out


def _depth(head: Head, relief: Field, x: Field, y: Field) -> Field:
    """Camera-space depth of the frames' surface: a shallow bow before the nose, then back along the temples."""
    metre = head.fit.view.focal_px / DISTANCE_M
    known = np.isfinite(relief)
    skin = fill(np.where(known, relief, 0.0)[..., None], known)[..., 0]
    row, column = np.clip(y, 0, len(skin) - 1).astype(int), np.clip(x, 0, len(skin) - 1).astype(int)
    origin = head.fit.view.project(np.zeros((1, 3)))[0]
    off = np.abs(x - origin[0]) / metre
    lower = (y - origin[1]) / metre
    middle = skin[int(origin[1]) - 14 : int(origin[1]) + 15, int(origin[0]) - 3 : int(origin[0]) + 4].max()
    bow = middle + _BEFORE_M - _BOW_M * (off / _HALF_M) ** 2 - 0.10 * lower
    bow = bow - 2.5 * smooth(_HALF_M, _HALF_M + 0.03, off) * np.maximum(off - _HALF_M, 0.0)
    return np.asarray(np.maximum(bow, ndimage.gaussian_filter(skin, 4.0)[row, column] + _BEFORE_M / 2))
