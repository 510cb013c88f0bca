"""The engine ``articulatory``: a small recurrent network hears which sound it is, rules shape the face.

Columns of 20 ms go through the network; it decides on a class some columns later, when it has heard enough of what
follows. ``push`` only cuts columns; they are worked off by :meth:`ArticulatoryEngine.advance`, for many streams in
one go, or by ``take`` for its own stream. Either way the frames are the same, bit for bit.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np

from avatarkit.frames import FloatArray, MotionFrames
from avatarkit.motion import memory
from avatarkit.motion.entries import kernels
from avatarkit.motion.hints import Hint, Hints
from avatarkit.motion.intake import ColumnIntake, FrameQueue, columns_in, joined
from avatarkit.motion.network import load_network
from avatarkit.motion.step import Due, Step
from avatarkit.motion.style import Style, manner_of

Profile = Literal["quality", "low-latency"]
LOOK_AHEAD_COLUMNS: Final[dict[str, int]] = {"quality": 4, "low-latency": 2}
"""Columns of 20 ms that the network hears beyond the one it decides on. A frame needs the audio up to 40 ms and
this much after its own time: 120 ms and 80 ms."""

_MOST_WAITING: Final = 100
"""Columns of a stream that wait to be worked off together; beyond that ``push`` works them off itself."""
_MOST_STREAMS: Final = 128
"""Streams stepped together: more do not fit into the processor's cache, and gain nothing."""


class ArticulatoryStream:
    """One request's speech; see :class:`avatarkit.motion.contract.MotionStream`. Not thread safe."""

    def __init__(self, engine: ArticulatoryEngine, sample_rate: int, seed: int, style: Style) -> None:
        self.seed = seed
        self.state = engine.new_state(seed, style)
        self.column = 0
        """Columns worked off."""
        self.hints = Hints()
        self.queue = FrameQueue()
        self._engine = engine
        self._intake = ColumnIntake(sample_rate)
        self._waiting: list[bytes] = []
        self._waiting_columns = 0
        self.is_restyled = False
        self._styles: deque[tuple[int, FloatArray]] = deque()
        self._manner = manner_of(style)
        self._finished = False

    def push(self, pcm: bytes) -> None:
        """Take PCM, cut anywhere."""
        if self._finished:
            raise ValueError("the stream is finished")
        for run in self._intake.push(pcm):
            self._wait_for(run)

    def finish(self) -> None:
        """No more audio; idempotent."""
        if not self._finished:
            self._finished = True
            for run in self._intake.finish(self._engine.look_ahead):
                self._wait_for(run)

    def take(self) -> MotionFrames:
        """The frames that are ready and were not taken yet."""
        if self._waiting:
            self._engine.advance([self])
        return self.queue.take()

    def set_style(self, style: Style) -> None:
        """Change how the avatar speaks, from the audio pushed next on; the face blends over in 0.3 s."""
        self.is_restyled = True
        self._styles.append((self._intake.column_count, manner_of(style)))
        if len(self._styles) > _MOST_WAITING:
            self._styles.popleft()

    def hint(self, hints: Iterable[Hint]) -> None:
        """Tell what is said when; see :mod:`avatarkit.motion.hints`. Hints for audio already worked off do nothing.

        Raises ``ValueError`` when more than 10 000 classes would wait.
        """
        self.hints.add(hints)

    def due(self) -> Due | None:
        """Take the columns that wait to be worked off; ``None`` when there are none."""
        if not self._waiting:
            return None
        sample_bytes = self._intake.sample_bytes
        due = Due(self._waiting_columns, sample_bytes, joined(self._waiting, sample_bytes), self)
        self._waiting.clear()
        self._waiting_columns = 0
        return due

    def manner(self, column: int) -> FloatArray:
        """The style asked for at a column."""
        while self._styles and self._styles[0][0] <= column:
            self._manner = self._styles.popleft()[1]
        return self._manner

    def covers(self, frame: int) -> bool:
        """Whether the audio reaches to a frame. Only silence after the end can make one too many."""
        return not self._finished or frame < self._intake.frame_count

    def _wait_for(self, run: bytes) -> None:
        self._waiting.append(run)
        self._waiting_columns += columns_in(run, self._intake.sample_bytes)
        if self._waiting_columns > _MOST_WAITING:
            self._engine.advance([self])


class ArticulatoryEngine:
    """The learned engine.

    Args:
        profile: ``quality`` or ``low-latency``, which hears 40 ms less of what comes and errs more.
        style: The style that streams start with.
        weights: Another weight file of the same form than the one in the package.

    Streams of one engine may be used from several threads, each stream from one at a time.
    """

    name = "articulatory"

    def __init__(self, profile: Profile = "quality", style: Style | None = None, weights: Path | None = None) -> None:
        if profile not in LOOK_AHEAD_COLUMNS:
            raise ValueError(f"profile must be one of {', '.join(LOOK_AHEAD_COLUMNS)}, not {profile!r}")
        self.profile = profile
        self.look_ahead = LOOK_AHEAD_COLUMNS[profile]
        self._style = style or Style()
        horizons = tuple(range(self.look_ahead, max(-1, self.look_ahead - 3), -1))
        self._network = load_network(horizons, weights)
        self._lock = threading.Lock()
        kernels()  # now, and not with the first sound

    @property
    def state_bytes(self) -> int:
        """Memory that a stream carries from column to column."""
        return 4 * (self._network.state_size + memory.STATE.size)

    def open(self, sample_rate: int, *, seed: int = 0, style: Style | None = None) -> ArticulatoryStream:
        """A stream for PCM of that rate in hertz; ``ValueError`` unless one of the seven accepted rates."""
        return ArticulatoryStream(self, sample_rate, seed, style or self._style)

    def new_state(self, seed: int, style: Style) -> FloatArray:
        """The state row of a stream that has heard nothing."""
        state = np.zeros(self._network.state_size + memory.STATE.size, np.float32)
        memory.start(state[self._network.state_size :], seed, manner_of(style))
        return state

    def advance(self, streams: Sequence[ArticulatoryStream]) -> None:
        """Work off all columns that wait in these streams, in few batches."""
        with self._lock:
            waiting = [due for stream in streams if (due := stream.due()) is not None]
            steps = -(-len(waiting) // _MOST_STREAMS)
            for number in range(steps):  # of about the same size, the longest queues in different ones
                Step(self._network, self.look_ahead, waiting[number::steps]).run()
