"""A Console and a Motion Server inside the test: the published messages, no sockets, no waiting."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from avatarkit.errors import AvatarError
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.transport.contract import ConnectionEnded, Target
from avatarkit.transport.errors import close_error

NOW = 1_800_000_000.0


def confirmation() -> bytes:
    body = pb.ServerConfirmSession(connection_id="20260101000000_abcdefghijkl", capabilities=["playback_control"])
    return pb.Message(type=pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION, server_confirm_session=body).SerializeToString()


def failure(code: int, text: str) -> bytes:
    body = pb.ServerError(code=code, message=text)
    return pb.Message(type=pb.MESSAGE_TYPE_SERVER_ERROR, server_error=body).SerializeToString()


def motion(request_id: str, *, end: bool = False, frame: int = 0) -> bytes:
    body = pb.ServerResponseAnimation(req_id=request_id, end=end)
    body.motion.CopyFrom(
        pb.MotionChunk(
            version=1, frame_rate=25.0, first_frame=frame, frame_count=1, weights=bytes(52), head=bytes(12)
        )
    )
    # A field that this version does not know must reach the renderer too.
    envelope = pb.Message(type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=body)
    return envelope.SerializeToString() + b"\xa2\x1f\x03new"


class FakeConnection:
    """Implements ``transport.contract.Connection``; the test plays the server by ``say`` and ``hang_up``."""

    def __init__(self) -> None:
        self.heard: list[pb.Message] = []
        self.closed = False
        self._inbox: asyncio.Queue[bytes | str | ConnectionEnded] = asyncio.Queue()
        self._end: ConnectionEnded | None = None
        self.on_message: Callable[[pb.Message], None] = lambda _message: None

    def say(self, data: bytes | str) -> None:
        self._inbox.put_nowait(data)

    def hang_up(self, code: int = 1000, reason: str = "") -> None:
        self._inbox.put_nowait(ConnectionEnded(close_error(code, reason)))

    async def receive(self) -> bytes | str:
        if self._end is None:
            data = await self._inbox.get()
            if not isinstance(data, ConnectionEnded):
                return data
            self._end = data
        raise self._end

    async def send(self, data: bytes) -> None:
        if self._end is not None:
            raise self._end
        message = pb.Message.FromString(data)
        self.heard.append(message)
        self.on_message(message)
        await asyncio.sleep(0)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.hang_up()

    def audio(self) -> list[pb.ClientAudioInput]:
        return [m.client_audio_input for m in self.heard if m.type == pb.MESSAGE_TYPE_CLIENT_AUDIO_INPUT]


@dataclass
class FakeUpstream:
    """Hands out connections that answer the configuration with ``greeting``."""

    greeting: bytes | str | None = field(default_factory=confirmation)
    refuse: list[AvatarError] = field(default_factory=list)
    """Errors for the next attempts to connect."""
    connections: list[FakeConnection] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    token_requests: list[httpx.Request] = field(default_factory=list)
    token_status: int = 200
    token_body: object = None

    async def connect(self, target: Target) -> FakeConnection:
        self.targets.append(target)
        if self.refuse:
            raise self.refuse.pop(0)
        connection = FakeConnection()
        if self.greeting is not None:
            connection.say(self.greeting)
        self.connections.append(connection)
        return connection

    def console(self, request: httpx.Request) -> httpx.Response:
        self.token_requests.append(request)
        body = {"sessionToken": f"token-{len(self.token_requests)}"} if self.token_body is None else self.token_body
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return httpx.Response(self.token_status, content=content)

    @property
    def connection(self) -> FakeConnection:
        return self.connections[-1]
