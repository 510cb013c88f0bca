"""What a motion engine must do. These stubs are the specification; one behaviour suite holds every engine to it."""

from __future__ import annotations

from typing import Protocol

from avatarkit.frames import MotionFrames
from avatarkit.motion.style import Style


class MotionStream(Protocol):
    """Speech of one request going in, motion coming out. Not thread safe."""

    def push(self, pcm: bytes) -> None:
        """Take signed 16-bit little-endian mono PCM, cut anywhere: an odd byte is kept for the next call."""
        ...

    def finish(self) -> None:
        """No more audio: flush what is buffered, so that frames cover all of it. Idempotent; ``push`` after it
        raises ``ValueError``. A lone odd byte at the end is dropped."""
        ...

    def take(self) -> MotionFrames:
        """The frames that are ready and were not taken yet; may hold none. After :meth:`finish` the stream
        has given ``ceil(duration * 25)`` frames in all, numbered from 0 without a gap."""
        ...


class MotionEngine(Protocol):
    """Makes streams. Same audio and seed give bit-equal frames, for any chunking."""

    name: str

    def open(self, sample_rate: int, *, seed: int = 0, style: Style | None = None) -> MotionStream:
        """A stream for PCM of that rate in hertz; ``ValueError`` unless one of the seven accepted rates.

        ``style`` is how to speak; an engine that knows no styles speaks in its only one.
        """
        ...
