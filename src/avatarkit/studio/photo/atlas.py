"""The skin's texture: the portrait laid onto the head, and what it does not show filled in smoothly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.parts import Scalars, Triangles, smooth
from avatarkit.studio.character.unwrap import rasterise
from avatarkit.studio.photo.framing import SIDE_PX, Field
from avatarkit.studio.photo.head import Head, facing
from avatarkit.studio.photo.lids import lids
from avatarkit.studio.photo.lips import ease_creases, inner_lips, lip_line, lip_region
from avatarkit.studio.photo.matte import fill

SIDE: Final = 1024
_HIDDEN_M: Final = 0.004
"""A point this far behind what the camera saw there was not seen."""
_GRAZING: Final = (0.08, 0.26)
"""Cosines to the camera: what is seen more from the side than the first is smeared, than the second is whole."""
_LID_LIGHT: Final = 0.82
"""The lids are at least this light against the face."""
_LASH_TONE: Final = np.array([0.48, 0.42, 0.40])
"""Colour of the lashes' line against the lid's."""


@dataclass(frozen=True, slots=True)
class Skin:
    """The portrait's colours, and where they are those of skin."""

    colors: npt.NDArray[np.float64]
    """sRGB 0..1, (SIDE_PX, SIDE_PX, 3)."""
    trusted: Field
    """0..1: shows skin."""
    plain: Field
    """0..1: shows skin that is fit for the folds of the lids (see :func:`.lids.plain_skin`)."""
    mouth_open: bool


def lay_on(head: Head, skin: Skin, uv: npt.NDArray[np.float64], triangles: Triangles) -> npt.NDArray[np.uint8]:
    """The texture, uint8 (SIDE, SIDE, 3), for texture coordinates ``uv`` (n, 2) of the body's vertices."""
    normals = np.asarray(vertex_normals(head.pictured, triangles), np.float64)
    camera = head.fit.view.to_camera(head.pictured)
    values = np.column_stack(
        [head.fit.view.project(head.pictured), camera[:, 2], facing(head, normals), *lids(head), _smiling(head),
         lip_line(head)]
    )  # fmt: skip
    texels, held = rasterise(uv, triangles, values, SIDE)
    x, y, depth, front, fold, lash, smiling, line = (texels[..., k] for k in range(8))
    seen = held & (front > 0.04) & (fold < 0.5) & (depth > _nearest(x, y, depth, held) - _HIDDEN_M)
    place = [y - 0.5, x - 0.5]
    seen &= ndimage.map_coordinates(skin.trusted, place, order=1, mode="constant") > 0.9
    own = np.stack(
        [ndimage.map_coordinates(skin.colors[..., k], place, order=1, mode="nearest") for k in range(3)], axis=-1
    )
    filled = fill(own, seen)
    filled = np.where(lip_region(SIDE)[..., None], inner_lips(own, seen) * line[..., None], filled)
    like_lids = seen & (fold < 0.02) & (ndimage.map_coordinates(skin.plain, place, order=1, mode="constant") > 0.9)
    lid = ndimage.gaussian_filter(fill(own, like_lids), (6.0, 6.0, 0.0))
    lid = _not_darker(lid, np.median(own[seen & (front > 0.6)], axis=0))
    filled = np.where((fold > 0.02)[..., None], lid, filled)
    if skin.mouth_open:  # a shut one shows its own line
        own = own * line[..., None]
    share = ndimage.gaussian_filter(seen.astype(np.float64), 1.5) * smooth(*_GRAZING, front)
    share = np.where(seen, np.clip(2.0 * share - 0.5, 0.0, 1.0), 0.0) * smooth(0.45, 0.05, fold)
    out = own * share[..., None] + ndimage.gaussian_filter(filled, (1.5, 1.5, 0.0)) * (1.0 - share[..., None])
    if smiling.max() > 0.0:
        out = ease_creases(out, smiling)
    out = out + (np.minimum(out, _LASH_TONE * lid) - out) * lash[..., None]
    return np.asarray(np.rint(np.clip(out, 0.0, 1.0) * 255.0), np.uint8)


def _not_darker(colors: npt.NDArray[np.float64], skin: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Colours made more like the skin where they are much darker than the face's ``skin``: the shade of the
    eye socket does not lie on a lid that is shut.
    """
    least = _LID_LIGHT * skin
    share = np.clip(2.0 * (1.0 - colors.sum(axis=-1) / least.sum()), 0.0, 1.0)
    return np.asarray(colors + (least - colors) * share[..., None])


def _smiling(head: Head) -> Scalars:
    """How much of a smile is taken off at each vertex of the body, 0..1; 0 for what is hardly one."""
    out = np.zeros(len(head.pictured))
    for side in ("Left", "Right"):
        moved = np.linalg.norm(head.body.shapes[f"mouthSmile{side}"], axis=1)
        weight = head.fit.expression.get(f"mouthSmile{side}", 0.0)
        out = np.maximum(out, smooth(0.12, 0.45, moved / moved.max()) * float(smooth(0.25, 0.8, weight)))
    return out


def _nearest(x: Field, y: Field, depth: Field, held: npt.NDArray[np.bool_]) -> Field:
    """For each texel, the depth of what is nearest to the camera at its pixel (larger is nearer)."""
    column = np.clip(x / 2, 0, SIDE_PX // 2 - 1).astype(np.int64)
    row = np.clip(y / 2, 0, SIDE_PX // 2 - 1).astype(np.int64)
    front = np.full((SIDE_PX // 2, SIDE_PX // 2), -np.inf)
    np.maximum.at(front, (row[held], column[held]), depth[held])
    return np.asarray(front[row, column])
