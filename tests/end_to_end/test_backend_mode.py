"""Backend Mode from end to end: the Python client speaks through the relay, whichever server SDK it uses."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvicorn
from examples.backend_relay.client import MAX_MESSAGE_BYTES, Feed, converse, next_packet
from examples.backend_relay.packets import Kind
from examples.backend_relay.relay import MakeUpstream, create_app
from examples.backend_relay.with_avatarkit import AvatarKitUpstream
from websockets.asyncio.client import connect

from avatarkit import (
    AudioCodec,
    AudioFormat,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConversationState,
    DrivingServiceMode,
)
from avatarkit.backend import BackendClient
from avatarkit.render import OffscreenSurface

from .real_server import Server

PIECE = 6400
SPOKEN_S = 1.2


@contextlib.asynccontextmanager
async def relay(make_upstream: MakeUpstream, pcm: bytes) -> AsyncIterator[str]:
    async def say(_text: str) -> AsyncIterator[bytes]:
        for start in range(0, len(pcm), PIECE):
            yield pcm[start : start + PIECE]

    app = create_app(make_upstream, say, avatar_id="default")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event to await
        await asyncio.sleep(0.01)
    try:
        yield f"ws://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/avatar"
    finally:
        server.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def ours(server: Server, opus: bool) -> AsyncIterator[MakeUpstream]:
    async with BackendClient(server.url, server.app_id, server.api_key) as backend:
        yield lambda: AvatarKitUpstream(backend, "default", opus=opus)


@contextlib.asynccontextmanager
async def published(server: Server, opus: bool) -> AsyncIterator[MakeUpstream]:
    pytest.importorskip("spatius", reason="the published server SDK 'spatius' is not installed")
    from examples.backend_relay.with_spatius import SpatiusUpstream

    yield lambda: SpatiusUpstream(server.url, server.app_id, server.api_key, "default", opus=opus)


Upstreams = Callable[[Server, bool], contextlib.AbstractAsyncContextManager[MakeUpstream]]


@contextlib.asynccontextmanager
async def backend_view(server: Server, cache: Path, codec: AudioCodec) -> AsyncIterator[AvatarView]:
    settings = Configuration(
        endpoint=server.url,
        driving_service_mode=DrivingServiceMode.BACKEND,
        audio_format=AudioFormat(16_000, input_format=codec),
        cache_dir=cache,
    )
    await AvatarSDK.initialize(server.app_id, settings)
    avatar = await AvatarManager.shared().load("default")
    async with AvatarView(avatar, OffscreenSurface((64, 64)), speaker="silent") as view:
        yield view


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    ("upstreams", "codec"),
    [(ours, AudioCodec.PCM), (ours, AudioCodec.OPUS), (published, AudioCodec.PCM)],
    ids=["avatarkit-pcm", "avatarkit-opus", "spatius-pcm"],
)
async def test_a_round_is_heard_and_shown_without_a_token_at_the_client(
    server: Server, tmp_path: Path, speech: bytes, upstreams: Upstreams, codec: AudioCodec
) -> None:
    pcm = speech[: int(SPOKEN_S * 32_000)]
    async with (
        upstreams(server, codec is AudioCodec.OPUS) as make,
        relay(make, pcm) as url,
        connect(url, max_size=MAX_MESSAGE_BYTES) as socket,
        backend_view(server, tmp_path, codec) as view,
    ):
        assert (await next_packet(socket)).json()["codec"] == codec
        errors: list[Exception] = []
        view.controller.on_error = errors.append
        async with asyncio.timeout(40):
            await converse(socket, view.controller, "hello")
        report = view.controller.report()
        assert errors == []
        assert (report.rounds, report.rounds_finished) == (1, 1)
        assert SPOKEN_S * 25 <= report.motion_frames <= SPOKEN_S * 25 + 1


@pytest.mark.usefixtures("sdk")
async def test_an_interrupt_at_the_backend_silences_the_client_and_late_motion_shows_nothing(
    server: Server, tmp_path: Path, speech: bytes
) -> None:
    async with (
        ours(server, False) as make,
        relay(make, speech) as url,
        connect(url, max_size=MAX_MESSAGE_BYTES) as socket,
        backend_view(server, tmp_path, AudioCodec.PCM) as view,
    ):
        controller = view.controller
        feed = Feed(controller)
        await next_packet(socket)
        await socket.send(json.dumps({"do": "say", "text": "hello"}))
        late = []
        async with asyncio.timeout(40):
            while controller.conversation_state is not ConversationState.PLAYING:
                with contextlib.suppress(TimeoutError):
                    packet = await asyncio.wait_for(next_packet(socket), 0.05)
                    late += [packet] if packet.kind is Kind.MOTION else []
                    feed.take(packet)
            await socket.send(json.dumps({"do": "interrupt"}))
            while controller.conversation_state is not ConversationState.IDLE:
                feed.take(await next_packet(socket))
        shown = controller.report().motion_frames
        for packet in late:
            feed.take(packet)
        assert late
        assert controller.report().motion_frames == shown
        assert controller.conversation_state is ConversationState.IDLE
