"""Gathers the speech of many sessions into few steps of the engine, without keeping anyone waiting for long.

When nothing runs, work starts at once; what comes while a step runs, or within a tick of its start, goes into the
next step together. So a job waits at most for the step under way or one tick, whichever is longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar, runtime_checkable

from avatarkit.clock import Clock, RealClock
from avatarkit.frames import MotionFrames
from avatarkit.motion.contract import MotionEngine, MotionStream

TICK_S: Final = 0.02
MOST_STREAMS: Final = 256
"""Streams in one step: more gain nothing and make the first wait."""

Stream_contra = TypeVar("Stream_contra", bound=MotionStream, contravariant=True)


@runtime_checkable
class BatchedEngine(Protocol[Stream_contra]):
    """An engine that can work off several of its streams in one go."""

    def advance(self, streams: Sequence[Stream_contra]) -> None:
        """Work off what was pushed into these streams; ``take`` then finds the frames ready."""
        ...


@dataclass(frozen=True, slots=True)
class _Job:
    stream: MotionStream
    pcm: bytes
    last: bool
    done: asyncio.Future[MotionFrames]


class Batcher:
    """Steps one engine for many sessions. All methods belong to one event loop.

    Args:
        engine: One without ``advance`` works too; its streams are then stepped one after the other.
        executor: Where the engine runs, off the event loop; ``None`` is the loop's default threads.
        clock: Time for the tick.
        tick_s: Steps start at least this far apart, unless nothing has waited.
    """

    def __init__(
        self,
        engine: MotionEngine,
        *,
        executor: Executor | None = None,
        clock: Clock | None = None,
        tick_s: float = TICK_S,
    ) -> None:
        self._engine = engine
        self._executor = executor
        self._clock = clock or RealClock()
        self._tick_s = tick_s
        self._waiting: list[_Job] = []
        self._runner: asyncio.Task[None] | None = None
        self._started_s = -tick_s

    async def infer(self, stream: MotionStream, pcm: bytes, *, last: bool = False) -> MotionFrames:
        """Push PCM into a stream of the engine (and finish it), and return the frames that are ready after it.

        One call at a time for each stream. What the engine raises comes out here. A cancelled call's audio may or may
        not have gone in.
        """
        job = _Job(stream, pcm, last, asyncio.get_running_loop().create_future())
        self._waiting.append(job)
        if self._runner is None:
            self._runner = asyncio.create_task(self._run())
        return await job.done

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._clock.sleep_until(self._started_s + self._tick_s)
                self._started_s = self._clock.now()
                while self._waiting:
                    jobs, self._waiting = self._waiting[:MOST_STREAMS], self._waiting[MOST_STREAMS:]
                    await self._step([job for job in jobs if not job.done.cancelled()])
                    if len(jobs) < MOST_STREAMS:
                        break
        finally:
            self._runner = None

    async def _step(self, jobs: list[_Job]) -> None:
        loop = asyncio.get_running_loop()
        results = await loop.run_in_executor(self._executor, self._infer, jobs)
        for job, result in zip(jobs, results, strict=True):
            if job.done.done():
                continue
            if isinstance(result, MotionFrames):
                job.done.set_result(result)
            else:
                job.done.set_exception(result)

    def _infer(self, jobs: list[_Job]) -> list[MotionFrames | Exception]:
        """On a worker thread. One stream's failure is its own."""
        results: dict[int, MotionFrames | Exception] = {}
        sound: list[MotionStream] = []
        for i, job in enumerate(jobs):
            try:
                if job.pcm:
                    job.stream.push(job.pcm)
                if job.last:
                    job.stream.finish()
                sound.append(job.stream)
            except Exception as reason:  # handed to the caller
                results[i] = reason
        if isinstance(self._engine, BatchedEngine):
            self._engine.advance(sound)
        for i, job in enumerate(jobs):
            if i not in results:
                results[i] = job.stream.take()
        return [results[i] for i in range(len(jobs))]
