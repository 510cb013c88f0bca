"""A surface in memory."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from avatarkit.errors import ErrorCode, error
from avatarkit.render.contract import Image

MOST_KEPT: Final = 10_000
HIGHEST_FRAME_RATE: Final = 240.0
LARGEST_SIDE: Final = 4096


class Frame(NamedTuple):
    """A picture and when it was shown."""

    image: Image
    time_s: float


class OffscreenSurface:
    """Keeps the last frames in memory and hands each to a callback. Safe to read from another thread."""

    def __init__(
        self,
        size: tuple[int, int] = (512, 512),
        frame_rate: float = 25.0,
        keep: int = 1,
        on_frame: Callable[[Frame], None] | None = None,
    ) -> None:
        """``keep``: how many of the newest frames :attr:`frames` holds, 0..10000.

        ``on_frame`` is called within ``present``; what it raises goes to who presents.
        Raises ``AvatarError`` (configurationInvalid) for a size, rate or ``keep`` out of range.
        """
        check_surface(size, frame_rate)
        if not 0 <= keep <= MOST_KEPT:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"keep must be 0..{MOST_KEPT} frames, not {keep}.")
        self._size, self._frame_rate, self._on_frame = size, frame_rate, on_frame
        self._frames: deque[Frame] = deque(maxlen=keep)
        self._lock = threading.Lock()
        self._count = 0
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second that the surface wants."""
        return self._frame_rate

    @property
    def frames(self) -> list[Frame]:
        """The newest frames, oldest first; at most ``keep``. They stay after :meth:`close`."""
        with self._lock:
            return list(self._frames)

    @property
    def latest(self) -> Image | None:
        """The newest frame, or ``None`` before the first (and always with ``keep=0``)."""
        with self._lock:
            return self._frames[-1].image if self._frames else None

    @property
    def frame_count(self) -> int:
        """How many frames were presented."""
        return self._count

    def present(self, image: Image, time_s: float) -> None:
        """See :meth:`Surface.present`."""
        if self._closed:
            return
        frame = Frame(image, time_s)
        with self._lock:
            self._frames.append(frame)
            self._count += 1
        if self._on_frame is not None:
            self._on_frame(frame)

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Does nothing: sound is not kept."""

    def close(self) -> None:
        """See :meth:`Surface.close`."""
        self._closed = True


def check_surface(size: tuple[int, int], frame_rate: float) -> None:
    """Raise ``AvatarError`` (configurationInvalid) for a size or frame rate that no surface takes."""
    if len(size) != 2 or not all(isinstance(side, int) and 1 <= side <= LARGEST_SIDE for side in size):
        raise error(ErrorCode.CONFIGURATION_INVALID, f"A surface is 1..{LARGEST_SIDE} pixels each way, not {size}.")
    if not 1.0 <= frame_rate <= HIGHEST_FRAME_RATE:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            f"The frame rate must be 1..{HIGHEST_FRAME_RATE:g} frames a second, not {frame_rate}.",
        )
