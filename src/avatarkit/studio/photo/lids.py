"""Lids: which of their skin an open eye hides, and where the lashes grow."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy import ndimage

from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.photo import indices, regions
from avatarkit.studio.photo.framing import Field
from avatarkit.studio.photo.head import Head
from avatarkit.studio.photo.landmark_map import from_line, map_landmarks
from avatarkit.studio.photo.landmarks import Landmarks

_CREASE: Final = (0.10, 0.26)
"""Shares of the blink's largest movement: above the crease skin stays where it is."""
_LASHES_M: Final = (0.0004, 0.0014)
"""Distances from the lid's edge, when it is shut: the lashes' line, and where the lid's own skin begins."""
_LASH_REACH: Final = 0.16
"""Lashes and their shadow darken the skin this far around an open eye, in widths of the eye."""


def lids(head: Head) -> tuple[Scalars, Scalars]:
    """For each vertex of the body, 0..1: where skin lies folded under an open lid, of which the photo shows a thin,
    dark line at most; and where the upper lashes grow.
    """
    mapped = map_landmarks(head.body)
    folded, lashes = np.zeros(len(head.pictured)), np.zeros(len(head.pictured))
    for row, side in ((1, "Left"), (0, "Right")):
        blink = head.body.shapes[f"eyeBlink{side}"]
        moved = np.linalg.norm(blink, axis=1)
        share = moved / moved.max()
        shut = head.body.points + blink
        outer, inner = indices.LID_CORNERS[row]
        away = from_line(shut, mapped(shut)[[outer, *indices.UPPER_LIDS[row], inner]])
        upper = smooth(0.04, 0.25, share) * (blink[:, 1] < 0.0)  # the lower lid moves up
        folded = np.maximum(folded, smooth(*_CREASE, share) * smooth(*_LASHES_M, away))
        lashes = np.maximum(lashes, smooth(_LASHES_M[1], _LASHES_M[0], away) * upper)
    return folded, lashes


def plain_skin(skin: Field, marks: Landmarks) -> Field:
    """Where the portrait shows skin like that of a lid, 0..1: of ``skin`` what is no brow and not within the lashes'
    reach of an eye.
    """
    width = np.mean([np.linalg.norm(marks[a, :2] - marks[b, :2]) for a, b in indices.LID_CORNERS])
    eyes = ndimage.distance_transform_edt(~regions.eye_openings(marks)) < _LASH_REACH * width
    return np.where(eyes | regions.brows(marks), 0.0, skin)
