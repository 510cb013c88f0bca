"""Fitting the head to the face: where it is turned to, which expression it wears, and its own form.

Pose and expression are found by turns: the best similarity transform for the current expression, then the
expression that explains what is left (bounded least squares with a preference for small weights). What then still
differs is the person: a smooth warp of the whole head carries each landmark to its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import lsq_linear
from scipy.spatial.distance import cdist

from avatarkit.studio.character.skin import Body
from avatarkit.studio.character.source import Points
from avatarkit.studio.photo import indices
from avatarkit.studio.photo.framing import SIDE_PX
from avatarkit.studio.photo.landmark_map import FACE_POINTS, LandmarkMap
from avatarkit.studio.photo.landmarks import Landmarks
from avatarkit.studio.photo.view import DISTANCE_M, View

EXPRESSION: Final = (
    "jawOpen", "mouthClose", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthPucker", "mouthFunnel", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthStretchLeft", "mouthStretchRight", "browInnerUp", "browOuterUpLeft",
    "browOuterUpRight", "cheekSquintLeft", "cheekSquintRight",
)  # fmt: skip
"""Shapes that a face in a photo may wear. Lids and lowered brows are left out: they are how a person looks."""
_ROUNDS: Final = 6
_SMALL: Final = 0.0022
"""Metres of misfit that a full weight is worth: what a face looks like at rest is not taken for an expression."""
_EVEN_M: Final = 0.016
"""Differences in depth are averaged over this distance."""
_SLACK_M: Final = 1e-4
"""How strongly the warp prefers to be smooth over meeting each landmark exactly."""
_AT_ONCE: Final = 4096
_DEPTH_TRUST: Final = 0.75
"""How much of the differences in depth from the average head is believed."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A face explained."""

    view: View
    expression: dict[str, float]
    """Weights 0..1 of the shapes that the face wears."""
    warp: Warp
    misfit_px: float
    """Root mean square distance of the posed average head's landmarks from those of the photo, before the warp."""


class Warp:
    """A smooth map of space that carries the average head to this person's."""

    def __init__(self, sources: Points, targets: Points) -> None:
        """Carry ``sources`` (n, 3) to ``targets``, metres; elsewhere as smoothly as can be (biharmonic spline)."""
        # Far from the face nothing is known: the back of the head, neck and shoulders keep their form.
        anchors = _anchors()
        self._centres = np.concatenate([sources, anchors])
        moved = np.concatenate([targets - sources, np.zeros_like(anchors)])
        # The kernel -r is conditionally positive definite: with a constant beside it the system has one solution.
        count = len(self._centres)
        system = np.zeros((count + 1, count + 1))
        system[:count, :count] = -cdist(self._centres, self._centres) + _SLACK_M * np.eye(count)
        system[:count, count] = system[count, :count] = 1.0
        self._pull = np.linalg.solve(system, np.concatenate([moved, np.zeros((1, 3))]))

    def __call__(self, points: Points) -> Points:
        """Where points (n, 3) go, metres."""
        out = np.empty_like(points)
        for start in range(0, len(points), _AT_ONCE):
            some = points[start : start + _AT_ONCE]
            out[start : start + _AT_ONCE] = some - cdist(some, self._centres) @ self._pull[:-1] + self._pull[-1]
        return out


def fit(landmarks: Landmarks, body: Body, mapped: LandmarkMap) -> Fit:
    """Explain landmarks in pixels of the frame by the average head ``body`` (metres, facing +Z)."""
    rest = mapped(body.points)
    shapes: dict[str, Points] = {name: mapped(body.shapes[name]) for name in EXPRESSION if name in body.shapes}
    weights: dict[str, float] = dict.fromkeys(shapes, 0.0)
    focal = SIDE_PX / _frame_metres(landmarks, rest) * DISTANCE_M
    seen = _metres(landmarks[:FACE_POINTS], focal)
    trust = _trust()
    view = View(np.eye(3), np.zeros(3), focal)
    scale = 1.0
    for _ in range(_ROUNDS):
        worn = rest + sum(weight * shapes[name] for name, weight in weights.items())
        rotation, offset, scale = _similarity(np.asarray(worn), seen, trust)
        back = ((seen - offset) @ rotation) / scale
        weights = _express(rest, shapes, back, trust)
    # The head keeps its own size: the camera's focal length takes up the rest.
    worn = np.asarray(rest + sum(weight * shapes[name] for name, weight in weights.items()))
    view = _view(rotation, offset, scale, focal)
    shown = view.project(worn)
    misfit = float(np.sqrt(((shown - landmarks[:FACE_POINTS, :2]) ** 2).sum(axis=1).mean()))
    average = view.to_camera(worn)[:, 2]
    deeper = _evened(worn, view.to_camera(back)[:, 2] - average) * _DEPTH_TRUST
    depth = average + deeper
    targets = view.lift(landmarks[:FACE_POINTS, :2], depth)
    return Fit(view, {k: w for k, w in weights.items() if w > 0.01}, Warp(worn, targets), misfit)


