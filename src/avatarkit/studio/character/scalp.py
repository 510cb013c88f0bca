"""The ground that hair grows on: the bare skull as a smooth form, the hairline, and roots spread over the scalp."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.source import Points

CENTRE: Final = np.array([0.0, 0.012, -0.066])
"""Middle of the skull, metres."""
_DEGREE: Final = 5
_TOP_Y: Final = 0.109
_TURN: Final = (0.0, 18.0, 32.0, 44.0, 56.0, 66.0, 74.0, 80.0, 92.0, 106.0, 116.0, 130.0, 150.0, 180.0)
_HEIGHT: Final = (
    0.0615, 0.0615, 0.0600, 0.0520, 0.0360, 0.0080, -0.0080, 0.0050, 0.0150, 0.0100, -0.0120, -0.0380, -0.0590,
    -0.0640,
)  # fmt: skip
"""The hairline of a head whose skull is ``_TOP_Y`` high: turn from the front in degrees, and height in metres.

Forehead, temple, in front of the ear, over and behind it, nape."""

SIDES_DEGREES: Final = (48.0, 66.0)
"""Turns from the front between which the forehead goes over into the side of the head."""


def turn(points: Points) -> Scalars:
    """Degrees 0..180 that places (n, 3) are turned from the front, seen from above."""
    return np.asarray(np.degrees(np.arctan2(np.abs(points[:, 0] - CENTRE[0]), points[:, 2] - CENTRE[2])))


class Scalp:
    """A head without its hair."""

    def __init__(self, points: Points, recede_m: float = 0.0) -> None:
        """``points`` (n, 3) of the skin; ears and face are left out of the fit. ``recede_m`` lifts the hairline."""
        x, y, z = points.T
        top = (y > 0.028) & ~((z > -0.005) & (y < 0.045))
        back = (z < -0.115) & (y > -0.035)
        temple = (y > 0.010) & (np.abs(x) < 0.0735) & (z < -0.005)
        own = points[top | back | temple] - CENTRE
        radius = np.linalg.norm(own, axis=1)
        self._weights, *_ = np.linalg.lstsq(_basis(own / radius[:, None]), radius, rcond=None)
        self._recede = recede_m
        self._scale = float(y.max()) / _TOP_Y
        face = points[(z > -0.040) & (y > -0.020) & (y < 0.095)] - CENTRE
        self._face_radius = np.linalg.norm(face, axis=1)
        self._face = cKDTree(face / self._face_radius[:, None])

    def radius(self, directions: Points) -> Scalars:
        """Metres from the centre to the scalp along unit directions (n, 3)."""
        return np.asarray(np.clip(_basis(directions) @ self._weights, 0.06, 0.13))

    def height(self, points: Points) -> Scalars:
        """Metres that places (n, 3) lie above the scalp along the line from the centre; negative inside."""
        own = points - CENTRE
        length = np.linalg.norm(own, axis=1)
        return np.asarray(length - self.radius(own / length[:, None]))

    def level(self, points: Points) -> Scalars:
        """Metres that places on the head (n, 3) lie within the hairline; negative outside."""
        angle = turn(points)
        corner = self._recede * np.exp(-(((angle - 40.0) / 16.0) ** 2)) + 0.4 * self._recede * (angle < 60.0)
        return np.asarray(points[:, 1] - self._scale * np.interp(angle, _TURN, _HEIGHT) - corner)

    def on(self, directions: Points, rise_m: Scalars | float = 0.0) -> Points:
        """Places on the scalp, or above it, along unit directions (n, 3)."""
        return np.asarray(CENTRE + directions * (self.radius(directions) + rise_m)[:, None])

    def roots(self, count: int, rng: np.random.Generator, *, inset_m: float = 0.002) -> Points:
        """About ``count`` places spread evenly over the scalp, ragged at the hairline."""
        out = np.zeros((0, 3))
        spread = 4 * count
        while len(out) < count:
            i = np.arange(spread) + rng.random(spread)
            y = 1.0 - 1.75 * i / spread
            ring, angle = np.sqrt(np.maximum(1.0 - y * y, 0.0)), np.pi * (1.0 + 5.0**0.5) * np.arange(spread)
            points = self.on(np.stack([ring * np.cos(angle), y, ring * np.sin(angle)], axis=1))
            out = points[self.level(points) > inset_m + 0.003 * rng.random(spread)]
            spread = int(spread * max(1.05, 1.02 * count / max(len(out), 1)))
        return out[np.sort(rng.choice(len(out), count, replace=False))]

    def hug(self, points: Points, rise_m: Scalars, hold: Scalars | float = 0.0) -> Points:
        """Places (n, 3) moved to clear the scalp by ``rise_m``, and with ``hold`` 1 to rise no higher."""
        own = points - CENTRE
        length = np.linalg.norm(own, axis=1)
        least = self.radius(own / length[:, None]) + rise_m
        wanted = np.maximum(length, least)
        wanted = wanted + hold * np.minimum(least - wanted, 0.0)
        return np.asarray(CENTRE + own * (wanted / length)[:, None])

    def clear_face(self, points: Points, rise_m: float) -> Points:
        """Places (n, 3) moved out of forehead and temples, which lie outside the skull's smooth form."""
        own = points - CENTRE
        length = np.linalg.norm(own, axis=1)
        distances, neighbours = self._face.query(own / length[:, None], k=4)
        angle, which = np.asarray(distances), np.asarray(neighbours)
        share = 1.0 / (angle + 1e-4)
        skin = (self._face_radius[which] * share).sum(axis=1) / share.sum(axis=1)
        # Far from any of the face's vertices the skull's form holds.
        near = smooth(0.10, 0.04, angle[:, 0])
        wanted = np.maximum(length, np.where(near > 0.0, (skin + rise_m) * near + length * (1.0 - near), 0.0))
        return np.asarray(CENTRE + own * (wanted / length)[:, None])

    def cover(self, points: Points) -> Scalars:
        """How much of each place on the head (n, 3) is tinted by roots, 0..1, easing out at the hairline."""
        return smooth(-0.002, 0.008, self.level(points))


def _basis(directions: Points) -> Points:
    x, y, z = directions.T
    columns = [
        x**i * y**j * z**k
        for i in range(0, _DEGREE + 1, 2)  # the skull is symmetric
        for j in range(_DEGREE + 1 - i)
        for k in range(_DEGREE + 1 - i - j)
    ]
    return np.stack(columns, axis=1)
