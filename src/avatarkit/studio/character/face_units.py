"""The ARKit shapes as a face makes them: the base mesh's face units, corrected where they fall short.

The units were made one by one on another head. Here they are evened out (so that no crease ends in the middle of a
cheek), made strong enough to be read from afar, and agreed with each other, so that plain weighted sums, which is
all that glTF knows, stay whole. What sums cannot do is in :mod:`avatarkit.avatars.pairs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
from scipy import sparse

from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.source import Points, Quads

if TYPE_CHECKING:
    from avatarkit.studio.character.person import Eye

Shapes = dict[str, Points]

_SIDES: Final = (("Left", 1.0), ("Right", -1.0))
_EVENED: Final = {
    "mouthSmile": 10, "mouthDimple": 6, "mouthStretch": 6, "mouthFrown": 6, "cheekPuff": 6, "cheekSquint": 6,
    "noseSneer": 3, "mouthUpperUp": 3,
}  # fmt: skip
"""Rounds of smoothing that a shape gets away from lips and lids."""


class FaceUnits:
    """Corrects the shapes of one base mesh.

    Args:
        points: The face at rest, metres, (n, 3), origin between the eyes.
        quads: All faces, (m, 4).
        shapes: The 52 shapes, deltas (n, 3) in metres; not changed.
        eyes: The eyeballs.
    """

    def __init__(self, points: Points, quads: Quads, shapes: Shapes, eyes: tuple[Eye, ...]) -> None:
        self._points = points
        self._shapes = shapes
        self._mean = _neighbours(quads, len(points))
        rolled = np.linalg.norm(shapes["mouthRollLower"], axis=1) + np.linalg.norm(shapes["mouthRollUpper"], axis=1)
        self._lips: Scalars = smooth(0.0005, 0.004, rolled)
        distance = np.min([np.linalg.norm(points - eye.centre, axis=1) / eye.radius for eye in eyes], axis=0)
        self._lids: Scalars = smooth(1.6, 1.2, distance)

    def corrected(self) -> Shapes:
        """All shapes, corrected."""
        out = {name: self._evened(name) for name in self._shapes}
        self._mouth(out)
        self._gaze(out)
        self._brows(out)
        return out

    def _evened(self, name: str) -> Points:
        deltas = self._shapes[name]
        rounds = _EVENED.get(name.removesuffix("Left").removesuffix("Right"), 0)
        loose = (1.0 - np.maximum(self._lips, self._lids))[:, None]
        for _ in range(rounds):
            deltas = deltas + 0.7 * loose * (self._mean @ deltas - deltas)
        return np.asarray(deltas)

    def _mouth(self, out: Shapes) -> None:
        pucker, funnel = self._shapes["mouthPucker"], self._shapes["mouthFunnel"]
        # Round, not a diamond: the corners come in as far as the lips go up and down.
        out["mouthFunnel"] = 0.85 * funnel + 0.55 * pucker
        out["mouthPucker"] = 1.35 * pucker
        # Nobody puts the tongue out through shut lips.
        ajar = 0.32 * self._shapes["jawOpen"]
        out["tongueOut"] = self._shapes["tongueOut"] + ajar
        for side, _ in _SIDES:
            lift = out[f"mouthUpperUp{side}"]
            out[f"noseSneer{side}"] = 1.55 * out[f"noseSneer{side}"] + 0.35 * lift
            out[f"mouthUpperUp{side}"] = 0.82 * lift
        out["cheekPuff"] = 1.2 * out["cheekPuff"]

    def _gaze(self, out: Shapes) -> None:
        for side, _ in _SIDES:
            wide, blink = self._shapes[f"eyeWide{side}"], self._shapes[f"eyeBlink{side}"]
            upper = self._upper_lid(side)[:, None]
            # The upper lid follows the iris, so that as much of it shows above as straight ahead.
            out[f"eyeLookUp{side}"] = self._shapes[f"eyeLookUp{side}"] + 0.50 * upper * wide
            out[f"eyeLookDown{side}"] = self._shapes[f"eyeLookDown{side}"] + 0.05 * upper * blink

    def _upper_lid(self, side: str) -> Scalars:
        """1 on what a blink brings down."""
        fall = self._shapes[f"eyeBlink{side}"][:, 1]
        return np.asarray(smooth(-0.0005, -0.002, fall))

    def _brows(self, out: Shapes) -> None:
        for side, sign in _SIDES:
            across = sign * self._points[:, 0]
            inner = np.exp(-(((across - 0.019) / 0.009) ** 2))
            height = np.exp(-(((self._points[:, 1] - 0.027) / 0.009) ** 2))
            front = smooth(0.0, 0.012, self._points[:, 2])
            pull = (inner * height * front)[:, None]
            down = out[f"browDown{side}"]
            out[f"browDown{side}"] = 1.05 * down + pull * np.array([-sign * 0.0020, -0.0042, 0.0010])
        across = np.abs(self._points[:, 0])
        out["browInnerUp"] = out["browInnerUp"] * (1.0 + 0.45 * smooth(0.035, 0.012, across))[:, None]


def _neighbours(quads: npt.NDArray[np.int64], count: int) -> Any:
    """A matrix whose product with per-vertex values is the mean over each vertex's edge neighbours."""
    sides = np.concatenate([np.stack([quads[:, i], quads[:, (i + 1) % 4]], axis=1) for i in range(4)])
    sides = sides[sides[:, 0] != sides[:, 1]]
    rows, columns = np.concatenate([sides, sides[:, ::-1]]).T
    touching = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count))
    touching.data[:] = 1.0
    total = np.asarray(touching.sum(axis=1)).ravel()
    return sparse.diags(1.0 / np.maximum(total, 1.0)) @ touching
