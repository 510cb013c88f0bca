"""A renderer and a surface that write down what was drawn, and when it was handed over."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import Bundle
from avatarkit.frames import Pose
from avatarkit.render import open_renderer
from avatarkit.render.contract import Image
from avatarkit.types import Camera
from bench.playback.server import JAW, TONGUE


class Shown(NamedTuple):
    """A frame that was handed to the surface."""

    at_s: float
    tongue: float
    jaw: float


class MarkingRenderer:
    """The real renderer; it writes two weights of the pose into the first pixels, where the surface reads them."""

    def __init__(self) -> None:
        self._renderer = open_renderer("cpu")

    def load(self, bundle: Bundle) -> None:
        self._renderer.load(bundle)

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> Image:
        image = np.ascontiguousarray(self._renderer.draw(pose, camera, size)).copy()
        image[0, :2] = np.array([pose.weights[TONGUE], pose.weights[JAW]], np.float32).view(np.uint8).reshape(2, 4)
        return image

    def close(self) -> None:
        self._renderer.close()


class RememberingSurface:
    """Keeps the marks of what it was shown."""

    frame_rate = 25.0

    def __init__(self, side: int) -> None:
        self.size = (side, side)
        self.shown: list[Shown] = []

    def present(self, image: Image, time_s: float) -> None:
        del time_s
        tongue, jaw = image[0, :2].copy().view(np.float32).ravel()
        self.shown.append(Shown(time.monotonic(), float(tongue), float(jaw)))

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        pass

    def close(self) -> None:
        pass
