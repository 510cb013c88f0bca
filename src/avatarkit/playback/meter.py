"""What a session measures about itself."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.types import SessionReport

_STEP_MS: Final = 0.5
_STEPS: Final = 4000  # up to 2 s; the last bin takes what lies beyond


class SessionMeter:
    """Counters of one controller, in constant memory however long the session lasts."""

    def __init__(self) -> None:
        self.rounds = 0
        self.frames_drawn = 0
        self.frames_dropped = 0
        self._first_round: str | None = None
        self._first_sent_s = 0.0
        self._first_motion_ms: float | None = None
        self._motion_frames = 0
        self._motion_bytes = 0
        self._motion_s = 0.0
        self._offsets = np.zeros(_STEPS, np.int64)

    def audio_sent(self, round_id: str, now_s: float) -> None:
        """The first audio of a round went to the server; only the first such round is timed."""
        if self._first_round is None:
            self._first_round, self._first_sent_s = round_id, now_s

    def motion_received(self, round_id: str, frames: int, frame_rate: float, size_bytes: int, now_s: float) -> None:
        """A message with motion came; ``size_bytes`` is the whole message."""
        self._motion_frames += frames
        self._motion_bytes += size_bytes
        self._motion_s += frames / frame_rate
        if self._first_motion_ms is None and round_id == self._first_round:
            self._first_motion_ms = (now_s - self._first_sent_s) * 1000.0

    def offset(self, shown_s: float, heard_s: float) -> None:
        """A frame that shows the motion of ``shown_s`` was handed over while ``heard_s`` was heard."""
        step = int(abs(shown_s - heard_s) * 1000.0 / _STEP_MS + 0.5)
        self._offsets[min(step, _STEPS - 1)] += 1

    def report(self) -> SessionReport:
        """The figures so far."""
        return SessionReport(
            first_motion_ms=self._first_motion_ms,
            motion_frames=self._motion_frames,
            motion_bytes_per_second=self._motion_bytes / self._motion_s if self._motion_s else None,
            av_offset_ms_p50=self._offset_percentile(0.50),
            av_offset_ms_p95=self._offset_percentile(0.95),
            rounds=self.rounds,
            frames_drawn=self.frames_drawn,
            frames_dropped=self.frames_dropped,
        )

    def _offset_percentile(self, share: float) -> float | None:
        total = int(self._offsets.sum())
        if total == 0:
            return None
        return float(np.searchsorted(np.cumsum(self._offsets), share * total) * _STEP_MS)
