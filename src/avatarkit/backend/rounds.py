"""The rounds of a session: whose audio is open, whose motion is still awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from avatarkit.backend.audio import RoundEncoder
from avatarkit.backend.tracing import current_trace
from avatarkit.protocol import new_id


class Round:
    """Speech from its first audio to its end, under one request id.

    Args:
        encoder: Turns its audio into what is sent.
    """

    def __init__(self, encoder: RoundEncoder) -> None:
        self.id = new_id()
        self.finished = False
        """All audio was given."""
        self.dropped = False
        """It was interrupted, or its audio was refused: nothing more is sent."""
        self._encoder = encoder
        self._trace = current_trace()

    def feed(self, audio: bytes, *, end: bool) -> bytes:
        """The bytes to send for this audio. What raises here drops the round."""
        try:
            data = self._encoder.feed(audio, end=end)
        except BaseException:
            self.dropped = True
            raise
        self.finished = end
        return data

    def take_trace(self) -> tuple[str, str] | None:
        """The trace context of the caller, once: it rides on the first message of a round alone."""
        trace, self._trace = self._trace, None
        return trace


class Rounds:
    """Memory of one session's rounds.

    Args:
        make_encoder: Makes the encoder of a new round.
    """

    def __init__(self, make_encoder: Callable[[], RoundEncoder]) -> None:
        self._make_encoder = make_encoder
        self._newest: Round | None = None
        self._sent_id: str | None = None
        self._awaited: dict[str, asyncio.Event] = {}

    @property
    def newest_id(self) -> str | None:
        """The id of the newest round, or ``None`` before any audio."""
        return None if self._newest is None else self._newest.id

    def current(self) -> Round:
        """The open round, or a new one."""
        if self._newest is None or self._newest.finished or self._newest.dropped:
            self._newest = Round(self._make_encoder())
        return self._newest

    def sent(self, request_id: str) -> None:
        """Audio of a round went upstream: its motion is awaited from now on."""
        self._sent_id = request_id
        self._awaited.setdefault(request_id, asyncio.Event())

    def interrupt(self) -> str | None:
        """Drop the newest round and all motion that is awaited; the id to name to the server, if it knows any."""
        if self._newest is not None:
            self._newest.dropped = True
        self.forget_all()
        return self._sent_id

    def is_awaited(self, request_id: str) -> bool:
        """Whether motion of a round may be handed out."""
        return request_id in self._awaited

    def motion_ended(self, request_id: str) -> None:
        """The last motion of a round was handed out."""
        ended = self._awaited.pop(request_id, None)
        if ended is not None:
            ended.set()

    async def wait_motion(self, request_id: str) -> None:
        """Wait until the motion of a round has ended or is not awaited any more."""
        ended = self._awaited.get(request_id)
        if ended is not None:
            await ended.wait()

    def forget_all(self) -> None:
        """Await no motion any more."""
        for ended in self._awaited.values():
            ended.set()
        self._awaited.clear()
