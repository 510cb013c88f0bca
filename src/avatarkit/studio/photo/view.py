"""The camera that took the portrait: pixels of the frame from points of the head, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.source import Points
from avatarkit.studio.photo.framing import SIDE_PX

DISTANCE_M: Final = 1.4
"""Assumed distance from the camera to the head: a portrait's usual one. It cannot be seen in one picture."""


@dataclass(frozen=True, slots=True)
class View:
    """A pinhole camera on +Z looking along -Z at a turned and moved head."""

    rotation: npt.NDArray[np.float64]
    """float64 (3, 3): from the head's axes to the camera's; +Y up in both."""
    offset: npt.NDArray[np.float64]
    """float64 (3,): where the head's origin lies, metres, z being 0 at ``DISTANCE_M``."""
    focal_px: float

    def to_camera(self, points: Points) -> Points:
        """Head space to camera space, both metres with the camera at z = ``DISTANCE_M``."""
        return np.asarray(points @ self.rotation.T + self.offset)

    def from_camera(self, points: Points) -> Points:
        """Camera space back to head space."""
        return np.asarray((points - self.offset) @ self.rotation)

    def project(self, points: Points) -> npt.NDArray[np.float64]:
        """Pixels of the frame (n, 2), right and down, from head space (n, 3)."""
        seen = self.to_camera(points)
        away = np.maximum(DISTANCE_M - seen[:, 2:3], 0.05)
        return np.asarray(SIDE_PX / 2 + self.focal_px * seen[:, :2] / away * np.array([1.0, -1.0]))

    def lift(self, pixels: npt.NDArray[np.float64], depth_m: npt.NDArray[np.float64]) -> Points:
        """Head space points (n, 3) from pixels (n, 2) and their camera-space z (n,)."""
        away = (DISTANCE_M - depth_m)[:, None]
        xy = (pixels - SIDE_PX / 2) * np.array([1.0, -1.0]) * away / self.focal_px
        return self.from_camera(np.column_stack([xy, depth_m]))
