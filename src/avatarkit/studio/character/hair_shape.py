"""The form of a bob: how its strands run from a side parting over the skull and down to the hem.

A strand is named by its side and by ``sweep``: 0 frames the face, 1 hangs down the middle of the back. All strands
of one form are a smooth family, so that hair lies in order.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.source import Points

CENTRE: Final = np.array([0.0, 0.012, -0.066])
"""Middle of the skull, metres."""
_ANCHOR_Y_M: Final = 0.004
"""Where hair leaves the skull and hangs."""
_DEGREE: Final = 5


class Skull:
    """The bare skull as a smooth radius over directions from :data:`CENTRE`."""

    def __init__(self, points: Points) -> None:
        """``points`` (n, 3) of the skin; ears and face are left out of the fit."""
        x, y, z = points.T
        scalp = (y > 0.028) & ~((z > -0.005) & (y < 0.045))
        back = (z < -0.115) & (y > -0.035)
        temple = (y > 0.010) & (np.abs(x) < 0.0735) & (z < -0.005)
        own = points[scalp | back | temple] - CENTRE
        radius = np.linalg.norm(own, axis=1)
        self._weights, *_ = np.linalg.lstsq(_basis(own / radius[:, None]), radius, rcond=None)

    def radius(self, directions: Points) -> Scalars:
        """Metres from the centre to the scalp along unit directions (n, 3)."""
        return np.asarray(np.clip(_basis(directions) @ self._weights, 0.06, 0.13))


def _basis(directions: Points) -> Points:
    x, y, z = directions.T
    columns = [
        x**i * y**j * z**k
        for i in range(0, _DEGREE + 1, 2)  # the skull is symmetric
        for j in range(_DEGREE + 1 - i)
        for k in range(_DEGREE + 1 - i - j)
    ]
    return np.stack(columns, axis=1)


class Bob:
    """A chin-length bob with a parting on the avatar's left."""

    def __init__(self, skull: Skull) -> None:
        self._skull = skull

    def curve(self, side: float, sweep: float, depth_m: float, lift: float, steps: int) -> Points:
        """One strand from root to tip, (steps, 3) metres.

        ``side`` +1 or -1; ``depth_m`` is how far it lies under the outermost layer; ``lift`` scales the volume.
        """
        count = 28
        start, end = self._parting(side, sweep), self._anchor_direction(side, sweep)
        t = np.linspace(0.0, 1.0, count)
        directions = _arc(start, end, t)
        rise = 0.0035 + 0.0135 * smooth(0.0, 0.42, t) * lift
        over = (
            CENTRE + directions * (self._skull.radius(directions) + rise - np.minimum(depth_m, rise - 0.001))[:, None]
        )
        down = self._fall(side, sweep, depth_m)
        # Ease from the skull into the outline that hangs over the ears.
        blend = smooth(0.45, 1.0, t)[:, None]
        outline = np.column_stack([down[0, 0] + 0 * t, over[:, 1], down[0, 2] + 0 * t])
        outward = np.hypot(over[:, 0], over[:, 2] - CENTRE[2])[:, None]
        wanted = np.hypot(outline[:, 0], outline[:, 2] - CENTRE[2])[:, None]
        scale = 1.0 + blend * (np.maximum(wanted / np.maximum(outward, 1e-6), 1.0) - 1.0)
        over[:, [0]] *= scale
        over[:, [2]] = CENTRE[2] + (over[:, [2]] - CENTRE[2]) * scale
        line = np.concatenate([over[:-2], down])
        return _resample(_soften(line), steps)

    def cover(self, points: Points) -> Scalars:
        """How much of each place on the head (n, 3) lies under hair, 0..1, easing out at the hairline."""
        own = points - CENTRE
        x, y, z = own.T
        # The hairline runs from the forehead past the temples and down behind the ears to the nape.
        height = 0.064 - 0.055 * smooth(0.035, 0.075, np.abs(x)) - 0.075 * smooth(0.035, -0.035, z)
        return smooth(0.0, 0.012, y - height) * smooth(0.068, 0.060, z)

    def hides(self, points: Points) -> npt.NDArray[np.bool_]:
        """Which places can never be seen for hair: ears, and the scalp away from the hairline and the parting."""
        x, y, z = points.T
        scalp = (self.cover(points) > 0.999) & (y > 0.02) & (z < 0.035)
        parting = (np.abs(x - 0.012) < 0.030) & (y > 0.075)
        face_edge = (z > -0.045) & (y < 0.075)
        ears = (np.abs(x) > 0.0735) & (y > -0.052) & (y < 0.035) & (z < -0.040)
        return np.asarray((scalp & ~parting & ~face_edge) | ears)

    def _parting(self, side: float, sweep: float) -> Points:
        """Direction from the centre to where a strand leaves the parting."""
        s = float(np.clip(sweep / 0.62, 0.0, 1.0))
        angle = np.radians(48.0 + 62.0 * s)  # from the front hairline over the top to the crown
        across = 0.30 * (1.0 - 0.75 * s) + side * 0.006
        along = np.sqrt(1.0 - across**2)
        return np.array([across, along * np.sin(angle), along * np.cos(angle)])

    def _azimuth(self, sweep: float) -> float:
        return float(np.radians(53.0 + 128.0 * np.clip(sweep, -0.15, 1.03)))

    def _anchor_direction(self, side: float, sweep: float) -> Points:
        azimuth = self._azimuth(sweep)
        out = np.array([side * np.sin(azimuth), (_ANCHOR_Y_M - CENTRE[1]) / 0.085, np.cos(azimuth)])
        return np.asarray(out / np.linalg.norm(out))

    def _fall(self, side: float, sweep: float, depth_m: float) -> Points:
        azimuth = self._azimuth(sweep)
        behind = smooth(0.35, 1.0, sweep)
        hem = -0.124 + 0.026 * behind
        t = np.linspace(0.0, 1.0, 14)
        y = _ANCHOR_Y_M - 0.012 + (hem - _ANCHOR_Y_M + 0.012) * t
        # A shallow belly, then the tips turn in.
        swell = 1.0 + 0.038 * np.sin(np.pi * np.clip(t * 1.15, 0.0, 1.0)) - (0.09 + 0.20 * behind) * t**2.0
        width, back = 0.0925 - depth_m, 0.108 - depth_m
        x = side * np.sin(azimuth) * width * swell
        z = CENTRE[2] + np.cos(azimuth) * np.where(np.cos(azimuth) < 0.0, back, 0.086) * swell
        return np.stack([x, y, z], axis=1)


def _arc(start: Points, end: Points, t: Scalars) -> Points:
    """Great circle from one unit direction to another."""
    angle = float(np.arccos(np.clip(start @ end, -1.0, 1.0)))
    return np.asarray((np.sin((1.0 - t) * angle)[:, None] * start + np.sin(t * angle)[:, None] * end) / np.sin(angle))


def _soften(line: Points) -> Points:
    out = line.copy()
    for _ in range(10):
        out[1:-1] = 0.5 * out[1:-1] + 0.25 * (out[:-2] + out[2:])
    return out


def _resample(line: Points, steps: int) -> Points:
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0.0, length[-1], steps)
    return np.stack([np.interp(at, length, line[:, axis]) for axis in range(3)], axis=1)
