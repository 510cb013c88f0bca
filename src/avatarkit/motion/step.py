"""One step of the learned engine: some columns each of some streams go from sound to frames in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

import numpy as np

from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, FloatArray
from avatarkit.motion.chance import seeds_of
from avatarkit.motion.entries import kernels
from avatarkit.motion.hearing import analyse
from avatarkit.motion.hints import Hints
from avatarkit.motion.intake import COLUMNS_PER_FRAME, FrameQueue, samples_of
from avatarkit.motion.melspec import COLUMN_SAMPLES, Indices
from avatarkit.motion.network import Moments, Network
from avatarkit.motion.style import MANNER_SIZE

_NO_WISHES: Final = np.zeros((0, MANNER_SIZE), np.float32)


class SteppedStream(Protocol):
    """What a step needs of a stream, and changes in it."""

    seed: int
    state: FloatArray
    """The network's memory, then :data:`avatarkit.motion.memory.STATE`."""
    column: int
    hints: Hints
    queue: FrameQueue
    is_restyled: bool
    """Whether its style ever changed."""

    def manner(self, column: int) -> FloatArray:
        """The style asked for at a column."""
        ...

    def covers(self, frame: int) -> bool:
        """Whether the audio reaches to a frame."""
        ...


class Due(NamedTuple):
    """Columns of one stream to be worked off."""

    columns: int
    sample_bytes: int
    run: bytes
    """See :class:`avatarkit.motion.intake.ColumnIntake`."""
    stream: SteppedStream


class Step:
    """One step of the engine: some columns each of some streams, the longest queue first.

    Rows of the batch are in order of time: the first column of each stream, then the second of those that have one.
    So what belongs to one moment lies together, and is worked on where it lies.
    """

    def __init__(self, network: Network, look_ahead: int, due: Sequence[Due]) -> None:
        due = sorted(due, key=attrgetter("columns"), reverse=True)
        self._network, self._look_ahead = network, look_ahead
        self._streams = [item.stream for item in due]
        self._counts = np.array([item.columns for item in due])
        self._columns = np.array([stream.column for stream in self._streams])
        self._moments = _moments_of(self._counts.tolist())
        self._starts = np.array([rows.start for _, rows in self._moments])
        self._samples, self._blocks = samples_of([(item.run, item.sample_bytes) for item in due])
        self._states = np.concatenate([stream.state for stream in self._streams]).reshape(len(due), -1)

    def run(self) -> None:
        """Step the streams and queue their frames."""
        columns = self._by_row(self._columns, 1)
        with_pitch = columns % COLUMNS_PER_FRAME == COLUMNS_PER_FRAME - 1
        heard = analyse(self._samples, self._by_row(self._blocks, COLUMN_SAMPLES), with_pitch)
        size = self._network.state_size
        memory = np.ascontiguousarray(self._states[:, :size])
        decided = self._network.listen(heard.features, memory, self._moments)
        self._states[:, :size] = memory
        self._hint(decided)
        until = self._columns + self._counts
        first = self._frames_of(self._columns)
        made = self._frames_of(until) - first
        starts = np.cumsum(made) - made
        frames = int(made.sum())
        weights, heads = np.empty((frames, WEIGHT_COUNT), np.float32), np.empty((frames, HEAD_COUNT), np.float32)
        kernels().bind(
            "animate", self._states, size, seeds_of([stream.seed for stream in self._streams]), self._columns,
            self._counts, self._starts, self._look_ahead, decided, heard.prosody, *self._wishes(len(columns)), starts,
            weights, heads,
        )()  # fmt: skip
        for i, (stream, column) in enumerate(zip(self._streams, until.tolist(), strict=True)):
            stream.state[:] = self._states[i]
            stream.column = column
        for i in np.flatnonzero(made).tolist():
            start, count, stream = int(starts[i]), int(made[i]), self._streams[i]
            while count and not stream.covers(int(first[i]) + count - 1):
                count -= 1
            if count:
                stream.queue.add(weights[start : start + count], heads[start : start + count])

    def _frames_of(self, columns: Indices) -> Indices:
        """Frames that are made of so many columns (streams,)."""
        return np.asarray(np.maximum(columns - self._look_ahead, 0) // COLUMNS_PER_FRAME)

    def _by_row(self, first: Indices, step: int) -> Indices:
        """A number of every row, which begins at ``first`` (streams,) and grows by ``step`` with each moment."""
        return np.concatenate([first[:count] + n * step for n, (count, _) in enumerate(self._moments)])

    def _hint(self, decided: FloatArray) -> None:
        """Tip the scales of what was decided on those streams that have hints, in place."""
        for i, stream in enumerate(self._streams):
            if stream.hints:
                for n in range(int(self._counts[i])):
                    column, row = int(self._columns[i]) + n - self._look_ahead, self._starts[n] + i
                    factors = stream.hints.factors(column) if column >= 0 else None
                    if factors is not None:
                        decided[row, 0] *= factors
                        decided[row, 0] /= decided[row, 0].sum()

    def _wishes(self, rows: int) -> tuple[Indices, FloatArray]:
        """The styles asked for, and which of them each row's frame takes; below 0 for streams that have one only."""
        wished = np.full(rows, -1)
        wishes: list[FloatArray] = []
        for i, stream in enumerate(self._streams):
            if stream.is_restyled:
                for n in range(int(self._counts[i])):
                    wished[self._starts[n] + i] = len(wishes)
                    wishes.append(stream.manner(int(self._columns[i]) + n - self._look_ahead))
        return wished, np.array(wishes) if wishes else _NO_WISHES


def _moments_of(counts: Sequence[int]) -> Moments:
    """Of each moment, how many streams have a column there and where in the batch these lie; the longest is first."""
    moments: list[tuple[int, slice]] = []
    count, start = len(counts), 0
    for moment in range(counts[0]):
        while counts[count - 1] <= moment:
            count -= 1
        moments.append((count, slice(start, start + count)))
        start += count
    return moments
