"""One client's WebSocket after the upgrade: messages in and out, keepalive, an orderly close."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast

from avatarkit.server.ingress.framing import (
    FrameError,
    FrameReader,
    Opcode,
    binary_frame,
    close_code_of,
    close_frame,
    ping_frame,
    pong_frame,
)

CLOSE_TIMEOUT_S: Final = 5.0
"""A client that does not answer the close is not waited for any longer."""
BROKEN_CLOSE_TIMEOUT_S: Final = 1.0
"""Time to read why, for a client whose bytes, its own close among them, can be understood no more."""
KEEPALIVE_S: Final = 20.0
"""A client that was silent that long is pinged; one that stays silent as long again is gone."""
WRITE_BUFFER_BYTES: Final = 64 * 1024
"""Bytes that may wait to be sent, about 40 s of motion, before the session stops making more."""

_ABNORMAL: Final = 1006


class SocketOwner(Protocol):
    """Who is told what happens on a socket. Never called after :meth:`lost`, nor after ``close`` of the socket."""

    def heard(self, frames: int) -> None:
        """So many frames of any kind came; the messages that they hold follow, unless this closes the socket."""
        ...

    def received(self, data: bytes | None) -> None:
        """A binary message came; ``None`` stands for a text message."""
        ...

    def broke_rules(self, code: int, reason: str) -> None:
        """The frame layer was violated: close with ``code``."""
        ...

    def flowing(self, *, is_flowing: bool) -> None:
        """The client began to read too slowly, or caught up."""
        ...

    def lost(self, code: int) -> None:
        """The client closed, or vanished (1006)."""
        ...


class MotionSocket(asyncio.Protocol):
    """Owns the transport of an upgraded connection.

    Args:
        transport: Upgraded; no byte of the client was read after the upgrade.
        owner: Is told of messages.
        max_bytes: Longest message of the client.
    """

    def __init__(self, transport: asyncio.Transport, owner: SocketOwner, max_bytes: int) -> None:
        self._transport = transport
        self._owner: SocketOwner | None = owner
        self._reader = FrameReader(max_bytes)
        self._is_broken = False
        self._is_held = False
        self._is_full = False
        self._heard = True
        self._pinged = False
        self._loop = asyncio.get_running_loop()
        transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        transport.set_protocol(self)
        # Keepalive is a property of the real network, so it runs on the loop's clock.
        self._timer = self._loop.call_later(KEEPALIVE_S, self._keep_alive)

    # --- used by the owner ----------------------------------------------------------------------------------

    def send(self, message: bytes) -> None:
        """Send a binary message; does nothing on a socket that is closed."""
        if self._owner is not None:
            self._transport.write(binary_frame(message))

    def close(self, code: int, reason: str, last_words: bytes | None = None) -> None:
        """Send a last message and the close, and wait a while for the client's. Idempotent."""
        if self._owner is None:
            return
        if last_words is not None:
            self.send(last_words)
        self._owner = None
        self._transport.write(close_frame(code, reason))
        self._is_held = self._is_full = False
        self._read_or_not()
        self._timer.cancel()
        wait_s = BROKEN_CLOSE_TIMEOUT_S if self._is_broken else CLOSE_TIMEOUT_S
        self._timer = self._loop.call_later(wait_s, self._transport.abort)

    def hold(self, *, is_held: bool) -> None:
        """Read nothing, or read again: TCP then makes the client wait."""
        self._is_held = is_held
        self._read_or_not()

    # --- called by the event loop ---------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Bytes of the client."""
        if self._is_broken:
            return  # what comes behind an error cannot be understood
        self._heard = True
        try:
            already = self._reader.frames
            messages = self._reader.receive(data)
            if self._owner is not None and self._reader.frames > already:
                self._owner.heard(self._reader.frames - already)
            for opcode, payload in messages:
                if opcode is Opcode.BINARY:
                    if self._owner is not None:
                        self._owner.received(payload)
                else:
                    self._other(opcode, payload)
        except FrameError as problem:
            self._is_broken = True
            if self._owner is None:
                self._transport.abort()
            else:
                self._owner.broke_rules(problem.code, problem.reason)

    def eof_received(self) -> bool:
        """The client will send nothing more."""
        return False

    def pause_writing(self) -> None:
        """More waits to be sent than should: a client that does not read is not listened to either."""
        self._is_full = True
        self._read_or_not()
        if self._owner is not None:
            self._owner.flowing(is_flowing=False)

    def resume_writing(self) -> None:
        """Most was sent."""
        self._is_full = False
        self._read_or_not()
        if self._owner is not None:
            self._owner.flowing(is_flowing=True)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del exc
        self._timer.cancel()
        self._lose(_ABNORMAL)

    def _other(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.TEXT:
            try:
                payload.decode()
            except UnicodeDecodeError:
                raise FrameError(1007, "a text message is not UTF-8") from None
            if self._owner is not None:
                self._owner.received(None)
        elif opcode is Opcode.PING:
            if self._owner is not None:
                self._transport.write(pong_frame(payload))
        elif opcode is Opcode.CLOSE:
            code = close_code_of(payload)
            if self._owner is not None:
                self._transport.write(close_frame(code))
            self._transport.close()
            self._lose(code)

    def _read_or_not(self) -> None:
        if self._is_held or (self._is_full and self._owner is not None):
            self._transport.pause_reading()
        elif not self._transport.is_closing():
            self._transport.resume_reading()

    def _lose(self, code: int) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.lost(code)

    def _keep_alive(self) -> None:
        if self._is_held or self._is_full:
            self._heard = True  # it may well be talking: nobody listens
        if not self._heard and self._pinged:
            self._transport.abort()
            self._lose(_ABNORMAL)
            return
        self._pinged = not self._heard
        if self._pinged:
            self._transport.write(ping_frame(b"avatarkit"))
        self._heard = False
        self._timer = self._loop.call_later(KEEPALIVE_S, self._keep_alive)


def transport_of(transport: asyncio.BaseTransport) -> asyncio.Transport:
    """The same transport; event loops promise too little of its type."""
    return cast(asyncio.Transport, transport)
