"""When the audio behind a motion frame had arrived."""

from __future__ import annotations

from collections import deque
from typing import Final

_MAX_MARKS: Final = 4096


class Arrivals:
    """Of one turn: how much audio had arrived at which time.

    Memory is bounded: what motion has covered is forgotten, and of very many pieces that wait the oldest are merged
    into the next, which makes lateness look smaller, never larger.
    """

    def __init__(self) -> None:
        self._marks: deque[tuple[float, float]] = deque()  # (seconds of audio so far, time of arrival)
        self._total_s = 0.0

    def add(self, audio_s: float, at_s: float) -> None:
        """``audio_s`` more seconds of audio arrived at the time ``at_s``."""
        self._total_s += audio_s
        self._marks.append((self._total_s, at_s))
        if len(self._marks) > _MAX_MARKS:
            self._marks.popleft()

    def complete_at(self, audio_s: float) -> float | None:
        """The time at which the first ``audio_s`` seconds had arrived; ``None`` when that much never came, as for
        the padded last frame of a turn. Ask with growing values: smaller ones are forgotten."""
        while self._marks and self._marks[0][0] < audio_s - 1e-9:
            self._marks.popleft()
        return self._marks[0][1] if self._marks else None
