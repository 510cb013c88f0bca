"""Stand-ins for what a client meets: a Motion Server, a renderer, a surface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from played_connection import PlayedConnection

from avatarkit import AvatarController, ConnectionState, ConversationState, ErrorCode
from avatarkit.avatars import Bundle, BundleInfo
from avatarkit.clock import VirtualClock
from avatarkit.errors import AvatarError
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames, Pose
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


class FakeConnection(PlayedConnection):
    """A connection in the words of these tests."""

    def motion(self, req_id: str, first: int, count: int, *, end: bool = False, version: int = 1) -> None:
        self.answer(req_id, motion(first, count) if count else None, end=end, version=version)

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
