"""A client that costs next to nothing, so that the server is what is measured.

Its frames are masked with zeros, which the protocol allows, so messages are made once and sent by every client.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import Any, cast

from avatarkit.protocol import avatarkit_pb2 as pb
from bench.swarm.server import Server

Heard = Callable[[pb.Message, int, float], None]
"""Takes a message of the server, its size on the wire, and the time it came at."""


def masked(payload: bytes, opcode: int = 2) -> bytes:
    """A client's frame."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65_536:
        head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, length)
    return head + b"\0\0\0\0" + payload


def configuration(sample_rate: int, *, is_opus: bool = False) -> bytes:
    wanted = pb.ClientConfigureSession(sample_rate=sample_rate, audio_format=int(is_opus))
    return masked(pb.Message(type=1, client_configure_session=wanted).SerializeToString())


def audio(req_id: str, pcm: bytes, *, end: bool = False) -> bytes:
    message = pb.ClientAudioInput(req_id=req_id, audio=pcm, end=end)
    return masked(pb.Message(type=3, client_audio_input=message).SerializeToString())


class RefusedError(Exception):
    """The upgrade was answered with that status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class Client(asyncio.Protocol):
    """One connection. ``heard`` is called for each message after the confirmation."""

    def __init__(self, server: Server, token: str, heard: Heard) -> None:
        self._request = (
            f"GET /v2/driveningress/websocket?id=default HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nX-App-ID: {server.app_id}\r\n"
            f"X-Session-Key: {token}\r\n"
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()
        self._heard = heard
        self._buffer = b""
        self._is_open = False
        self.transport: asyncio.Transport
        self.upgraded: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.close_code: int | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.close_code is None:
            self.close_code = 1006
        self._fail(ConnectionError("the server hung up"))

    def data_received(self, data: bytes) -> None:
        now_s = time.monotonic()
        self._buffer += data
        if not self._is_open:
            head, mark, rest = self._buffer.partition(b"\r\n\r\n")
            if not mark:
                return
            status = int(head.split(b" ", 2)[1])
            if status != 101:
                self._fail(RefusedError(status))
                self.transport.close()
                return
            self._is_open, self._buffer = True, rest
            self.upgraded.set_result(None)
        while (frame := self._frame()) is not None:
            self._take(*frame, now_s)

    def _fail(self, problem: Exception) -> None:
        for waited in (self.upgraded, self.confirmed):
            if not waited.done():
                waited.set_exception(problem)
                waited.exception()  # seen, whether or not somebody waits

    def _frame(self) -> tuple[int, bytes, int] | None:
        data = self._buffer
        if len(data) < 2:
            return None
        length, start = data[1] & 0x7F, 2
        if length == 126:
            if len(data) < 4:
                return None
            length, start = struct.unpack_from(">H", data, 2)[0], 4
        elif length == 127:
            if len(data) < 10:
                return None
            length, start = struct.unpack_from(">Q", data, 2)[0], 10
        if len(data) < start + length:
            return None
        self._buffer = data[start + length :]
        return data[0] & 0x0F, data[start : start + length], start + length

    def _take(self, opcode: int, payload: bytes, size: int, now_s: float) -> None:
        if opcode == 2:
            message = pb.Message.FromString(payload)
            if message.type == pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION:
                self.confirmed.set_result(None)
            else:
                self._heard(message, size, now_s)
        elif opcode == 9:
            self.transport.write(masked(payload, 10))
        elif opcode == 8:
            self.close_code = int.from_bytes(payload[:2], "big") or 1005
            self.transport.write(masked(payload[:2], 8))

    def send(self, frame: bytes) -> None:
        self.transport.write(frame)

    def close(self) -> None:
        self.transport.write(masked(struct.pack(">H", 1000), 8))
        self.transport.close()


async def connect(
    server: Server, token: str, heard: Heard, *, sample_rate: int = 16_000, is_opus: bool = False
) -> Client:
    """A client whose session is confirmed. Raises :class:`RefusedError`."""
    loop = asyncio.get_running_loop()
    made: Any = await loop.create_connection(lambda: Client(server, token, heard), *server.address)
    client = cast(Client, made[1])
    await asyncio.wait_for(client.upgraded, 30)
    client.send(configuration(sample_rate, is_opus=is_opus))
    await asyncio.wait_for(client.confirmed, 30)
    return client
