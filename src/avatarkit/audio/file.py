"""A speaker that writes what would be heard to a WAV file, at the pace of a clock."""

from __future__ import annotations

import contextlib
import wave
from collections import deque
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.clock import Clock
from avatarkit.errors import ErrorCode, error

MAX_BYTES: Final = 2**31
"""A WAV file holds no more than twice this; over 18 hours at 16 kHz."""


class FileSpeaker(SilentSpeaker):
    """Keeps time as :class:`SilentSpeaker` does. The file begins at :meth:`open`, with silence where none spoke.

    Implements ``audio.speaker.Speaker``. The file is complete after :meth:`close`.
    """

    def __init__(self, clock: Clock, path: Path) -> None:
        """Write to ``path``, which is replaced by :meth:`open`."""
        super().__init__(clock)
        self._path = path
        self._file: wave.Wave_write | None = None
        self._raw: BinaryIO
        self._waiting: deque[bytes] = deque()
        self._taken = 0  # heard samples that are in the file
        self._opened_s = 0.0
        self._in_file = 0
        self._volume = 1.0
        self._trouble: str | None = None

    def open(self, sample_rate: int) -> None:
        """Begin the file, at ``sample_rate`` hertz. Raises ``AvatarError`` (``playbackInitFailed``)."""
        super().open(sample_rate)
        try:
            self._raw = self._path.open("wb")
        except OSError as exc:
            raise error(
                ErrorCode.PLAYBACK_INIT_FAILED, f"The sound file '{self._path}' cannot be written: {exc.strerror}."
            ) from exc
        self._file = wave.open(self._raw, "wb")  # noqa: SIM115 - open until close()
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(sample_rate)
        self._opened_s = self._clock.now()
        self._in_file = self._taken = 0

    def write(self, pcm: bytes) -> None:
        """Queue samples; an empty queue begins to move now."""
        self._catch_up()
        super().write(pcm)
        if pcm:
            self._waiting.append(pcm)

    def heard_samples(self) -> float:
        """Samples that the passing of time has played; they are in the file."""
        heard = super().heard_samples()
        self._catch_up(heard)
        return heard

    def pause(self) -> None:
        """Stand still; silence is written."""
        self._catch_up()
        super().pause()

    def resume(self) -> None:
        """Go on."""
        self._catch_up()
        super().resume()

    def flush(self) -> None:
        """Drop the queue and count from zero."""
        self._catch_up()
        super().flush()
        self._waiting.clear()
        self._taken = 0

    def set_volume(self, volume: float) -> None:
        """Gain 0..1 of what is written from now on."""
        self._catch_up()
        self._volume = volume

    def trouble(self) -> str | None:
        """A failure to write, once."""
        told, self._trouble = self._trouble, None
        return told

    def close(self) -> None:
        """Complete the file. Idempotent."""
        if self._file is not None:
            self._catch_up()
            self._finish()
        super().close()

    def _catch_up(self, heard: float | None = None) -> None:
        """Write what was heard since the last time, and the silence behind it, since a queue moves at once."""
        if self._file is None:
            return
        count = int(super().heard_samples() if heard is None else heard) - self._taken
        voice = self._pop(count) if count > 0 else b""
        self._taken += len(voice) // 2
        due = int((self._clock.now() - self._opened_s) * self._rate)
        silence = max(0, due - self._in_file - len(voice) // 2)
        # Less than a millisecond is rounding, not a pause.
        gap = bytes(2 * silence) if silence > self._rate // 1000 else b""
        self._append(self._scaled(voice) + gap)

    def _append(self, data: bytes) -> None:
        if not data or self._file is None:
            return
        if 2 * self._in_file + len(data) > MAX_BYTES:
            self._give_up("The sound file is full; the conversation goes on.")
            return
        try:
            self._file.writeframesraw(data)
        except OSError as exc:
            self._give_up(f"The sound file cannot be written any more: {exc.strerror}.")
            return
        self._in_file += len(data) // 2

    def _give_up(self, why: str) -> None:
        self._trouble = why
        with contextlib.suppress(OSError):
            self._finish()

    def _finish(self) -> None:
        file, self._file = self._file, None
        try:
            if file is not None:
                file.close()
        finally:
            self._raw.close()

    def _pop(self, count: int) -> bytes:
        pieces: list[bytes] = []
        while count > 0 and self._waiting:
            piece = self._waiting.popleft()
            if len(piece) // 2 > count:
                self._waiting.appendleft(piece[2 * count :])
                piece = piece[: 2 * count]
            pieces.append(piece)
            count -= len(piece) // 2
        return b"".join(pieces)

    def _scaled(self, data: bytes) -> bytes:
        if self._volume == 1.0:
            return data
        samples = np.frombuffer(data, "<i2") * np.float32(self._volume)
        return np.rint(samples).astype("<i2").tobytes()
