"""Stand-ins for what a client meets: a Motion Server, a renderer, a surface, a draw thread without a thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avatarkit import AvatarController, ConnectionState, ConversationState, ErrorCode
from avatarkit.avatars import Bundle, BundleInfo
from avatarkit.clock import VirtualClock
from avatarkit.errors import AvatarError
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames, Pose
from avatarkit.protocol import MotionChunk, chunk_to_message
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.render.contract import Image
from avatarkit.transport.contract import ConnectionEnded, Target
from avatarkit.types import Avatar, Camera

RATE = 16000
AVATAR = Avatar("someone", "Someone", 1, "0" * 64, Path("/nowhere.glb"), is_from_cache=True)
JAW = ARKIT_INDEX["jawOpen"]


def speech(seconds: float) -> bytes:
    return b"\x01\x02" * round(seconds * RATE)


def motion(first: int, count: int, *, shape: int = JAW, weight: float = 1.0) -> MotionFrames:
    weights = np.zeros((count, WEIGHT_COUNT), np.float32)
    weights[:, shape] = weight
    return MotionFrames(weights, np.zeros((count, HEAD_COUNT), np.float32), first)


class FakeConnection:
    """The client's end of a connection whose server the test plays."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.received: list[pb.Message] = []  # what the client sent
        self.closed = False
        self._incoming: deque[bytes | str | ConnectionEnded] = deque()
        self._wake = asyncio.Event()

    # the client's side

    async def receive(self) -> bytes | str:
        while not self._incoming:
            self._wake.clear()
            await self._wake.wait()
        item = self._incoming.popleft()
        if isinstance(item, ConnectionEnded):
            raise item
        return item

    async def send(self, data: bytes) -> None:
        if self.closed:
            raise ConnectionEnded(None)
        self.received.append(pb.Message.FromString(data))

    async def close(self) -> None:
        self.closed = True

    # the server's side

    def push(self, item: bytes | str | ConnectionEnded) -> None:
        self._incoming.append(item)
        self._wake.set()

    def confirm(self) -> None:
        confirmation = pb.ServerConfirmSession(connection_id="connection")
        self.push(
            pb.Message(
                type=pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION, server_confirm_session=confirmation
            ).SerializeToString()
        )

    def error(self, code: int, text: str, req_id: str = "") -> None:
        report = pb.ServerError(code=code, message=text, req_id=req_id)
        self.push(pb.Message(type=pb.MESSAGE_TYPE_SERVER_ERROR, server_error=report).SerializeToString())

    def motion(self, req_id: str, first: int, count: int, *, end: bool = False, version: int = 1) -> None:
        response = pb.ServerResponseAnimation(req_id=req_id, end=end)
        if count:
            weights, head = motion(first, count).quantised()
            response.motion.CopyFrom(chunk_to_message(MotionChunk(first, weights, head)))
            response.motion.version = version
        self.push(
            pb.Message(
                type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=response
            ).SerializeToString()
        )

    def end(self, reason: AvatarError | None) -> None:
        self.push(ConnectionEnded(reason))

    @property
    def audio(self) -> list[tuple[str, int, bool]]:
        """Id, bytes and end flag of the audio that arrived."""
        inputs = [m.client_audio_input for m in self.received if m.HasField("client_audio_input")]
        return [(i.req_id, len(i.audio), i.end) for i in inputs]

    @property
    def interrupts(self) -> list[str]:
        return [m.client_interrupt.req_id for m in self.received if m.HasField("client_interrupt")]


class FakeServer:
    """Answers connections. By default every session is confirmed at once."""

    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []
        self.answer: Callable[[FakeConnection], None] = FakeConnection.confirm
        self.refusal: AvatarError | None = None
        self.unreachable = False

    async def connect(self, target: Target) -> FakeConnection:
        if self.unreachable:
            await asyncio.get_running_loop().create_future()
        if self.refusal is not None:
            raise self.refusal
        connection = FakeConnection(target)
        self.connections.append(connection)
        self.answer(connection)
        return connection

    @property
    def last(self) -> FakeConnection:
        return self.connections[-1]


class FakeRenderer:
    """Draws one pixel and remembers the poses."""

    def __init__(self) -> None:
        self.poses: list[Pose] = []
        self.closed = 0
        self.failure: Exception | None = None

    def load(self, bundle: Bundle) -> None:
        assert isinstance(bundle, Bundle)

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> Image:
        del camera, size
        if self.failure is not None:
            raise self.failure
        self.poses.append(pose)
        return np.zeros((1, 1, 4), np.uint8)

    def close(self) -> None:
        self.closed += 1


class FakeSurface:
    """Remembers when frames and sound were for."""

    size = (1, 1)
    frame_rate = 25.0

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self.sound: list[tuple[float, int]] = []  # time and samples
        self.closed = False

    def present(self, image: Image, time_s: float) -> None:
        del image
        self.times_s.append(time_s)

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        assert sample_rate == RATE
        self.sound.append((time_s, len(pcm)))

    def close(self) -> None:
        self.closed = True


class InlineDraw:
    """A draw thread that works at once, so that virtual time holds for it too."""

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(0)
        return work(*args)

    def post(self, work: Callable[..., Any], *args: Any) -> None:
        work(*args)

    def stop(self) -> None:
        pass


class Watch:
    """Everything a controller tells."""

    def __init__(self, controller: AvatarController) -> None:
        self.connection: list[ConnectionState] = []
        self.conversation: list[ConversationState] = []
        self.errors: list[ErrorCode] = []
        controller.on_connection_state = self.connection.append
        controller.on_conversation_state = self.conversation.append
        controller.on_error = lambda reason: self.errors.append(reason.code)


class InstantClock(VirtualClock):
    """Time that passes as soon as somebody waits for it."""

    async def sleep_until(self, deadline_s: float) -> None:
        self._now_s = max(self._now_s, deadline_s)
        await asyncio.sleep(0)


def bundle() -> Bundle:
    return Bundle(BundleInfo("Someone", "CC0-1.0", "nobody"), ())