def _evened(points: Points, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values averaged over their neighbourhood: the landmarks know the face's large forms in depth, while lids, lips
    and nostrils are rounder on the average head than in them.
    """
    share = np.exp(-((cdist(points, points) / _EVEN_M) ** 2))
    return np.asarray(share @ values / share.sum(axis=1))


def _frame_metres(landmarks: Landmarks, rest: Points) -> float:
    """How many metres the frame spans at the head, were it of the average head's size."""
    own = np.linalg.norm(landmarks[indices.CHIN, :2] - landmarks[indices.FOREHEAD, :2])
    return float(SIDE_PX * np.linalg.norm(rest[indices.CHIN] - rest[indices.FOREHEAD]) / own)


def _metres(landmarks: Landmarks, focal_px: float) -> Points:
    """Landmarks in camera space, perspective undone."""
    step = DISTANCE_M / focal_px
    z = -(landmarks[:, 2] - landmarks[:, 2].mean()) * step
    away = DISTANCE_M - z
    xy = (landmarks[:, :2] - SIDE_PX / 2) * np.array([1.0, -1.0]) / focal_px
    return np.column_stack([xy * away[:, None], z])


def _trust() -> npt.NDArray[np.float64]:
    """Weight of each landmark: the outline slides with the view, so it counts for less."""
    trust = np.ones(FACE_POINTS)
    trust[list(indices.OVAL)] = 0.25
    return trust


def _similarity(
    sources: Points, targets: Points, trust: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], float]:
    """Rotation, offset and scale that carry sources to targets best (Umeyama 1991)."""
    share = trust / trust.sum()
    a, b = share @ sources, share @ targets
    covariance = ((targets - b) * share[:, None]).T @ (sources - a)
    u, s, vt = np.linalg.svd(covariance)
    sign = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    rotation = u @ sign @ vt
    scale = float((s * np.diag(sign)).sum() / (share @ ((sources - a) ** 2).sum(axis=1)))
    return rotation, b - scale * rotation @ a, scale


def _express(
    rest: Points, shapes: dict[str, Points], seen: Points, trust: npt.NDArray[np.float64]
) -> dict[str, float]:
    """Weights of the shapes that explain how ``seen`` differs from ``rest``, both in head space."""
    names = list(shapes)
    pull = np.sqrt(trust)[:, None] * np.array([1.0, 1.0, 0.25])
    columns = np.stack([(shapes[name] * pull).ravel() for name in names], axis=1)
    wanted = ((seen - rest) * pull).ravel()
    calm = np.eye(len(names)) * _SMALL * np.sqrt(len(rest) / 12.0)
    found = lsq_linear(np.concatenate([columns, calm]), np.concatenate([wanted, np.zeros(len(names))]), (0.0, 1.0))
    return {name: float(weight) for name, weight in zip(names, found.x, strict=True)}


def _view(rotation: npt.NDArray[np.float64], offset: npt.NDArray[np.float64], scale: float, focal_px: float) -> View:
    """The same picture of a head that is not scaled: nearer or farther by the scale."""
    # x / (D - z) with x = s X + t equals X' / (D - z') times the focal length's factor when depth is small
    # against D; the head's own size stays and the focal length grows by the scale.
    return View(rotation, offset / scale, focal_px * scale)


def _anchors() -> Points:
    """Points around the back of the head, the neck and the shoulders, metres from between the eyes."""
    turn = np.radians(np.arange(0.0, 360.0, 30.0))
    rings = [
        np.stack([0.12 * np.sin(turn), np.full_like(turn, y), -0.10 + 0.13 * np.cos(turn)], axis=1)
        for y in (0.16, 0.10, 0.02, -0.06)
    ]
    back = np.concatenate(rings)
    back = back[back[:, 2] < -0.06]
    low = np.concatenate(
        [np.stack([r * np.sin(turn), np.full_like(turn, y), -0.06 + r * np.cos(turn)], axis=1)
         for r, y in ((0.075, -0.19), (0.16, -0.26))]
    )  # fmt: skip
    return np.concatenate([back, low])
