"""The relay of the examples, with our server SDK and with the published one, on real sockets from end to end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from examples.backend_relay.packets import Kind, Packet
from examples.backend_relay.relay import MakeUpstream, create_app
from examples.backend_relay.with_avatarkit import AvatarKitUpstream
from tests.server.server_kit import Running, make_template, running, tone, until
from websockets.asyncio.client import ClientConnection, connect

from avatarkit.audio.opus import OggOpusDecoder
from avatarkit.backend import BackendClient
from avatarkit.protocol import MotionReceived
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.client_session import ClientSession

SPEECH = tone(2.0)
PIECES = [SPEECH[start : start + 6400] for start in range(0, len(SPEECH), 6400)]


async def say(text: str) -> AsyncIterator[bytes]:
    if text == "broken":
        raise RuntimeError("no voice")
    for piece in PIECES:
        yield piece
    while text == "endless":
        yield PIECES[0]
        await asyncio.sleep(0)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Running]:
    template = await make_template(tmp_path / "template")
    async with running(template, tmp_path / "data") as run:
        yield run


@contextlib.asynccontextmanager
async def relay(make_upstream: MakeUpstream) -> AsyncIterator[str]:
    app = create_app(make_upstream, say, avatar_id="ada")
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}/avatar"
    finally:
        server.should_exit = True
        await serving


Upstreams = Callable[..., contextlib.AbstractAsyncContextManager[MakeUpstream]]


@contextlib.asynccontextmanager
async def ours(server: Running, *, api_key: str | None = None, opus: bool = False) -> AsyncIterator[MakeUpstream]:
    keys = server.credentials
    async with BackendClient(server.url, keys.app_id, api_key or keys.api_key) as backend:
        yield lambda: AvatarKitUpstream(backend, "ada", opus=opus)


@contextlib.asynccontextmanager
async def published(
    server: Running, *, api_key: str | None = None, opus: bool = False
) -> AsyncIterator[MakeUpstream]:
    pytest.importorskip("spatius", reason="the published server SDK 'spatius' is not installed")
    if opus:
        pytest.importorskip(
            "opuslib_next", reason="'spatius[opus]' or the library libopus is not installed", exc_type=Exception
        )
    from examples.backend_relay.with_spatius import SpatiusUpstream

    keys = server.credentials
    yield lambda: SpatiusUpstream(server.url, keys.app_id, api_key or keys.api_key, "ada", opus=opus)


@pytest.fixture(params=[ours, published], ids=["avatarkit", "spatius"])
def upstreams(request: pytest.FixtureRequest) -> Upstreams:
    return request.param  # type: ignore[no-any-return]


async def command(client: ClientConnection, **wanted: Any) -> None:
    await client.send(json.dumps(wanted))


async def packet(client: ClientConnection) -> Packet:
    data = await asyncio.wait_for(client.recv(), 20)
    assert isinstance(data, bytes)
    return Packet.from_bytes(data)


async def a_round(client: ClientConnection) -> list[Packet]:
    """Everything up to the last motion of a round."""
    packets = [await packet(client)]
    while not (packets[-1].kind is Kind.MOTION and packets[-1].last):
        packets.append(await packet(client))
    return packets


def frames(packets: list[Packet]) -> list[int]:
    """Numbers of the frames in motion packets, read as a client reads them."""
    reader = ClientSession()
    hello = pb.ServerConfirmSession(connection_id="c")
    reader.receive_bytes(pb.Message(type=2, server_confirm_session=hello).SerializeToString())
    numbers: list[int] = []
    for item in packets:
        (event,) = reader.receive_bytes(item.body)
        assert isinstance(event, MotionReceived)
        assert event.req_id == item.round_id
        if event.chunk is not None:
            numbers += range(event.chunk.first_frame, event.chunk.first_frame + event.chunk.frame_count)
    return numbers


async def test_a_round_reaches_the_client_whole_and_audio_comes_before_motion(
    server: Running, upstreams: Upstreams
) -> None:
    async with upstreams(server) as make, relay(make) as url, connect(url) as client:
        ready = await packet(client)
        assert ready.json() == {"event": "ready", "avatarId": "ada", "codec": "pcm", "sampleRate": 16_000}
        ids = set()
        for text in ("hello", "again"):
            await command(client, do="say", text=text)
            got = await a_round(client)
            while got[0].kind is Kind.EVENT:
                del got[0]
            audio = [item for item in got if item.kind is Kind.AUDIO]
            motion = [item for item in got if item.kind is Kind.MOTION]
            assert got[0] is audio[0]
            assert b"".join(item.body for item in audio) == SPEECH
            assert [item.last for item in audio] == [False] * (len(audio) - 1) + [True]
            assert [item.last for item in motion] == [False] * (len(motion) - 1) + [True]
            assert frames(motion) == list(range(50))
            (round_id,) = {item.round_id for item in got}
            ids.add(round_id)
        assert len(ids) == 2


async def test_opus_reaches_the_client_as_one_stream_a_round(server: Running, upstreams: Upstreams) -> None:
    async with upstreams(server, opus=True) as make, relay(make) as url, connect(url) as client:
        assert (await packet(client)).json()["codec"] == "opus"
        for text in ("hello", "again"):
            await command(client, do="say", text=text)
            got = [item for item in await a_round(client) if item.kind is not Kind.EVENT]
            stream = b"".join(item.body for item in got if item.kind is Kind.AUDIO)
            assert len(stream) < len(SPEECH) / 2
            heard_s = len(OggOpusDecoder().decode(stream)) / 2 / 48_000
            assert heard_s == pytest.approx(2.0, abs=0.05)
            numbers = frames([item for item in got if item.kind is Kind.MOTION])
            assert numbers == list(range(len(numbers)))
            assert 50 <= len(numbers) <= 51


async def test_an_interrupt_ends_the_round_and_nothing_of_it_comes_after_the_word(
    server: Running, upstreams: Upstreams
) -> None:
    async with upstreams(server) as make, relay(make) as url, connect(url) as client:
        await packet(client)
        await command(client, do="say", text="endless")
        first = await packet(client)
        await command(client, do="interrupt")
        while (item := await packet(client)).kind is not Kind.EVENT:
            assert item.round_id == first.round_id
        assert (item.json()["event"], item.round_id) == ("interrupted", first.round_id)
        await command(client, do="say", text="hello")
        later = await a_round(client)
        later = [item for item in later if item.kind is not Kind.EVENT]
        assert first.round_id not in {item.round_id for item in later}
        assert sum(len(item.body) for item in later if item.kind is Kind.AUDIO) == len(SPEECH)


async def test_a_wrong_key_is_told_as_a_code_and_stays_secret(server: Running, upstreams: Upstreams) -> None:
    wrong = "ak_00000000_" + "x" * 43
    async with upstreams(server, api_key=wrong) as make, relay(make) as url, connect(url) as client:
        told = await packet(client)
        assert told.kind is Kind.FAILURE
        assert told.json()["code"] in ("apiKeyInvalid", "sessionTokenExpired")
        assert wrong not in told.body.decode()
        with contextlib.suppress(Exception):
            await client.recv()
        await client.wait_closed()
        assert client.close_code == 1011


async def test_the_session_ends_with_its_client(server: Running, upstreams: Upstreams) -> None:
    async with upstreams(server) as make, relay(make) as url:
        async with connect(url) as client:
            await packet(client)
            await command(client, do="say", text="endless")
            await packet(client)
            assert server.services.sessions.total() == 1
        await asyncio.wait_for(until(lambda: server.services.sessions.total() == 0), 20)


async def test_a_voice_that_fails_is_told_and_the_session_goes_on(server: Running) -> None:
    async with ours(server) as make, relay(make) as url, connect(url) as client:
        await packet(client)
        await command(client, do="say", text="broken")
        assert (await packet(client)).kind is Kind.FAILURE
        await client.send(b"binary")
        await client.send("no json")
        await command(client, do="say", text="hello")
        got = [item for item in await a_round(client) if item.kind is Kind.AUDIO]
        assert b"".join(item.body for item in got) == SPEECH


def test_packets_survive_the_wire_and_damage_is_refused() -> None:
    original = Packet(Kind.MOTION, "20260101000000_abcdefghijkl", b"\x00body", last=True)
    assert Packet.from_bytes(original.to_bytes()) == original
    for damaged in (b"", b"\x01", b"\x01\x00\x05ab", b"\x09\x00\x00", b"\x01\x00\x01\xff"):
        with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
            Packet.from_bytes(damaged)
