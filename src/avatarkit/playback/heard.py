"""What was heard, as samples with a time: the sound track of whatever the surface records."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]

_PIECE_S: Final = 0.01
_SAME_RUN_S: Final = 0.04
"""A piece whose measured time is this close to the end of the one before continues it without a seam."""


class HeardAudio:
    """Remembers the queued audio of a round and hands it out as the speaker's count moves over it."""

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._queue: deque[Samples] = deque()
        self._taken = 0
        self._run_end_s = float("-inf")

    def queue(self, pcm: bytes) -> None:
        """Append signed 16-bit little-endian mono PCM, as it is written to the speaker."""
        if pcm:
            self._queue.append(np.frombuffer(pcm, "<i2").astype(np.int16))

    def take(self, heard_samples: float, now_s: float, *, everything: bool) -> tuple[Samples, float] | None:
        """Samples heard since the last call and the clock time of the first, or ``None`` when there are none.

        ``heard_samples`` is the speaker's count at ``now_s``. Unless ``everything`` is wanted, less than 10 ms
        waits for the next call.
        """
        count = int(heard_samples) - self._taken
        if count <= 0 or not self._queue or not (everything or count >= self._rate * _PIECE_S):
            return None
        measured_s = now_s - (heard_samples - self._taken) / self._rate
        start_s = self._run_end_s if abs(measured_s - self._run_end_s) < _SAME_RUN_S else measured_s
        samples = self._pop(count)
        self._taken += len(samples)
        self._run_end_s = start_s + len(samples) / self._rate
        return samples, start_s

    def clear(self) -> None:
        """Forget the queue and count from zero, as the speaker does when it is flushed."""
        self._queue.clear()
        self._taken = 0

    def _pop(self, count: int) -> Samples:
        pieces: list[Samples] = []
        while count > 0 and self._queue:
            piece = self._queue.popleft()
            if len(piece) > count:
                self._queue.appendleft(piece[count:])
                piece = piece[:count]
            pieces.append(piece)
            count -= len(piece)
        return np.concatenate(pieces)
