"""A client's end of a connection whose server the test plays, at the seam where a real client has its socket."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from avatarkit.frames import MotionFrames
from avatarkit.protocol import MotionChunk, chunk_to_message
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.transport.contract import ConnectionEnded, Target


class PlayedConnection:
    """Implements ``transport.contract.Connection``; the other methods are the server's."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.received: list[pb.Message] = []  # what the client sent
        self.closed = False
        self._incoming: deque[bytes | str | ConnectionEnded] = deque()
        self._wake = asyncio.Event()

    async def receive(self) -> bytes | str:
        while not self._incoming:
            self._wake.clear()
            await self._wake.wait()
        item = self._incoming.popleft()
        if isinstance(item, ConnectionEnded):
            self.closed = True
            raise item
        return item

    async def send(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionEnded(None)
        self.received.append(pb.Message.FromString(data))

    async def close(self) -> None:
        self.closed = True

    def push(self, item: bytes | str | ConnectionEnded) -> None:
        self._incoming.append(item)
        self._wake.set()

    def message(self, **fields: Any) -> None:
        self.push(pb.Message(**fields).SerializeToString())

    def confirm(self) -> None:
        confirmation = pb.ServerConfirmSession(connection_id="connection")
        self.message(type=pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION, server_confirm_session=confirmation)

    def error(self, code: int, text: str, req_id: str = "") -> None:
        report = pb.ServerError(code=code, message=text, req_id=req_id)
        self.message(type=pb.MESSAGE_TYPE_SERVER_ERROR, server_error=report)

    def answer(self, req_id: str, frames: MotionFrames | None, *, end: bool = False, version: int = 1) -> None:
        self.push(answer_message(req_id, frames, end=end, version=version))


def answer_message(req_id: str, frames: MotionFrames | None, *, end: bool = False, version: int = 1) -> bytes:
    """A ``ServerResponseAnimation`` as the server sends it; ``None`` frames is one without motion."""
    response = pb.ServerResponseAnimation(req_id=req_id, end=end)
    if frames is not None:
        response.motion.CopyFrom(chunk_to_message(MotionChunk(frames.first_frame, *frames.quantised())))
        response.motion.version = version
    message = pb.Message(type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=response)
    return message.SerializeToString()
