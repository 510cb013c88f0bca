"""Where the voice pauses: found in the audio itself, when it is queued."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

_WINDOW_S: Final = 0.02
_SHORTEST_S: Final = 0.16
_UNDER_PEAK: Final = 0.06
"""A window is silent at less than this share of the recent peak, about -24 dB."""
_FLOOR: Final = 80.0
_PEAK_DECAY: Final = 0.99
"""Of the followed peak, a window: half in 1.4 s."""


class PauseFinder:
    """Finds onsets of speech pauses of 0.16 s and more in PCM as it comes, for blinks that fall where people's do."""

    def __init__(self, sample_rate: int) -> None:
        self._window = max(1, round(sample_rate * _WINDOW_S))
        self._rest = b""
        self._position = 0
        self._peak = 0.0
        self._quiet = 0  # windows in a row
        self._spoke = False
        self._onsets: deque[int] = deque()

    def push(self, pcm: bytes) -> None:
        """Take signed 16-bit little-endian samples that follow those before."""
        data = self._rest + pcm
        count = len(data) // (2 * self._window)
        size = count * 2 * self._window
        self._rest = data[size:]
        if not count:
            return
        windows = np.frombuffer(data[:size], "<i2").astype(np.float32).reshape(count, self._window)
        for level in np.sqrt((windows * windows).mean(axis=1)).tolist():
            self._take(level)

    def take(self, heard_samples: float) -> bool:
        """Whether a pause began up to a heard position since the last call."""
        began = False
        while self._onsets and self._onsets[0] <= heard_samples:
            self._onsets.popleft()
            began = True
        return began

    def _take(self, level: float) -> None:
        self._peak = max(level, self._peak * _PEAK_DECAY)
        self._position += self._window
        if level > max(self._peak * _UNDER_PEAK, _FLOOR):
            self._quiet, self._spoke = 0, True
            return
        self._quiet += 1
        if self._spoke and self._quiet * _WINDOW_S >= _SHORTEST_S:
            self._onsets.append(self._position - self._quiet * self._window)
            self._spoke = False
