"""The skin's texture: the portrait laid onto the head, and what it does not show filled in smoothly."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.parts import Scalars, Triangles, smooth
from avatarkit.studio.character.unwrap import rasterise
from avatarkit.studio.photo.framing import SIDE_PX, Field
from avatarkit.studio.photo.head import Head, facing
from avatarkit.studio.photo.matte import fill

SIDE: Final = 1024
_HIDDEN_M: Final = 0.004
"""A point this far behind what the camera saw there was not seen."""

_FOLD: Final = (0.22, 0.90)
"""Lid skin between the crease and the lashes: shares of the blink's largest movement."""


def lay_on(
    head: Head, colors: npt.NDArray[np.float64], trusted: Field, uv: npt.NDArray[np.float64], triangles: Triangles
) -> npt.NDArray[np.uint8]:
    """The texture, uint8 (SIDE, SIDE, 3), for texture coordinates ``uv`` (n, 2) of the body's vertices.

    ``colors`` is the portrait and ``trusted`` 0..1 says where it shows skin.
    """
    normals = np.asarray(vertex_normals(head.pictured, triangles), np.float64)
    camera = head.fit.view.to_camera(head.pictured)
    values = np.column_stack(
        [head.fit.view.project(head.pictured), camera[:, 2], facing(head, normals), _folded(head)]
    )
    texels, held = rasterise(uv, triangles, values, SIDE)
    x, y, depth, front, fold = (texels[..., k] for k in range(5))
    seen = held & (front > 0.04) & (fold < 0.5) & (depth > _nearest(x, y, depth, held) - _HIDDEN_M)
    place = [y - 0.5, x - 0.5]
    seen &= ndimage.map_coordinates(trusted, place, order=1, mode="constant") > 0.9
    own = np.stack(
        [ndimage.map_coordinates(colors[..., k], place, order=1, mode="nearest") for k in range(3)], axis=-1
    )
    filled = fill(own, seen)
    # What the lash line darkens next to a fold takes some of the plain skin.
    plain = np.median(own[seen & (front > 0.6)], axis=0)
    filled = np.where((fold > 0.5)[..., None], 0.75 * filled + 0.25 * plain, filled)
    share = ndimage.gaussian_filter(seen.astype(np.float64), 1.5) * smooth(0.04, 0.14, front)
    share = np.where(seen, np.clip(2.0 * share - 0.5, 0.0, 1.0), 0.0)[..., None]
    out = own * share + ndimage.gaussian_filter(filled, (1.5, 1.5, 0.0)) * (1.0 - share)
    return np.asarray(np.rint(np.clip(out, 0.0, 1.0) * 255.0), np.uint8)


def _folded(head: Head) -> Scalars:
    """1 where skin lies folded under an open lid, of which the photo shows a thin, dark line at most."""
    out = np.zeros(len(head.pictured))
    for side in ("Left", "Right"):
        moved = np.linalg.norm(head.body.shapes[f"eyeBlink{side}"], axis=1)
        share = moved / moved.max()
        out = np.maximum(out, ((share > _FOLD[0]) & (share < _FOLD[1])).astype(np.float64))
    return out


def _nearest(x: Field, y: Field, depth: Field, held: npt.NDArray[np.bool_]) -> Field:
    """For each texel, the depth of what is nearest to the camera at its pixel (larger is nearer)."""
    column = np.clip(x / 2, 0, SIDE_PX // 2 - 1).astype(np.int64)
    row = np.clip(y / 2, 0, SIDE_PX // 2 - 1).astype(np.int64)
    front = np.full((SIDE_PX // 2, SIDE_PX // 2), -np.inf)
    np.maximum.at(front, (row[held], column[held]), depth[held])
    return np.asarray(front[row, column])
