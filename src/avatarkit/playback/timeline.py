"""The motion of one round, put in order: frames in by index, a pose out at any audio position."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, FloatArray, MotionFrames, Pose

MAX_AHEAD_S: Final = 600.0
"""Frames further than this ahead of the heard position are refused, so that a sender cannot fill memory."""

_WIDTH: Final = WEIGHT_COUNT + HEAD_COUNT
_FIRST_CAPACITY: Final = 256


class MotionTimeline:
    """Frames of one round by index. Duplicates, late and out-of-order frames are all right.

    The first frame that arrives for an index stays; a repeat changes nothing. What lies behind
    :meth:`forget_before` is released, so a round may last for hours.
    """

    def __init__(self, frame_rate: float) -> None:
        """Take the frame rate in hertz; every chunk must carry the same. ``ValueError`` unless 1..240."""
        if not 1.0 <= frame_rate <= 240.0:
            raise ValueError(f"a frame rate of {frame_rate} Hz is not within 1..240")
        self.frame_rate = frame_rate
        self._base = 0  # index of row 0
        self._rows = np.zeros((_FIRST_CAPACITY, _WIDTH), np.float32)
        self._present = np.zeros(_FIRST_CAPACITY, np.bool_)

    def add(self, frames: MotionFrames) -> int:
        """Take frames and return how many were new.

        Frames behind the released part are dropped. Raises ``ValueError`` for another frame rate, for values
        that are not finite, and for frames more than :data:`MAX_AHEAD_S` ahead; nothing is taken then.
        """
        if not math.isclose(frames.frame_rate, self.frame_rate, rel_tol=1e-4):
            raise ValueError(f"motion at {frames.frame_rate} Hz joins motion at {self.frame_rate} Hz")
        if frames.first_frame < 0 or frames.first_frame + len(frames) > self._base + MAX_AHEAD_S * self.frame_rate:
            raise ValueError(f"motion frame {frames.first_frame} is out of reach")
        if not (np.isfinite(frames.weights).all() and np.isfinite(frames.head).all()):
            raise ValueError("motion holds values that are not finite")
        skip = max(0, self._base - frames.first_frame)
        if skip >= len(frames):
            return 0
        start = frames.first_frame + skip - self._base
        stop = frames.first_frame + len(frames) - self._base
        self._reserve(stop)
        new = ~self._present[start:stop]
        rows = self._rows[start:stop]
        rows[new, :WEIGHT_COUNT] = frames.weights[skip:][new]
        rows[new, WEIGHT_COUNT:] = frames.head[skip:][new]
        self._present[start:stop] = True
        return int(new.sum())

    def sample(self, position_s: float) -> Pose | None:
        """The pose at an audio position in seconds, or ``None`` where no motion has arrived.

        Linear between neighbours, so that the pose at ``i / frame_rate`` is frame ``i``; where the next frame
        is missing, the last one holds until its 1 / frame_rate seconds are over.
        """
        # The tiny addend keeps 3/25*25 = 2.9999... in frame 3.
        place = position_s * self.frame_rate + 1e-6 - self._base
        row = math.floor(place)
        if not self._has(row):
            return None
        value: FloatArray = self._rows[row]
        if self._has(row + 1):
            share = np.float32(min(max(place - row, 0.0), 1.0))
            value = value + (self._rows[row + 1] - value) * share
        return Pose(value[:WEIGHT_COUNT].copy(), value[WEIGHT_COUNT:].copy())

    def covered_until(self, position_s: float) -> float:
        """The audio position in seconds up to which motion is here without a gap; ``position_s`` if none is."""
        row = math.floor(position_s * self.frame_rate + 1e-6) - self._base
        if not self._has(row):
            return position_s
        missing = np.flatnonzero(~self._present[row:])
        last = row + (int(missing[0]) if len(missing) else len(self._present) - row)
        return (self._base + last) / self.frame_rate

    def forget_before(self, position_s: float) -> None:
        """Release frames that ended before an audio position in seconds."""
        first = math.floor(position_s * self.frame_rate) - 1
        gone = first - self._base
        if gone < len(self._rows) // 2:
            return  # moving rows is worth it only in bulk
        kept = max(0, len(self._rows) - gone)
        if kept:
            self._rows[:kept] = self._rows[gone:].copy()
            self._present[:kept] = self._present[gone:].copy()
        self._present[kept:] = False
        self._base = first

    def _has(self, row: int) -> bool:
        return 0 <= row < len(self._present) and bool(self._present[row])

    def _reserve(self, rows: int) -> None:
        capacity = len(self._rows)
        if rows <= capacity:
            return
        while capacity < rows:
            capacity *= 2
        grown = np.zeros((capacity, _WIDTH), np.float32)
        grown[: len(self._rows)] = self._rows
        present = np.zeros(capacity, np.bool_)
        present[: len(self._present)] = self._present
        self._rows, self._present = grown, present
