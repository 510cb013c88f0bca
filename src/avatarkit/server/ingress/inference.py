"""The motion engine at work for all sessions together, off the event loop.

While one step runs on the inference thread, audio gathers; then everybody who has some takes part in the next. When
many speak, steps also keep a distance, short against a frame: a step for forty sessions costs little more than one
for ten. Nothing waits when there is little to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from avatarkit.clock import Clock
from avatarkit.frames import MotionFrames
from avatarkit.server.ingress.load import Load
from avatarkit.server.observe.observer import Observer

if TYPE_CHECKING:
    from avatarkit.motion.contract import MotionEngine
    from avatarkit.server.ingress.decoding import Decoder

_STEP_S: Final = 4.0
"""Audio of those who sent much at once that one step takes on beside everybody's latest words."""
SLICE_S: Final = 0.8
"""Audio of one request in one step. Short, so that an interrupt is heard in between, and that whoever speaks in real
time does not wait for one who sends a speech at once."""
LATEST_S: Final = 0.25
"""Up to here, what waits counts as somebody's latest words."""

_DISTANCE_PER_SESSION_S: Final = 0.00016
_LONGEST_DISTANCE_S: Final = 0.016
"""From the start of one step to that of the next: the more sessions speak, the more of them shall share a step."""
_SHORTEST_WAIT_S: Final = 0.001
"""Less is not worth a timer."""
_CENSUS_S: Final = 0.1
"""How often those who speak are counted; everyone who speaks in real time has said something by then."""


class JobSource(Protocol):
    """A session's speech, as the inference sees it."""

    def next_job(self, slice_s: float) -> Job | None:
        """The next piece of work, of at most that many seconds, if there is any and none is under way."""
        ...

    def take(self, job: Job) -> None:
        """The job was done."""
        ...


@dataclass(slots=True)
class Job:
    """Some audio of one request, and what became of it."""

    source: JobSource
    decoder: Decoder
    audio: bytes
    is_last: bool
    since_s: float
    """When the oldest of the audio arrived."""
    is_caught_up: bool
    """Whether this is all that waited."""
    weights: bytes = b""
    """Quantised frames, 52 bytes each."""
    head: bytes = b""
    """Quantised head poses, 12 bytes each."""
    failure: Exception | None = None
    seconds: float = 0.0
    """Its share of the step's time."""


class Inference:
    """Runs the engine's steps.

    Args:
        engine: Makes streams. One that has ``advance(streams)`` works all of them off in one batch.
        executor: Where steps run, one at a time.
        clock: Source of time.
        observer: Is told of every step.
        load: Is told how late steps are.
    """

    def __init__(
        self, engine: MotionEngine, executor: Executor, clock: Clock, observer: Observer, load: Load
    ) -> None:
        self.engine = engine
        self.clock = clock
        self._executor = executor
        self._observer = observer
        self._load = load
        self._loop = asyncio.get_running_loop()
        self._due: dict[JobSource, None] = {}
        self._is_running = False
        self._speaking: set[JobSource] = set()
        self._counted_s = self._started_s = clock.now()
        self._distance_s = 0.0

    def wake(self, source: JobSource) -> None:
        """``source`` has work."""
        self._due[source] = None
        self._speaking.add(source)
        if not self._is_running:
            self._is_running = True
            self._begin_soon()

    def forget(self, source: JobSource) -> None:
        """``source`` is over."""
        self._due.pop(source, None)
        self._speaking.discard(source)

    def _begin_soon(self) -> None:
        """Begin the next step behind all that this round of the loop reads, and at a distance from the last step."""
        wait_s = self._started_s + self._distance_s - self.clock.now()
        if wait_s < _SHORTEST_WAIT_S:
            self._loop.call_soon(self._begin)
        else:  # a property of the machine, so it runs on the loop's clock
            self._loop.call_later(wait_s, self._begin)

    def _begin(self) -> None:
        jobs = self._gather()
        if not jobs:
            self._is_running = False
            return
        self._started_s = started_s = self.clock.now()
        self._count(started_s)
        step = self._loop.run_in_executor(self._executor, run_step, self.engine, jobs)
        step.add_done_callback(lambda done: self._end(done, jobs, started_s))

    def _count(self, now_s: float) -> None:
        """Follow how many speak."""
        if now_s - self._counted_s >= _CENSUS_S:
            self._distance_s = min(_LONGEST_DISTANCE_S, _DISTANCE_PER_SESSION_S * len(self._speaking))
            self._counted_s = now_s
            self._speaking = set()

    def _gather(self) -> list[Job]:
        """Something of everybody: the latest words of those who speak in real time, and of those who sent much at
        once as much as there is room for. Nobody is left out, for batches are what makes the engine fast."""
        jobs: list[Job] = []
        room_s = _STEP_S
        due, self._due = self._due, {}
        for source in due:
            slice_s = SLICE_S if room_s > 0.0 else LATEST_S
            job = source.next_job(slice_s)
            if job is None:
                continue
            jobs.append(job)
            if not job.is_caught_up:
                room_s -= slice_s
        return jobs

    def _end(self, done: asyncio.Future[None], jobs: list[Job], started_s: float) -> None:
        now_s = self.clock.now()
        if done.cancelled():
            return
        failure = done.exception()
        seconds = now_s - started_s
        self._observer.engine_step(len(jobs), seconds)
        late_s: float | None = None
        for job in jobs:
            job.seconds = seconds
            if isinstance(failure, Exception):
                job.failure = failure
            if job.is_caught_up and job.audio:
                late_s = max(late_s or 0.0, now_s - job.since_s)
            job.source.take(job)
        if late_s is not None:
            self._load.note(late_s)
        if self._due:
            self._begin_soon()
        else:
            self._is_running = False


def run_step(engine: MotionEngine, jobs: Sequence[Job]) -> None:
    """Make the motion of some jobs; runs on the inference thread. What one job's audio is to blame for is kept in its
    ``failure``."""
    streams: list[Any] = []
    heard: list[Job] = []
    for job in jobs:
        try:
            job.decoder.push(job.audio, is_last=job.is_last)
            streams.append(job.decoder.stream())
            heard.append(job)
        except Exception as problem:  # the others must not suffer for it
            job.failure = problem
    advance = getattr(engine, "advance", None)
    if advance is not None:
        advance(streams)
    taken: list[MotionFrames] = [stream.take() for stream in streams]
    if not any(map(len, taken)):
        return
    together = MotionFrames(np.concatenate([f.weights for f in taken]), np.concatenate([f.head for f in taken]))
    weights, head = together.quantised()
    start = 0
    for job, frames in zip(heard, taken, strict=True):
        end = start + len(frames)
        job.weights, job.head = weights[start * 52 : end * 52], head[start * 12 : end * 12]
        start = end
