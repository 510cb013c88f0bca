"""Where the face's own mesh ends: a smooth line around the face, and some way under the jaw."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.photo import regions
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.view import DISTANCE_M

_BEYOND_PX: Final = 5.0
_STILL_MM: Final = 11.0
"""What lies further from the border follows the shapes wholly."""
_BACK_M: Final = -0.055
"""What lies further back than this is never part of the face."""
_THROAT_M: Final = 0.030
"""How far below the chin the mesh goes on."""


def face_level(head: Head, landmarks: Landmarks) -> Scalars:
    """One number for each vertex of the body, positive where the face's mesh goes: about millimetres to its end."""
    pixels = head.fit.view.project(head.pictured)
    mask = regions.face(landmarks)
    signed = ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask)
    place = [pixels[:, 1] - 0.5, pixels[:, 0] - 0.5]
    metre = head.fit.view.focal_px / DISTANCE_M
    line = (ndimage.map_coordinates(signed, place, order=1, mode="nearest") + _BEYOND_PX) / metre * 1e3
    normals = np.asarray(vertex_normals(head.pictured, head.body.triangles), np.float64)
    chin = float(head.pictured[:, 1][_chin(head)].min())
    under = np.minimum(
        (head.pictured[:, 1] - (chin - _THROAT_M)) * 1e3, np.minimum(8.0, (chin + 0.05 - head.pictured[:, 1]) * 1e3)
    )
    under = np.minimum(under, (0.052 - np.abs(head.pictured[:, 0])) * 1e3)
    level = np.maximum(line, under)
    level = np.minimum(level, (head.pictured[:, 2] - _BACK_M) * 1e3)
    return np.asarray(np.minimum(level, (normals[:, 2] + 0.75) * 40.0))


def held_still(head: Head, level: Scalars) -> Scalars:
    """How far each vertex follows the shapes, 0..1: less and less towards the border of the face, except under the
    chin, which moves against the neck.
    """
    side = smooth(0.034, 0.050, np.abs(head.pictured[:, 0]))
    above = smooth(-0.02, 0.01, head.pictured[:, 1])
    return np.asarray(1.0 - np.maximum(side, above) * (1.0 - smooth(0.5, _STILL_MM, level)))


def _chin(head: Head) -> npt.NDArray[np.bool_]:
    """Vertices near the middle of the chin."""
    points = head.pictured
    return np.asarray((np.abs(points[:, 0]) < 0.01) & (points[:, 2] > 0.03) & (points[:, 1] > -0.125))
