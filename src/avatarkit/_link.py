"""One session with a Motion Server, at work: handshake, a writer and a reader."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Final

from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.protocol import ClientEvent, ProtocolError, ServerErrorReceived
from avatarkit.protocol.client_session import ClientSession
from avatarkit.transport.contract import Connect, Connection, ConnectionEnded, Target
from avatarkit.transport.errors import server_error

_log = logging.getLogger(__name__)
MAX_OUTGOING_BYTES: Final = 64 * 1024 * 1024
"""Audio that may wait for a slow network; more ends the connection."""


@dataclass(frozen=True, slots=True)
class WireFormat:
    """Audio as it goes upstream."""

    sample_rate: int
    """Hertz."""
    is_ogg_opus: bool = False
    bitrate: int = 0
    """Of Opus that we encode; 0 for any other audio."""


class Link:
    """A confirmed session. Sending never blocks; what comes in goes to ``on_event``.

    ``on_end`` is called once, with the error or ``None`` for a clean end, unless :meth:`close` came first.
    """

    def __init__(self, connection: Connection, session: ClientSession) -> None:
        self._connection = connection
        self._session = session
        self._outgoing: deque[tuple[str, bytes]] = deque()  # request id and message
        self._outgoing_bytes = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None
        self._on_event: Callable[[ClientEvent], None] | None = None
        self._on_end: Callable[[AvatarError | None], None] | None = None

    @classmethod
    async def open(
        cls, connect: Connect, target: Target, wire: WireFormat, extra_params: Mapping[str, str] | None = None
    ) -> Link:
        """Connect, configure, with what else is asked of the server, and wait for the confirmation.

        Raises:
            AvatarError: What the server answered instead, or what the network did.
        """
        connection = await connect(target)
        session = ClientSession()
        try:
            await connection.send(
                session.configure(
                    wire.sample_rate,
                    is_ogg_opus=wire.is_ogg_opus,
                    bitrate=wire.bitrate,
                    extra_params=extra_params,
                )
            )
            message = await connection.receive()
            events = session.receive_text(message) if isinstance(message, str) else session.receive_bytes(message)
            for event in events:
                if isinstance(event, ServerErrorReceived):
                    raise server_error(event.code, event.message)
        except ConnectionEnded as exc:
            await connection.close()
            raise exc.error or _closed_early() from None
        except ProtocolError as exc:
            await connection.close()
            raise error(ErrorCode.WEBSOCKET_ERROR, f"The server broke the protocol: {exc}.") from exc
        except BaseException:
            await connection.close()
            raise
        return cls(connection, session)

    def run(self, on_event: Callable[[ClientEvent], None], on_end: Callable[[AvatarError | None], None]) -> None:
        """Begin to write and read."""
        self._on_event, self._on_end = on_event, on_end
        self._tasks = [
            asyncio.create_task(self._guard(self._write()), name="avatarkit link writer"),
            asyncio.create_task(self._guard(self._read()), name="avatarkit link reader"),
        ]

    def send_audio(self, req_id: str, data: bytes, *, end: bool) -> None:
        """Queue audio of a request."""
        for message in self._session.audio(req_id, data, end=end):
            self._queue(req_id, message)
        if self._outgoing_bytes > MAX_OUTGOING_BYTES:
            self.end(error(ErrorCode.WEBSOCKET_ERROR, "The network is too slow for the audio.", phase=Phase.INTERACT))

    def interrupt(self, req_id: str) -> None:
        """Drop a request: what waits to be sent of it is thrown away, and the server is told."""
        kept = [item for item in self._outgoing if item[0] != req_id]
        self._outgoing = deque(kept)
        self._outgoing_bytes = sum(len(message) for _, message in kept)
        self._queue(req_id, self._session.interrupt(req_id))

    def end(self, reason: AvatarError | None) -> None:
        """End the session; ``on_end`` gets the reason. Idempotent."""
        on_end, self._on_end = self._on_end, None
        if on_end is None:
            return
        self._closing = asyncio.create_task(self.close(), name="avatarkit link close")  # held until it is done
        on_end(reason)

    async def close(self) -> None:
        """End the session cleanly. Idempotent; ``on_end`` is not called any more."""
        self._on_end = None
        others = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._connection.close()

    def _queue(self, req_id: str, message: bytes) -> None:
        self._outgoing.append((req_id, message))
        self._outgoing_bytes += len(message)
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._outgoing:
                _, message = self._outgoing.popleft()
                self._outgoing_bytes -= len(message)
                await self._connection.send(message)

    async def _read(self) -> None:
        while True:
            message = await self._connection.receive()
            events = (
                self._session.receive_text(message)
                if isinstance(message, str)
                else self._session.receive_bytes(message)
            )
            for event in events:
                if self._on_event is not None and self._on_end is not None:
                    self._on_event(event)

    async def _guard(self, work: Coroutine[None, None, None]) -> None:
        """Turn the end of the connection, or a bug of ours, into one call of ``on_end``."""
        try:
            await work
        except ConnectionEnded as exc:
            self.end(exc.error)
        except Exception:
            _log.exception("the connection's handling failed")
            self.end(error(ErrorCode.WEBSOCKET_ERROR, "The connection's handling failed.", phase=Phase.INTERACT))


def _closed_early() -> AvatarError:
    return error(ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED, "The server closed before it confirmed.", phase=Phase.CONNECT)
