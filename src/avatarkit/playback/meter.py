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
        self.motion_frames_unused = 0
        self.audio_bytes_sent = 0
        self.first_frame_ms: float | None = None
        self._finished = 0
        self._interrupted = 0
        self._first_round: str | None = None
        self._first_sent_s = 0.0
        self._first_motion_ms: float | None = None
        self._motion_frames = 0
        self._motion_bytes = 0
        self._motion_s = 0.0
        self._offsets = np.zeros(_STEPS, np.int64)
        self._starved = _Span()
        self._stalled = _Span()
        self._shown_s: float | None = None
        self._longest_gap_s: float | None = None

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

    def round_ended(self, *, interrupted: bool) -> None:
        """A round is over."""
        if interrupted:
            self._interrupted += 1
        else:
            self._finished += 1

    def starved(self, now: bool, now_s: float) -> None:
        """A round begins, or ceases, to be heard without the motion it expects."""
        self._starved.set(now, now_s)

    def stall_began(self, now_s: float) -> None:
        """The voice halts for want of motion."""
        self._stalled.set(True, now_s)

    def stall_ended(self, now_s: float) -> None:
        """It goes on, or its round is over."""
        self._stalled.set(False, now_s)

    def shown(self, now_s: float) -> None:
        """A frame was handed to the surface."""
        self.frames_drawn += 1
        if self._shown_s is not None:
            self._longest_gap_s = max(self._longest_gap_s or 0.0, now_s - self._shown_s)
        self._shown_s = now_s

    def drawing_stopped(self) -> None:
        """No frames are wanted for a while: that is no gap."""
        self._shown_s = None

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
            first_frame_ms=self.first_frame_ms,
            rounds_finished=self._finished,
            rounds_interrupted=self._interrupted,
            starvations=self._starved.count,
            starved_ms=self._starved.total_s * 1000.0,
            stalls=self._stalled.count,
            stalled_ms=self._stalled.total_s * 1000.0,
            motion_frames_unused=self.motion_frames_unused,
            audio_bytes_sent=self.audio_bytes_sent,
            motion_bytes=self._motion_bytes,
            longest_frame_gap_ms=None if self._longest_gap_s is None else self._longest_gap_s * 1000.0,
        )

    def _offset_percentile(self, share: float) -> float | None:
        total = int(self._offsets.sum())
        if total == 0:
            return None
        return float(np.searchsorted(np.cumsum(self._offsets), share * total) * _STEP_MS)


class _Span:
    """How often something was so, and for how long."""

    def __init__(self) -> None:
        self.count = 0
        self.total_s = 0.0
        self._since_s: float | None = None

    def set(self, now: bool, now_s: float) -> None:
        if now and self._since_s is None:
            self.count += 1
            self._since_s = now_s
        elif not now and self._since_s is not None:
            self.total_s += now_s - self._since_s
            self._since_s = None
