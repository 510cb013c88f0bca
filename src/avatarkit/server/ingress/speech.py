"""From audio to motion messages: one queue for each session, one inference at a time, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from avatarkit.frames import MotionFrames
from avatarkit.motion.contract import MotionEngine, MotionStream
from avatarkit.protocol import MotionChunk, ServerSession
from avatarkit.server.ingress.outbox import Outbox
from avatarkit.server.observe.observer import Observer, TurnWatch

_SLICE_S: Final = 0.4
"""Audio inferred in one go. Short, so that first motion comes soon and an interrupt is heard in between."""

_FRAMES_PER_MESSAGE: Final = 25


@dataclass(slots=True)
class _Request:
    req_id: str
    watch: TurnWatch
    audio: bytearray = field(default_factory=bytearray)
    finished: bool = False
    stream: MotionStream | None = None


class SpeechQueue:
    """Audio of a session's requests on its way to motion.

    The methods other than :meth:`run` are called as the client's messages arrive; :meth:`run` is a task.

    Args:
        session: Says which requests are still open, and makes the messages.
        outbox: Takes the messages.
        executor: Where inference runs, off the event loop.
        limit_bytes: Waiting audio above which :meth:`push` waits for room.
        observer: Is told of every step.
    """

    def __init__(
        self, session: ServerSession, outbox: Outbox, executor: Executor, limit_bytes: int, observer: Observer
    ) -> None:
        self._session = session
        self._outbox = outbox
        self._executor = executor
        self._limit_bytes = limit_bytes
        self._observer = observer
        self._engine: MotionEngine | None = None
        self._sample_rate = 0
        self._requests: deque[_Request] = deque()
        self._waiting_bytes = 0
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def configure(self, engine: MotionEngine, sample_rate: int) -> None:
        """Set the engine and the rate, in hertz, of all audio to come."""
        self._engine = engine
        self._sample_rate = sample_rate

    def begin(self, req_id: str, watch: TurnWatch) -> None:
        """A new request, behind those that are still being inferred; ``watch`` is told how it goes."""
        self._requests.append(_Request(req_id, watch))

    async def push(self, req_id: str, pcm: bytes) -> None:
        """Add audio to a request, then wait while too much is waiting: the client's socket fills up meanwhile."""
        request = self._find(req_id)
        if request is None:
            return
        request.audio += pcm
        request.watch.audio(len(pcm) / 2 / self._sample_rate)
        self._count(len(pcm))
        self._work.set()
        await self._room.wait()

    def finish(self, req_id: str) -> None:
        """No more audio for the request."""
        request = self._find(req_id)
        if request is not None:
            request.finished = True
            request.watch.finished()
            self._work.set()

    def drop(self, req_id: str) -> None:
        """Forget a request and its audio. An inference under way is not awaited; its motion is thrown away."""
        request = self._find(req_id)
        if request is not None:
            self._count(-len(request.audio))
            self._requests.remove(request)
            request.watch.ended(dropped=True)

    def abandon(self) -> None:
        """The connection is over: forget every request."""
        for request in self._requests:
            request.watch.ended(dropped=True)
        self._requests.clear()

    async def run(self) -> None:
        """Infer and send until cancelled. What the engine raises comes out here."""
        while True:
            request = self._next()
            if request is None:
                self._work.clear()
                await self._work.wait()
                continue
            await self._advance(request)

    async def _advance(self, request: _Request) -> None:
        pcm = bytes(request.audio[: self._slice_bytes])
        del request.audio[: len(pcm)]
        self._count(-len(pcm))
        is_last = request.finished and not request.audio
        started_s = self._observer.clock.now()
        chunks = await asyncio.get_running_loop().run_in_executor(
            self._executor, partial(self._infer, request, pcm, is_last=is_last)
        )
        seconds = self._observer.clock.now() - started_s
        self._observer.engine_step(1, seconds)
        request.watch.inferred(seconds)
        for chunk in chunks[:-1] if is_last else chunks:
            await self._outbox.send(partial(self._message, request, chunk))
        if is_last:
            await self._outbox.send(partial(self._end, request, chunks[-1] if chunks else None))
            if request in self._requests:
                self._requests.remove(request)
                request.watch.ended()

    def _infer(self, request: _Request, pcm: bytes, *, is_last: bool) -> list[MotionChunk]:
        """Runs on a worker thread; at most one at a time for each session."""
        if request.stream is None:
            assert self._engine is not None
            request.stream = self._engine.open(self._sample_rate)
        if pcm:
            request.stream.push(pcm)
        if is_last:
            request.stream.finish()
        return list(_chunks(request.stream.take()))

    def _message(self, request: _Request, chunk: MotionChunk) -> bytes | None:
        if not self._session.is_open(request.req_id):
            return None
        request.watch.motion(chunk.first_frame, chunk.frame_count, chunk.frame_rate)
        return self._session.motion(request.req_id, chunk)

    def _end(self, request: _Request, chunk: MotionChunk | None) -> bytes | None:
        if not self._session.is_open(request.req_id):
            return None
        if chunk is not None:
            request.watch.motion(chunk.first_frame, chunk.frame_count, chunk.frame_rate)
        return self._session.end(request.req_id, chunk)

    @property
    def _slice_bytes(self) -> int:
        return 2 * int(self._sample_rate * _SLICE_S)

    def _next(self) -> _Request | None:
        """The oldest request, if it has something to do. Only the newest can be without: the others ended."""
        if self._requests and (self._requests[0].audio or self._requests[0].finished):
            return self._requests[0]
        return None

    def _find(self, req_id: str) -> _Request | None:
        return next((request for request in self._requests if request.req_id == req_id), None)

    def _count(self, change_bytes: int) -> None:
        self._waiting_bytes += change_bytes
        if self._waiting_bytes > self._limit_bytes:
            self._room.clear()
        else:
            self._room.set()


def _chunks(frames: MotionFrames) -> Iterator[MotionChunk]:
    for start in range(0, len(frames), _FRAMES_PER_MESSAGE):
        part = MotionFrames(
            frames.weights[start : start + _FRAMES_PER_MESSAGE],
            frames.head[start : start + _FRAMES_PER_MESSAGE],
            frames.first_frame + start,
            frames.frame_rate,
        )
        weights, head = part.quantised()
        yield MotionChunk(part.first_frame, weights, head, part.frame_rate)
