"""The motion engine at work for all sessions together, off the event loop.

While one step runs on the inference thread, audio gathers; then everybody who has some takes part in the next. When
many speak, steps also keep a distance, short against a frame: a step for forty sessions costs little more than one
for ten. Nothing waits when there is little to do. And the event loop rests while a step for many runs: both share one
interpreter, and to hand that to and fro for each message that comes would take longer than the message does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor, wait
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
_LATEST_STEP_S: Final = 6.4
"""Audio of everybody's latest words that one step takes on, some 12 ms of work; who finds no room comes first in the
next step. Longer steps would bring motion in ever larger and later bursts once the server is behind."""
_LEAST_S: Final = 0.04
"""Audio that is worth a place in a step. A step is fastest that takes little of many: whatever is said in it must be
worked on in turn, but for all at once."""
SLICE_S: Final = 0.8
"""Audio of one request in one step. Short, so that an interrupt is heard in between, and that whoever speaks in real
time does not wait for one who sends a speech at once."""
LATEST_S: Final = 0.25
"""Up to here, what waits counts as somebody's latest words."""

_DISTANCE_PER_SESSION_S: Final = 0.00016
_LONGEST_DISTANCE_S: Final = 0.016
"""From the start of one step to that of the next: the more sessions speak, the more of them shall share a step."""
_CROWD: Final = 32
"""Sessions that speak, from which on the event loop rests while a step runs: several messages come in that time."""
_LONGEST_REST_S: Final = 0.02
"""Whoever else wants something of the server waits no longer."""
_SHORTEST_WAIT_S: Final = 0.001
"""Less is not worth a timer."""
_CENSUS_S: Final = 0.1
"""How often those who speak are counted; everyone who speaks in real time has said something by then."""


class JobSource(Protocol):
    """A session's speech, as the inference sees it."""

    def next_job(self, latest_s: float, much_s: float) -> Job | None:
        """The next piece of work, if there is any and none is under way: at most ``latest_s`` seconds of somebody's
        latest words, ``much_s`` of a speech that came faster than it is spoken."""
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
    is_latest: bool
    """Whether these are latest words; else it is of a speech that came faster than it is spoken."""
    audio_s: float = 0.0
    """Duration of the audio."""
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
        self._speakers = 0
        self._spent_s = 0.0

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
        distance_s = min(_LONGEST_DISTANCE_S, _DISTANCE_PER_SESSION_S * self._speakers)
        wait_s = self._started_s + distance_s - self.clock.now()
        if wait_s < _SHORTEST_WAIT_S:
            self._loop.call_soon(self._begin)
        else:  # a property of the machine, so it runs on the loop's clock
            self._loop.call_later(wait_s, self._begin)

    def _begin(self) -> None:
        jobs = self._gather()
        if not jobs:
            self._is_running = False
            return
        last_s, self._started_s = self._started_s, self.clock.now()
        started_s = self._started_s
        if self._spent_s and self._speakers >= _CROWD:
            self._load.work(min(1.0, self._spent_s / (started_s - last_s)), started_s - last_s)
        self._count(started_s)
        work = self._executor.submit(run_step, self.engine, jobs)
        step = asyncio.wrap_future(work, loop=self._loop)
        step.add_done_callback(lambda done: self._end(done, jobs, started_s))
        if self._speakers >= _CROWD:
            self._loop.call_soon(wait, (work,), _LONGEST_REST_S)

    def _count(self, now_s: float) -> None:
        """Follow how many speak."""
        if now_s - self._counted_s >= _CENSUS_S:
            self._speakers = len(self._speaking)
            self._counted_s = now_s
            self._speaking = set()

    def _gather(self) -> list[Job]:
        """Something of everybody: the latest words of those who speak in real time, and of those who sent much at
        once as much as there is room for. Only when all is late do some wait, for batches make the engine fast."""
        jobs: list[Job] = []
        due, self._due = self._due, {}
        latest_s = min(LATEST_S, max(_LEAST_S, _LATEST_STEP_S / (len(due) or 1)))
        slice_s = SLICE_S if self._speakers < _CROWD else LATEST_S
        room_s, latest_room_s = _STEP_S, _LATEST_STEP_S
        for source in due:
            if latest_room_s <= 0.0:
                self._due[source] = None
                continue
            job = source.next_job(latest_s, slice_s if room_s > 0.0 else latest_s)
            if job is None:
                continue
            jobs.append(job)
            if job.is_latest:
                latest_room_s -= job.audio_s
            else:
                room_s -= job.audio_s
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
            if job.is_latest and job.audio:
                late_s = max(late_s or 0.0, now_s - job.since_s)
            job.source.take(job)
        if late_s is not None:
            self._load.note(late_s)
        # A speech that came at once keeps steps going for as long as it lasts, and says nothing of who speaks.
        self._spent_s = self.clock.now() - started_s if all(job.is_latest for job in jobs) else 0.0
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
