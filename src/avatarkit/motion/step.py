"""One step of the learned engine: some columns each of some streams go from sound to frames in one batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from avatarkit.frames import ARKIT_INDEX, FloatArray
from avatarkit.motion import articulation, prosody
from avatarkit.motion.classes import CLASS_INDEX
from avatarkit.motion.hints import Hints
from avatarkit.motion.intake import COLUMNS_PER_FRAME, FrameQueue, blocks_of
from avatarkit.motion.loudness import level_db
from avatarkit.motion.melspec import analyse
from avatarkit.motion.network import Network
from avatarkit.motion.pitch import pitch_of
from avatarkit.motion.state import Layout
from avatarkit.motion.style import MANNER_SIZE

Indices = npt.NDArray[np.intp]

_BLEND: Final = np.float32(0.14)
"""Share of a new style that a frame takes over: 0.3 s."""
_ECHO: Final = 5
"""Columns of level and pitch that are kept until the network has decided on theirs."""
_SIDEWAYS: Final = (("jawLeft", "jawRight", 0.030), ("mouthLeft", "mouthRight", 0.022))
_BROWS_FROM: Final = ARKIT_INDEX["browDownLeft"]
"""The mouth's shapes come before those of brows, cheeks and nose."""


def layout_of(network: Network) -> Layout:
    """Columns of a stream's state row."""
    return Layout(
        network=network.state_size,
        mouth=articulation.STATE.size,
        voice=prosody.STATE.size,
        manner=MANNER_SIZE,
        echo=3 * _ECHO,
    )


class SteppedStream(Protocol):
    """What a step needs of a stream, and changes in it."""

    seed: int
    state: FloatArray
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


_BY_LENGTH: Final = attrgetter("columns", "sample_bytes")


