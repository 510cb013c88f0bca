"""What every engine's stream does alike: PCM in to fixed 20 ms columns, frames out in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.audio.resample import TARGET_HZ, Resampler
from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, FloatArray, MotionFrames
from avatarkit.motion.melspec import COLUMN_SAMPLES, HISTORY_SAMPLES

FRAME_RATE_HZ: Final = 25
COLUMNS_PER_FRAME: Final = 2
_MOST_COLUMNS: Final = 256
"""Columns handed on at once: bounds memory however much is pushed."""
_SCALE: Final = np.float32(1.0 / 32768.0)


class ColumnIntake:
    """Cuts PCM into runs of complete columns. The cut depends on the audio alone, never on the chunks.

    A run holds the 240 samples before its first column, then 320 for each column: 16-bit PCM where the rate is
    already the engine's, float32 where it was converted (:attr:`sample_bytes`). Runs stay bytes until
    :func:`samples_of` turns those of many streams into numbers, all in one go.

    Raises ``ValueError`` unless the rate is one of the seven accepted ones.
    """

    def __init__(self, sample_rate: int) -> None:
        self._resampler = Resampler(sample_rate)
        self._passes_through = sample_rate == TARGET_HZ
        self.sample_bytes = 2 if self._passes_through else 4
        self._column_bytes = COLUMN_SAMPLES * self.sample_bytes
        self._history_bytes = HISTORY_SAMPLES * self.sample_bytes
        self._rest = bytes(self._history_bytes)
        self._bytes_in = 0
        self.column_count = 0
        """Columns given so far."""

    @property
    def frame_count(self) -> int:
        """Frames that cover the audio so far: the duration times 25, rounded up."""
        return -(-(self._bytes_in // 2) * FRAME_RATE_HZ // self._resampler.sample_rate)

    def push(self, pcm: bytes) -> Iterable[bytes]:
        """The run of the columns that are complete now; several of bounded length when they are many."""
        self._bytes_in += len(pcm)
        return self._cut(pcm if self._passes_through else self._resampler.push(pcm).tobytes())

    def finish(self, extra_columns: int) -> Iterator[bytes]:
        """Flush, then silence until there are two columns a frame and ``extra_columns`` more."""
        if self._passes_through:
            self._rest = self._rest[: len(self._rest) & ~1]  # half a sample is none
        else:
            yield from self._cut(self._resampler.flush().tobytes())
        wanted = self.frame_count * COLUMNS_PER_FRAME + extra_columns if self.frame_count else 0
        missing = (wanted - self.column_count) * self._column_bytes + self._history_bytes - len(self._rest)
        yield from self._cut(bytes(max(0, missing)))

    def _cut(self, more: bytes) -> Sequence[bytes]:
        waiting = self._rest + more
        ready = (len(waiting) - self._history_bytes) // self._column_bytes
        if ready <= 0:
            self._rest = waiting
            return ()
        self.column_count += ready
        end = ready * self._column_bytes
        self._rest = waiting[end:]
        if ready <= _MOST_COLUMNS:
            return (waiting[: end + self._history_bytes],)
        size = _MOST_COLUMNS * self._column_bytes
        return [waiting[i : min(i + size, end) + self._history_bytes] for i in range(0, end, size)]


def columns_in(run: bytes, sample_bytes: int) -> int:
    """Columns in a run."""
    return (len(run) // sample_bytes - HISTORY_SAMPLES) // COLUMN_SAMPLES


def joined(runs: Sequence[bytes], sample_bytes: int) -> bytes:
    """Consecutive runs of one stream as one."""
    history = HISTORY_SAMPLES * sample_bytes
    return b"".join((runs[0], *(run[history:] for run in runs[1:]))) if len(runs) > 1 else runs[0]


def samples_of(runs: Sequence[tuple[bytes, int]]) -> tuple[FloatArray, npt.NDArray[np.int64]]:
    """Runs with the bytes of their samples as one row of numbers, float32 (m,), and where each run begins, (n,)."""
    whole = _SCALE * np.frombuffer(b"".join([run for run, size in runs if size == 2]), "<i2")
    real = np.frombuffer(b"".join([run for run, size in runs if size == 4]), np.float32)
    starts, next_whole, next_real = [], 0, len(whole)
    for run, size in runs:
        if size == 2:
            starts.append(next_whole)
            next_whole += len(run) // 2
        else:
            starts.append(next_real)
            next_real += len(run) // 4
    return np.concatenate([whole, real]) if len(real) else whole, np.array(starts)


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
        if not self._weights:
            return MotionFrames(_NO_WEIGHTS, _NO_HEADS, self._taken)
        frames = MotionFrames(_joined(self._weights), _joined(self._heads), self._taken, float(FRAME_RATE_HZ))
        self._taken += len(frames)
        self._weights.clear()
        self._heads.clear()
        return frames


def _joined(parts: list[FloatArray]) -> FloatArray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


_NO_WEIGHTS: Final = np.empty((0, WEIGHT_COUNT), np.float32)
_NO_HEADS: Final = np.empty((0, HEAD_COUNT), np.float32)
