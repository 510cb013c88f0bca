"""What every engine's stream does alike: PCM in to fixed 20 ms columns, frames out in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from avatarkit.audio.resample import Resampler
from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, FloatArray, MotionFrames
from avatarkit.motion.melspec import BLOCK_SAMPLES, COLUMN_SAMPLES, HISTORY_SAMPLES

FRAME_RATE_HZ: Final = 25
COLUMNS_PER_FRAME: Final = 2
_MOST_COLUMNS: Final = 256
"""Columns handed on at once: bounds memory however much is pushed."""


class ColumnIntake:
    """Cuts PCM into the blocks of complete columns. The cut depends on the audio alone, never on the chunks.

    Raises ``ValueError`` unless the rate is one of the seven accepted ones.
    """

    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(sample_rate)
        self._waiting = np.zeros(HISTORY_SAMPLES, np.float32)
        self.column_count = 0
        """Columns given so far."""

    @property
    def frame_count(self) -> int:
        """Frames that cover the audio so far: the duration times 25, rounded up."""
        return -(-self._resampler.samples_in * FRAME_RATE_HZ // self._resampler.sample_rate)

    def push(self, pcm: bytes) -> Iterable[FloatArray]:
        """Blocks (n, 560) of the columns that are complete now, in runs of bounded length."""
        samples = self._resampler.push(pcm)
        count = len(self._waiting) + len(samples)
        if count < BLOCK_SAMPLES or count >= BLOCK_SAMPLES + COLUMN_SAMPLES:
            return self._cut(samples)
        waiting = np.concatenate((self._waiting, samples))  # one column, the usual case made short
        self._waiting = waiting[COLUMN_SAMPLES:]
        self.column_count += 1
        return (waiting[None, :BLOCK_SAMPLES],)

    def finish(self, extra_columns: int) -> Iterator[FloatArray]:
        """Flush, then silence until there are two columns a frame and ``extra_columns`` more."""
        yield from self._cut(self._resampler.flush())
        wanted = self.frame_count * COLUMNS_PER_FRAME + extra_columns if self.frame_count else 0
        missing = (wanted - self.column_count) * COLUMN_SAMPLES + HISTORY_SAMPLES - len(self._waiting)
        yield from self._cut(np.zeros(max(0, missing), np.float32))

    def _cut(self, samples: FloatArray) -> Iterator[FloatArray]:
        self._waiting = np.concatenate((self._waiting, samples))
        while (ready := (len(self._waiting) - HISTORY_SAMPLES) // COLUMN_SAMPLES) > 0:
            count = min(ready, _MOST_COLUMNS)
            blocks = np.empty((count, BLOCK_SAMPLES), np.float32)
            for i in range(count):
                blocks[i] = self._waiting[i * COLUMN_SAMPLES : i * COLUMN_SAMPLES + BLOCK_SAMPLES]
            self._waiting = self._waiting[count * COLUMN_SAMPLES :]
            self.column_count += count
            yield blocks


class FrameQueue:
    """Frames made and not yet taken, numbered from 0 without a gap."""

    def __init__(self) -> None:
        self._weights: list[FloatArray] = []
        self._heads: list[FloatArray] = []
        self._taken = 0

    def add(self, weights: FloatArray, heads: FloatArray) -> None:
        """Append frames: float32 (n, 52) and (n, 6)."""
        self._weights.append(weights)
        self._heads.append(heads)

    def take(self) -> MotionFrames:
        """All frames that wait."""
        weights = _joined(self._weights, WEIGHT_COUNT)
        heads = _joined(self._heads, HEAD_COUNT)
        frames = MotionFrames(weights, heads, self._taken, float(FRAME_RATE_HZ))
        self._taken += len(frames)
        self._weights.clear()
        self._heads.clear()
        return frames


def _joined(parts: list[FloatArray], width: int) -> FloatArray:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if parts else np.empty((0, width), np.float32)