class Step:
    """One step of the engine: some columns each of some streams, the longest queue first.

    Rows of the batch are in order of time: the first column of each stream, then the second of those that have one.
    So what belongs to one moment lies together, and is worked on where it lies.
    """

    def __init__(self, network: Network, layout: Layout, look_ahead: int, due: Sequence[Due]) -> None:
        due = sorted(due, key=_BY_LENGTH, reverse=True)
        self._network, self._layout, self._look_ahead = network, layout, look_ahead
        self._streams = [item.stream for item in due]
        self._moments = _moments_of([item.columns for item in due])
        self._blocks = _blocks_of(due)
        self._states = np.concatenate([stream.state for stream in self._streams]).reshape(len(due), -1)
        self._columns = np.array([stream.column for stream in self._streams])
        self._hinted_rows = [i for i, stream in enumerate(self._streams) if stream.hints]

    def run(self) -> None:
        """Step the streams and queue their frames."""
        features, power = analyse(self._blocks)
        levels = level_db(features)
        heard = np.zeros((len(features), 3), np.float32)
        heard[:, 0] = levels
        columns = np.concatenate([self._columns[:count] + n for n, (count, _) in enumerate(self._moments)])
        ending = np.flatnonzero(columns % COLUMNS_PER_FRAME == COLUMNS_PER_FRAME - 1)
        if len(ending):
            heard[ending, 1], heard[ending, 2] = pitch_of(power[ending])
        decided = self._listen(features)
        for count, rows in self._moments:
            self._column(count, decided[rows], heard[rows])
        for stream, state, column in zip(self._streams, self._states, self._columns.tolist(), strict=True):
            stream.state[:] = state
            stream.column = column

    def _listen(self, features: FloatArray) -> FloatArray:
        """Probabilities (columns, horizons, 18) of all columns; within a layer, time goes step by step."""
        whole = self._network.receive(features)
        memories = self._layout.part(self._states, "network")
        width = self._network.width
        output = np.empty((len(features), width), np.float32)
        for layer in range(len(self._network.recurrent)):
            if layer:
                whole = self._network.quantise(output)
            inputs = self._network.project(layer, whole)
            memory = memories[:, layer * width : (layer + 1) * width]
            held = memory.copy()
            for count, rows in self._moments:
                held[:count] = output[rows] = self._network.remember(layer, inputs[rows], held[:count])
            memory[:] = held
        return self._network.decide(output)

    def _column(self, count: int, decided: FloatArray, heard: FloatArray) -> None:
        """One column of the first ``count`` streams; those at the end of a frame make one."""
        echo = self._layout.part(self._states, "echo")[:count]
        echo[:, :-3] = echo[:, 3:].copy()
        echo[:, -3:] = heard
        columns = self._columns[:count] - self._look_ahead
        self._columns[:count] += 1
        past = echo[:, 3 * (_ECHO - 1 - self._look_ahead) :][:, :3]
        mouth = self._layout.part(self._states, "mouth")[:count]
        active = np.flatnonzero(columns >= 0)
        if len(active) == 0:
            return
        if len(active) < count:
            columns, decided, past = columns[active], decided[active], past[active]
            chosen = mouth[active]
        else:
            chosen = mouth  # the usual case, in place
        self._hint(active, columns, decided)
        ahead = [decided[:, i] for i in range(1, decided.shape[1])]
        articulation.hear(chosen, decided[:, 0], ahead, np.ascontiguousarray(past[:, 0]))
        if chosen is not mouth:
            mouth[active] = chosen
        ending = np.flatnonzero(columns % COLUMNS_PER_FRAME == COLUMNS_PER_FRAME - 1)
        if len(ending):
            self._frame(active[ending], columns[ending], past[ending], decided[ending, 0, CLASS_INDEX["sil"]])

    def _hint(self, active: Indices, columns: Indices, decided: FloatArray) -> None:
        """Tip the scales of what was decided on those streams that have hints, in place."""
        for i in self._hinted_rows:
            n = int(np.searchsorted(active, i))
            if n < len(active) and active[n] == i:
                factors = self._streams[i].hints.factors(int(columns[n]))
                if factors is not None:
                    decided[n, 0] *= factors
                    decided[n, 0] /= decided[n, 0].sum()

    def _frame(self, rows: Indices, columns: Indices, past: FloatArray, silence: FloatArray) -> None:
        streams = [self._streams[i] for i in rows.tolist()]
        frames = (columns // COLUMNS_PER_FRAME).tolist()
        states = self._states[rows]
        manner = self._layout.part(states, "manner")
        for i, stream in enumerate(streams):
            if stream.is_restyled:
                manner[i] += (stream.manner(int(columns[i])) - manner[i]) * _BLEND
        voice = prosody.Frame(self._layout.part(states, "voice"), [s.seed for s in streams], frames)
        level, octave, periodic = (np.ascontiguousarray(past[:, i]) for i in range(3))
        voice.hear(octave, periodic, level, np.ascontiguousarray(silence))
        weights = articulation.shape(self._layout.part(states, "mouth"), manner, voice.lean())
        _colour(weights, manner, voice)
        heads = voice.head(manner)
        self._states[rows] = states
        for i, (stream, frame) in enumerate(zip(streams, frames, strict=True)):
            if stream.covers(frame):
                stream.queue.add(weights[i : i + 1], heads[i : i + 1])


def _moments_of(counts: Sequence[int]) -> list[tuple[int, slice]]:
    """Of each moment, how many streams have a column there and where in the batch these lie; the longest is first."""
    moments: list[tuple[int, slice]] = []
    count, start = len(counts), 0
    for moment in range(counts[0]):
        while counts[count - 1] <= moment:
            count -= 1
        moments.append((count, slice(start, start + count)))
        start += count
    return moments


def _blocks_of(due: Sequence[Due]) -> FloatArray:
    """Blocks of all columns, moment by moment; ``due`` is in order of length."""
    groups = [
        blocks_of([item.run for item in alike], sample_bytes)
        for (_, sample_bytes), alike in groupby(due, key=_BY_LENGTH)
    ]
    parts = [group[:, n] for n in range(due[0].columns) for group in groups if n < group.shape[1]]
    return np.concatenate(parts)


def _colour(weights: FloatArray, manner: FloatArray, voice: prosody.Frame) -> None:
    """Add mood, accents and the small sideways drift of a real mouth; then keep all in 0..1. In place."""
    rounded = weights[:, ARKIT_INDEX["mouthPucker"]] + weights[:, ARKIT_INDEX["mouthFunnel"]]
    room = np.float32(1.0) - np.float32(0.5) * np.minimum(rounded, np.float32(1.0))
    mood = manner[:, 6:]
    weights[:, :_BROWS_FROM] += mood[:, :_BROWS_FROM] * room[:, None]
    weights[:, _BROWS_FROM:] += mood[:, _BROWS_FROM:]
    voice.brows(weights, manner)
    drift = voice.shift() * np.minimum(weights[:, ARKIT_INDEX["jawOpen"]] * np.float32(3.0), np.float32(1.0))
    for left, right, size in _SIDEWAYS:
        weights[:, ARKIT_INDEX[left]] = np.maximum(drift, np.float32(0.0)) * np.float32(size)
        weights[:, ARKIT_INDEX[right]] = np.maximum(-drift, np.float32(0.0)) * np.float32(size)
    np.clip(weights, 0.0, 1.0, out=weights)
