"""Whatever is called, and whatever the server does, in any order: the lifecycle's promises hold."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from client_fakes import AVATAR, FakeRenderer, FakeServer, FakeSurface, bundle, motion
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_draw import InlineDraw

import avatarkit._session
import avatarkit._view
from avatarkit import (
    AvatarError,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConnectionState,
    ConnectionStateChanged,
    ConversationState,
    ConversationStateChanged,
    PlaybackFinished,
    PlaybackStarted,
    ReconnectPolicy,
)
from avatarkit.clock import VirtualClock
from avatarkit.errors import ErrorCode, error
from avatarkit.frames import ARKIT_INDEX
from avatarkit.protocol import MotionChunk, chunk_to_message
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.transport.contract import ConnectionEnded

C, V = ConnectionState, ConversationState
CONNECTION_TABLE = {
    (C.DISCONNECTED, C.CONNECTING),
    (C.FAILED, C.CONNECTING),
    (C.CONNECTING, C.CONNECTED),
    (C.CONNECTING, C.FAILED),
    (C.CONNECTING, C.DISCONNECTED),
    (C.CONNECTED, C.DISCONNECTED),
    (C.CONNECTED, C.FAILED),
    (C.FAILED, C.DISCONNECTED),
}
# A round that waits for its first motion may be paused too, so every change is possible, but none to the same.
CONVERSATION_TABLE = {(a, b) for a in V for b in V if a is not b}
OLD_SHAPE = ARKIT_INDEX["cheekPuff"]
LOST = error(ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY, "lost")


def any_step(chance: random.Random) -> tuple[Any, ...]:
    """A step; those that make rounds play come up more often than those that end sessions."""
    ordinary: list[tuple[Any, ...]] = [
        ("start",),
        ("send", chance.choice([0.0, 0.1, 0.5, 0.5]), chance.random() < 0.5),
        ("motion", chance.randrange(20), 1 + chance.randrange(20), chance.random() < 0.3),
        ("old motion",),
        ("advance", chance.choice([0.02, 0.3, 0.3, 1.0])),
    ]
    trouble: list[tuple[Any, ...]] = [
        ("close",),
        ("interrupt",),
        ("pause",),
        ("resume",),
        ("format", chance.choice([8000, 16000, 24000])),
        ("answer", chance.choice(["confirm", "confirm", "silent", "refuse"])),
        ("error", chance.choice([3, 4002])),
        ("lose",),
        ("end",),
        ("advance", 16.0),
    ]
    return chance.choice(ordinary if chance.random() < 0.8 else trouble)


class Chaos:
    """One client, one server, and everything that was told."""

    def __init__(self, view: AvatarView, server: FakeServer, clock: VirtualClock) -> None:
        self.view, self.server, self.clock = view, server, clock
        self.told: list[Any] = []
        self.ids: list[str] = []
        self.starting: list[asyncio.Task[None]] = []

    async def listen(self) -> None:
        async for event in self.view.controller.events():
            self.told.append(event)

    async def do(self, step: tuple[Any, ...]) -> None:
        with suppress(AvatarError):  # a refusal is always legal; anything else that is raised is not
            await getattr(self, "_" + step[0].replace(" ", "_"))(*step[1:])
        await self.clock.advance(0.0)

    async def _start(self) -> None:
        self.starting.append(asyncio.create_task(self.view.controller.start()))

    async def _close(self) -> None:
        await self.view.controller.close()

    async def _send(self, seconds: float, end: bool) -> None:
        rate = self.view.controller.audio_format.sample_rate
        given_id = self.view.controller.send(b"\1\2" * round(seconds * rate), end=end)
        if given_id != (self.ids[-1] if self.ids else None):
            assert given_id not in self.ids
            self.ids.append(given_id)

    async def _interrupt(self) -> None:
        self.view.controller.interrupt()

    async def _pause(self) -> None:
        self.view.controller.pause()

    async def _resume(self) -> None:
        self.view.controller.resume()

    async def _format(self, rate: int) -> None:
        self.view.controller.set_audio_format(sample_rate=rate)

    async def _answer(self, kind: str) -> None:
        self.server.refusal = error(ErrorCode.SERVER_ERROR, "down") if kind == "refuse" else None
        self.server.answer = (lambda c: c.confirm()) if kind == "confirm" else (lambda c: None)

    async def _motion(self, first: int, count: int, end: bool) -> None:
        if self.ids and self.server.connections:
            self.server.last.motion(self.ids[-1], first, count, end=end)

    async def _old_motion(self) -> None:
        if self.server.connections:
            for old in (*self.ids[:-1], "20200101000000_abcdefghijkl"):
                frames = motion(0, 60, shape=OLD_SHAPE)
                response = pb.ServerResponseAnimation(req_id=old)
                response.motion.CopyFrom(chunk_to_message(MotionChunk(0, *frames.quantised())))
                message = pb.Message(
                    type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=response
                )
                self.server.last.push(message.SerializeToString())

    async def _error(self, code: int) -> None:
        if self.server.connections:
            self.server.last.error(code, "", self.ids[-1] if self.ids and code == 3 else "")

    async def _lose(self) -> None:
        if self.server.connections:
            self.server.last.push(ConnectionEnded(LOST))

    async def _end(self) -> None:
        if self.server.connections:
            self.server.last.push(ConnectionEnded(None))

    async def _advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)


@asynccontextmanager
async def chaos(patch: pytest.MonkeyPatch, attempts: int) -> AsyncIterator[tuple[Chaos, FakeRenderer]]:
    server, clock, renderer = FakeServer(), VirtualClock(100.0), FakeRenderer()
    patch.setattr(avatarkit._session, "open_websocket", server.connect)
    patch.setattr(avatarkit._view, "DrawThread", InlineDraw)
    patch.setattr(avatarkit._view, "read_bundle", lambda path: bundle())
    await AvatarSDK.cleanup()
    configuration = Configuration(
        endpoint="http://127.0.0.1:1", cache_dir=Path("/nowhere"), reconnect=ReconnectPolicy(attempts)
    )
    await AvatarSDK.initialize("app", configuration)
    AvatarSDK.set_session_token("token")
    surface = FakeSurface()
    surface.present_audio = lambda pcm, sample_rate, time_s: None  # type: ignore[method-assign]
    view = AvatarView(AVATAR, surface, speaker="silent", renderer=renderer, seed=1, clock=clock)
    scene = Chaos(view, server, clock)
    listening = asyncio.create_task(scene.listen())
    await clock.advance(0.0)
    try:
        yield scene, renderer
    finally:
        await AvatarSDK.cleanup()
        await asyncio.gather(*scene.starting, return_exceptions=True)
        await listening


async def play(patch: pytest.MonkeyPatch, script: list[tuple[Any, ...]], attempts: int) -> None:
    async with chaos(patch, attempts) as (scene, renderer):
        for step in script:
            await scene.do(step)
            assert sum(not connection.closed for connection in scene.server.connections) <= 1
    check(scene, renderer)
    names = [task.get_name() for task in asyncio.all_tasks()]
    assert not [name for name in names if name.startswith("avatarkit")], names


def check(scene: Chaos, renderer: FakeRenderer) -> None:
    connection = [C.DISCONNECTED] + [e.state for e in scene.told if isinstance(e, ConnectionStateChanged)]
    assert set(itertools.pairwise(connection)) <= CONNECTION_TABLE
    conversation = [V.IDLE] + [e.state for e in scene.told if isinstance(e, ConversationStateChanged)]
    assert set(itertools.pairwise(conversation)) <= CONVERSATION_TABLE
    assert conversation[-1] is V.IDLE
    assert all(connection.closed for connection in scene.server.connections)
    assert all(pose.weights[OLD_SHAPE] < 0.02 for pose in renderer.poses)
    started = [e.conversation_id for e in scene.told if isinstance(e, PlaybackStarted)]
    finished = [e.conversation_id for e in scene.told if isinstance(e, PlaybackFinished)]
    assert finished == scene.ids
    assert [i for i in finished if i in started] == started


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(20, 60), attempts=st.sampled_from([0, 3]))
def test_any_order(seed: int, length: int, attempts: int) -> None:
    chance = random.Random(seed)
    script = [any_step(chance) for _ in range(length)]
    with pytest.MonkeyPatch.context() as patch:
        # Most of what can happen needs a session first.
        asyncio.run(play(patch, [("start",), *script], attempts))
