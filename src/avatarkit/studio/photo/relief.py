"""How near the fitted head is to the camera at each pixel of the frame."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from avatarkit.studio.character.parts import Triangles
from avatarkit.studio.photo.framing import SIDE_PX, Field
from avatarkit.studio.photo.head import Head

_STEP_PX: Final = 4


def depth_map(head: Head, triangles: Triangles) -> Field:
    """Camera-space z in metres of the pictured skin, float64 (SIDE_PX, SIDE_PX), NaN where there is none."""
    camera, pixels = head.fit.view.to_camera(head.pictured), head.fit.view.project(head.pictured)
    values = np.column_stack([pixels, camera[:, 2]])
    corner = values[triangles]
    samples = np.concatenate(
        [values, corner.mean(axis=1), *((corner[:, i] + corner[:, i - 1]) / 2 for i in range(3))]
    )
    cells = SIDE_PX // _STEP_PX
    column = np.floor(samples[:, 0] / _STEP_PX).astype(np.int64)
    row = np.floor(samples[:, 1] / _STEP_PX).astype(np.int64)
    held = (column >= 0) & (column < cells) & (row >= 0) & (row < cells)
    front = np.full((cells, cells), -np.inf)
    np.maximum.at(front, (row[held], column[held]), samples[held, 2])
    closed = np.asarray(ndimage.grey_closing(front, (3, 3)))
    closed = np.where(np.isfinite(closed), closed, np.nan)
    return np.repeat(np.repeat(closed, _STEP_PX, axis=0), _STEP_PX, axis=1)
