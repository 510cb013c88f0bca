"""A real client, real sockets, and a bad network between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_server import FaultProxy, FaultServer, chunk

import avatarkit._view
import avatarkit.transport.websocket
from avatarkit import (
    Avatar,
    AvatarController,
    AvatarError,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConnectionState,
    ConversationState,
    ErrorCode,
    ReconnectPolicy,
)
from avatarkit.avatars import Bundle, BundleInfo
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol import chunk_to_message
from avatarkit.render import OffscreenSurface
from avatarkit.types import Camera

C, V = ConnectionState, ConversationState
JAW, PUFF = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["cheekPuff"]


class Recorder:
    def __init__(self) -> None:
        self.poses: list[Pose] = []

    def load(self, bundle: Bundle) -> None:
        pass

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        self.poses.append(pose)
        return np.zeros((size[1], size[0], 4), np.uint8)

    def close(self) -> None:
        pass


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    made = FaultServer()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def proxy(server: FaultServer) -> AsyncIterator[FaultProxy]:
    made = FaultProxy(server)
    await made.start()
    yield made
    await made.stop()


class Client:
    """A view on the far side of the proxy, and what it told."""

    def __init__(self, view: AvatarView, renderer: Recorder) -> None:
        self.view, self.renderer = view, renderer
        self.errors: list[ErrorCode] = []
        view.controller.on_error = lambda reason: self.errors.append(reason.code)

    @property
    def controller(self) -> AvatarController:
        return self.view.controller

    async def until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - conditions of all kinds
                await asyncio.sleep(0.005)

    async def state(self, state: ConnectionState, within_s: float = 5.0) -> None:
        await self.until(lambda: self.controller.connection_state is state, within_s)

    async def speak_to_the_end(self, seconds: float = 0.3) -> None:
        """Say a round; the face follows, in a later one where a busy machine drew no frame in time."""
        for _ in range(3):
            before = len(self.renderer.poses)
            self.controller.send(b"\1\2" * round(16000 * seconds), end=True)
            await self.until(lambda: self.controller.conversation_state is V.PLAYING)
            await self.until(lambda: self.controller.conversation_state is V.IDLE)
            if max((pose.weights[JAW] for pose in self.renderer.poses[before:]), default=0.0) > 0.5:
                return
        raise AssertionError("the face did not speak")


@pytest.fixture
async def client(
    proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[Client]:
    monkeypatch.setattr(
        avatarkit._view, "read_bundle", lambda path: Bundle(BundleInfo("Someone", "CC0-1.0", "nobody"), ())
    )
    await AvatarSDK.cleanup()
    attempts = getattr(request, "param", 0)
    await AvatarSDK.initialize(
        "app",
        Configuration(
            endpoint=f"http://127.0.0.1:{proxy.port}",
            cache_dir=tmp_path,
            connect_timeout_s=3.0,
            reconnect=ReconnectPolicy(attempts, 0.1, 0.4),
        ),
    )
    AvatarSDK.set_session_token("token")
    renderer = Recorder()
    avatar = Avatar("someone", "Someone", 1, "0" * 64, Path("/nowhere.glb"), is_from_cache=True)
    surface = OffscreenSurface((2, 2), 50.0)
    async with AvatarView(avatar, surface, speaker="silent", renderer=renderer, seed=1) as view:
        yield Client(view, renderer)
    await AvatarSDK.cleanup()
    leftover = {task.get_name() for task in asyncio.all_tasks()}
    assert not any(name.startswith("avatarkit") for name in leftover), leftover


async def test_latency_and_jitter(client: Client, proxy: FaultProxy) -> None:
    proxy.delay_s, proxy.jitter_s = 0.03, 0.05
    await client.controller.start()
    for _ in range(3):
        await client.speak_to_the_end()
    assert client.errors == []
    assert client.controller.connection_state is C.CONNECTED


async def test_narrow_network(client: Client, proxy: FaultProxy) -> None:
    await client.controller.start()
    proxy.rate_bytes_per_s = 60_000.0
    await client.speak_to_the_end(0.5)
    assert client.errors == []


async def test_lost_connection(client: Client, proxy: FaultProxy) -> None:
    await client.controller.start()
    client.controller.send(b"\1\2" * 4800)
    await client.until(lambda: client.controller.conversation_state is V.PLAYING)
    proxy.cut()
    await client.state(C.FAILED)
    assert client.errors == [ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY]
    await client.until(lambda: client.controller.conversation_state is V.IDLE)  # what was buffered is heard
    await client.controller.start()
    await client.speak_to_the_end()


@pytest.mark.parametrize("client", [5], indirect=True)
async def test_reconnects_by_policy(client: Client, proxy: FaultProxy, server: FaultServer) -> None:
    await client.controller.start()
    proxy.cut()
    await client.state(C.FAILED)
    await client.state(C.CONNECTED)
    await client.speak_to_the_end()
    assert server.sessions == 2


async def test_half_open_connection(client: Client, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avatarkit.transport.websocket, "PING_S", 0.2)
    await client.controller.start()
    proxy.silent = True
    await client.state(C.FAILED, within_s=8.0)
    assert len(client.errors) == 1
    assert client.errors[0] in (ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY, ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED)


async def test_nobody_answers_the_handshake(client: Client, proxy: FaultProxy) -> None:
    proxy.silent = True
    with pytest.raises(AvatarError) as caught:
        await client.controller.start()
    assert caught.value.code is ErrorCode.SESSION_TIMEOUT
    assert client.controller.connection_state is C.FAILED
    client.controller.send(b"\1\2" * 1600, end=True)  # the voice works all the same
    await client.until(lambda: client.controller.conversation_state is V.PLAYING)
    proxy.silent = False
    await client.controller.start()


async def test_slow_server(client: Client, server: FaultServer) -> None:
    server.delay_s = 0.6
    await client.controller.start()
    client.controller.send(b"\1\2" * 24000, end=True)
    await client.until(lambda: client.controller.conversation_state is V.PLAYING)  # it does not wait for ever
    assert max(pose.weights[JAW] for pose in client.renderer.poses) < 0.05
    await client.until(lambda: client.renderer.poses[-1].weights[JAW] > 0.5)  # the face joins in
    client.controller.interrupt()
    await client.until(lambda: client.renderer.poses[-1].weights[JAW] < 0.02, within_s=1.0)


@pytest.mark.parametrize("client", [20], indirect=True)
async def test_server_restart(client: Client, server: FaultServer) -> None:
    await client.controller.start()
    await server.stop(1012)
    await client.state(C.FAILED)
    await server.start()
    await client.state(C.CONNECTED)
    await client.speak_to_the_end()


async def test_garbage_on_the_wire(client: Client, proxy: FaultProxy) -> None:
    await client.controller.start()
    proxy.inject(b"\xff\xff\xff\xff not a frame of a WebSocket")
    await client.state(C.FAILED)
    assert len(client.errors) == 1
    await client.controller.start()
    await client.speak_to_the_end()


async def test_truncated_frame(client: Client, proxy: FaultProxy) -> None:
    await client.controller.start()
    proxy.inject(b"\x82\x7e\x10\x00 a frame that promises 4096 bytes")
    proxy.cut()
    await client.state(C.FAILED)
    assert client.errors == [ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY]


async def test_garbage_messages(client: Client, server: FaultServer) -> None:
    await client.controller.start()
    (connection,) = server.connections
    for message in (b"\xff\xff", b"\x08\x05", b"", b"\x08\x63", "a text", b"\x08\x05\x32\x01\xff"):
        await connection.send(message)
    await client.speak_to_the_end()
    assert client.controller.connection_state is C.CONNECTED
    assert client.errors == [ErrorCode.INVALID_ANIMATION_DATA]


async def test_oversized_message(client: Client, server: FaultServer) -> None:
    await client.controller.start()
    (connection,) = server.connections
    await connection.send(bytes(40 * 1024 * 1024))
    await client.state(C.FAILED)
    assert len(client.errors) == 1


async def test_flood_of_foreign_motion(client: Client, server: FaultServer) -> None:
    await client.controller.start()
    (connection,) = server.connections
    response = pb.ServerResponseAnimation(
        req_id="20200101000000_abcdefghijkl", motion=chunk_to_message(chunk(0, 500, "cheekPuff"))
    )
    message = pb.Message(
        type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=response
    ).SerializeToString()

    async def flood() -> None:
        for _ in range(1500):
            await connection.send(message)

    flooding = asyncio.create_task(flood())
    await client.speak_to_the_end()
    await flooding
    assert client.controller.connection_state is C.CONNECTED
    assert max(pose.weights[PUFF] for pose in client.renderer.poses) < 0.02
    assert client.errors == []


async def test_many_sessions_leave_nothing_behind(client: Client, proxy: FaultProxy) -> None:
    for number in range(40):
        await client.controller.start()
        client.controller.send(b"\1\2" * 1600, end=bool(number % 2))
        if number % 3 == 0:
            proxy.cut()
            await client.state(C.FAILED)
        elif number % 3 == 1:
            await client.controller.close()
        else:
            client.controller.interrupt()
            await client.controller.close()
    assert client.controller.connection_state in (C.FAILED, C.DISCONNECTED)
