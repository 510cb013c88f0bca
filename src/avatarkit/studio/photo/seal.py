"""Lips of a fitted head brought to meet at rest."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

from avatarkit.studio.character.parts import smooth
from avatarkit.studio.character.skin import Body
from avatarkit.studio.character.source import Points

_LIPS_M: Final = 0.055
"""Lips lie within this distance of their middle."""
_LIP_REACH_M: Final = 0.005
"""How far around its edge a lip moves along when it is brought to meet the other."""
_SAME_M: Final = 0.0008


def lip_seam(body: Body) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Vertices where skin and the mouth's lining meet, and which of them are of the lower lip: the jaw's."""
    _, inverse = np.unique(np.round(body.points, 7), axis=0, return_inverse=True)
    place = inverse.ravel()
    touched = [np.zeros(place.max() + 1, bool) for _ in range(2)]
    touched[0][place[body.triangles[body.lining]]] = True
    touched[1][place[body.triangles[~body.lining]]] = True
    seam = np.flatnonzero((touched[0] & touched[1])[place])
    moved = np.linalg.norm(body.shapes["jawOpen"][seam], axis=1)
    return seam, moved > 0.5 * moved.max()


def sealed(body: Body) -> Points:
    """The points of a body at rest with its lips meeting, where they are apart or one lies over the other."""
    seam, lower = lip_seam(body)
    curves = []
    for own in (seam[~lower], seam[lower]):
        ordered = own[np.argsort(body.points[own, 0])]
        curves.append(np.interp(body.points[seam, 0], body.points[ordered, 0], body.points[ordered, 1]))
    shift = (curves[0] + curves[1]) / 2 - body.points[seam, 1]
    # At the very corners the two curves end, and there is nothing to close.
    ends = body.points[seam, 0]
    shift *= smooth(0.0, 0.002, ends - ends.min()) * smooth(0.0, 0.002, ends.max() - ends)
    out = body.points.copy()
    near = np.flatnonzero(np.linalg.norm(out - out[seam].mean(axis=0), axis=1) < _LIPS_M)
    away = cdist(out[near], body.points[seam])
    pull = np.exp(-(((away - away.min(axis=1, keepdims=True)) / _SAME_M) ** 2))
    moved = (pull @ shift) / pull.sum(axis=1)
    out[near, 1] += moved * np.exp(-((away.min(axis=1) / _LIP_REACH_M) ** 2))
    return out
