"""What a controller tells, as values, and the stream of them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from avatarkit.errors import AvatarError
from avatarkit.types import AnimationType, ConnectionState, ConversationState, FrameRateInfo

MAX_WAITING: Final = 1000
"""Events that may wait for a slow listener; the oldest make room."""


@dataclass(frozen=True, slots=True)
class ConnectionStateChanged:
    """The connection has a new state."""

    state: ConnectionState


@dataclass(frozen=True, slots=True)
class ConversationStateChanged:
    """The avatar begins to do something else."""

    state: ConversationState


@dataclass(frozen=True, slots=True)
class AnimationStateChanged:
    """Something else moves the face from now on."""

    animation: AnimationType


@dataclass(frozen=True, slots=True)
class ErrorRaised:
    """An error that no call of the app raises, or the reason why ``start`` failed."""

    error: AvatarError


@dataclass(frozen=True, slots=True)
class PlaybackStalled:
    """In ``strictSync``: the voice halts for want of motion, or goes on."""

    stalled: bool


@dataclass(frozen=True, slots=True)
class PlaybackStarted:
    """The first sound of a round is heard."""

    conversation_id: str


@dataclass(frozen=True, slots=True)
class PlaybackProgress:
    """How far a round was heard."""

    conversation_id: str
    position_s: float


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """A round is over; told exactly once for each round."""

    conversation_id: str
    position_s: float
    """Seconds of it that were heard."""
    interrupted: bool
    """Whether something was left unheard on purpose: an interrupt, a new round, a close."""


@dataclass(frozen=True, slots=True)
class AudioOutputChanged:
    """The sound device went away, and the conversation goes on in silence; or there is one again."""

    available: bool


@dataclass(frozen=True, slots=True)
class FrameRateMeasured:
    """Statistics of drawing, while the monitor is on."""

    info: FrameRateInfo


AvatarEvent = (
    ConnectionStateChanged
    | ConversationStateChanged
    | AnimationStateChanged
    | ErrorRaised
    | PlaybackStalled
    | PlaybackStarted
    | PlaybackProgress
    | PlaybackFinished
    | AudioOutputChanged
    | FrameRateMeasured
)
"""Any event of a controller."""


class EventStreams:
    """Hands each event to everyone who listens. Memory is bounded; nobody's slowness stops another."""

    def __init__(self) -> None:
        self._queues: list[_Queue] = []
        self._closed = False

    def emit(self, event: AvatarEvent) -> None:
        """Hand an event on."""
        for queue in self._queues:
            queue.put(event)

    def close(self) -> None:
        """No more events: listeners get what waits, then their loops end. Idempotent."""
        self._closed = True
        for queue in self._queues:
            queue.put(None)

    def listen(self) -> AsyncIterator[AvatarEvent]:
        """Events from this call on."""
        queue = _Queue()
        if self._closed:
            queue.put(None)
        else:
            self._queues.append(queue)
        return self._drain(queue)

    async def _drain(self, queue: _Queue) -> AsyncIterator[AvatarEvent]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            if queue in self._queues:
                self._queues.remove(queue)


class _Queue:
    def __init__(self) -> None:
        self._items: deque[AvatarEvent | None] = deque(maxlen=MAX_WAITING)
        self._wake = asyncio.Event()

    def put(self, item: AvatarEvent | None) -> None:
        self._items.append(item)
        self._wake.set()

    async def get(self) -> AvatarEvent | None:
        while not self._items:
            self._wake.clear()
            await self._wake.wait()
        return self._items.popleft()
