"""What a renderer and a surface must do. These stubs are the specification; implementations copy the shape."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Bundle
from avatarkit.frames import Pose
from avatarkit.types import Camera

Image = npt.NDArray[np.uint8]
"""uint8 (height, width, 4): sRGB with straight alpha, top row first."""


class Renderer(Protocol):
    """Draws one avatar. Not thread safe; make one for each view."""

    def load(self, bundle: Bundle) -> None:
        """Take a bundle; may be called again with another one. Raises ``ValueError`` for an empty bundle."""
        ...

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> Image:
        """Draw the avatar over transparency at ``size`` (width, height) pixels.

        The same pose, camera and size give the same pixels. The returned array is the caller's.
        Raises ``RuntimeError`` before :meth:`load`.
        """
        ...

    def close(self) -> None:
        """Release everything. Idempotent."""
        ...


class Surface(Protocol):
    """Where frames go: a window, memory, a file. ``present`` and ``present_audio`` share one time line.

    A surface whose attribute ``places_by_time`` is true (it need not have one) shows each frame at its time, however
    late it comes, as a file does. Elsewhere a late frame would show what was heard a while ago, and is dropped.
    """

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels; with 0 there is no area, and nothing is drawn until there is."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames a second that the surface wants."""
        ...

    def present(self, image: Image, time_s: float) -> None:
        """Show a frame at ``time_s`` seconds after the first one. Times never go back."""
        ...

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Take mono samples as they are heard; the first sample is heard at ``time_s``. May do nothing."""
        ...

    def close(self) -> None:
        """Flush and release. Idempotent; ``present`` after it does nothing."""
        ...
