"""uvicorn's HTTP connection, within limits: nobody holds one, or memory, by sending or reading slowly."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES: Final = 64 * 1024
"""Longest request line with headers; one read of the socket more may have come before it is noticed."""
HEAD_TIMEOUT_S: Final = 10.0
"""A request's head is complete by then, or the connection ends."""
BODY_STALL_S: Final = 30.0
"""A body of which nothing comes for that long ends the connection."""
READ_STALL_S: Final = 60.0
"""So does a client that takes nothing of an answer for that long."""

_ANSWER: Final = "HTTP/1.1 {}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class _Phase(Enum):
    """Which part of a request comes next."""

    HEAD = 1
    BODY = 2
    NOTHING = 3
    """A request was read whole; uvicorn's own keep-alive limits what comes after its answer."""


class LimitedHttp(HttpToolsProtocol):
    """One HTTP connection until it is closed or upgraded. Its limits are properties of the real network, so they run
    on the loop's clock."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._phase = _Phase.HEAD
        self._head_bytes = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody connected."""
        super().connection_made(transport)
        self._wait(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._stop_waiting()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of the client: any parts of any requests."""
        was_in_head = self._phase is _Phase.HEAD
        super().data_received(data)
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            self._stop_waiting()
        elif self._phase is _Phase.BODY:
            if not self._is_answered():
                self._wait(BODY_STALL_S)  # what comes behind an early answer extends nothing
        elif self._phase is _Phase.NOTHING and not self._is_answered():
            self._stop_waiting()
        elif not was_in_head or self._waiting is None:
            self._head_bytes = 0
            self._wait(HEAD_TIMEOUT_S)
        else:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._give_up("431 Request Header Fields Too Large")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._phase = _Phase.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Its head was read."""
        self._phase = _Phase.BODY
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of it was read."""
        self._phase = _Phase.NOTHING
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        if self._writing is None:
            self._writing = self.loop.call_later(READ_STALL_S, self.transport.abort)

    def resume_writing(self) -> None:
        """It caught up."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    def _is_answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self, seconds: float) -> None:
        self._stop_waiting()
        self._waiting = self.loop.call_later(seconds, self._waited, seconds)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _waited(self, seconds: float) -> None:
        if self.flow.read_paused:  # the server is busy with what came before
            self._wait(seconds)
        else:
            self._give_up("408 Request Timeout")

    def _give_up(self, status: str) -> None:
        """End the connection, with a word where a head has begun and no answer is on its way."""
        self._stop_waiting()
        if self._phase is _Phase.HEAD and self.headers is not None and self._is_answered():
            self.transport.write(_ANSWER.format(status).encode())
        self.transport.close()
