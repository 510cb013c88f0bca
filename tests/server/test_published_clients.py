"""The published packages ``spatius`` and ``spatialreal``, unmodified, speak through our server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from published_kit import RATES, VERSIONS, Family, installed_version
from server_kit import Running, tone

from avatarkit.audio.opus import OggOpusEncoder


@pytest.fixture(params=VERSIONS)
def family(request: pytest.FixtureRequest) -> Family:
    return Family(request.param)


@pytest.fixture
def spatius() -> Family:
    return Family("spatius")


@pytest.fixture
def spatialreal() -> Family:
    return Family("spatialreal")


def test_these_are_the_versions_that_are_promised(family: Family) -> None:
    assert installed_version(family) == VERSIONS[family.name]


@pytest.mark.parametrize("rate", RATES)
async def test_pcm_at_each_rate(server: Running, family: Family, rate: int) -> None:
    async with family.session(server, sample_rate=rate, bitrate=32000) as (client, heard):
        speech = tone(1.0, sample_rate=rate)
        for start in range(0, len(speech), 4095):  # odd pieces
            req_id = await client.send_audio(speech[start : start + 4095])
        assert await client.send_audio(b"", end=True) == req_id
        replies = await heard.until_end(req_id)

    assert heard.frames(req_id) == 25
    assert [reply.end for reply in replies] == [False] * (len(replies) - 1) + [True]
    assert heard.errors == []
    assert heard.closed


async def test_twenty_seconds_in_one_message(server: Running, family: Family) -> None:
    async with family.session(server) as (client, heard):
        req_id = await client.send_audio(tone(20.3), end=True)
        await heard.until_end(req_id)

    assert heard.frames(req_id) == 508


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
async def test_opus_that_was_encoded_before_gives_exactly_its_frames(
    server: Running, family: Family, rate: int
) -> None:
    encoder = OggOpusEncoder(sample_rate=rate)
    stream = encoder.encode(tone(1.0, sample_rate=rate)) + encoder.finish()
    opus = family.package.AudioFormat.OGG_OPUS
    async with family.session(server, sample_rate=rate, audio_format=opus) as (client, heard):
        for start in range(0, len(stream), 333):  # cut inside pages
            req_id = await client.send_audio(stream[start : start + 333])
        await client.send_audio(b"", end=True)
        await heard.until_end(req_id)

    assert heard.frames(req_id) == 25
    assert heard.errors == []


@pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
async def test_opus_of_the_clients_own_encoder(server: Running, spatius: Family, frame_ms: int) -> None:
    pytest.importorskip("opuslib_next", reason="the published client's own Opus encoder is not installed")
    options = {
        "sample_rate": 24000,
        "audio_format": spatius.package.AudioFormat.OGG_OPUS,
        "ogg_opus_encoder": spatius.package.OggOpusEncoderConfig(frame_duration_ms=frame_ms),
    }
    async with spatius.session(server, **options) as (client, heard):
        for _ in range(2):  # a stream for each request
            req_id = await client.send_audio(tone(0.5, sample_rate=24000))
            await client.send_audio(tone(0.5, sample_rate=24000), end=True)
            await heard.until_end(req_id)
            assert heard.frames(req_id) == 25
    assert heard.errors == []


async def test_an_interrupt_and_the_next_round(server: Running, family: Family) -> None:
    async with family.session(server) as (client, heard):
        first = await client.send_audio(tone(5.0))
        assert await client.interrupt() == first
        second = await client.send_audio(tone(0.4), end=True)
        await heard.until_end(second)

    assert first != second
    assert [reply.end for reply in heard.replies(first)].count(True) == 1
    assert heard.frames(second) == 10


async def test_credentials_in_the_query(server: Running, family: Family) -> None:
    async with family.session(server, use_query_auth=True) as (client, heard):
        req_id = await client.send_audio(tone(0.2), end=True)
        await heard.until_end(req_id)


async def test_extra_parameters_are_taken(server: Running, spatius: Family) -> None:
    async with spatius.session(server, extra_params={"server_post_process": "false"}) as (client, _):
        assert client._connection_id


async def test_a_fetched_token_serves_many_sessions(server: Running, family: Family) -> None:
    first = family.client(server)
    await first.init()
    for _ in range(3):
        client = family.client(server)
        client._session_token = first._session_token
        await client.start()
        await client.close()


async def test_the_fetched_token_of_prewarming_serves_many_sessions(server: Running, spatius: Family) -> None:
    config = spatius.client(server).config
    token = await spatius.package.avatar_session.fetch_session_token(config)
    for _ in range(3):
        client = spatius.client(server)
        client._session_token = token
        await client.start()
        await client.close()


async def test_pause_and_resume_are_each_answered(server: Running, spatialreal: Family) -> None:
    states: list[Any] = []
    async with spatialreal.session(server, on_playback_state=states.append) as (client, heard):
        assert set(client.capabilities) == {"playback_control", "playback_state"}
        req_id = await client.send_audio(tone(0.2))
        await client.pause()
        await client.resume()
        await client.send_audio(b"", end=True)
        await heard.until_end(req_id)

    assert [(state.req_id, state.state.value) for state in states] == [(req_id, "paused"), (req_id, "playing")]


async def test_playback_signals_end_each_round_once(server: Running, spatialreal: Family) -> None:
    signals: list[Any] = []
    async with spatialreal.session(server, on_playback=signals.append) as (client, heard):
        req_id = await client.send_audio(tone(0.4), end=True)
        await heard.until_end(req_id)

    assert [signal.end for signal in signals].count(True) == 1


async def test_an_automatic_region_is_asked_for_at_our_server(
    server: Running, spatius: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The package's address is the vendor's; whoever runs the server gives that name to it.
    bootstrap = spatius.package.bootstrap
    monkeypatch.setattr(bootstrap, "BOOTSTRAP_URL", server.url + "/bootstrap")

    reply = await bootstrap.fetch_bootstrap(app_id=server.credentials.app_id)
    region = await bootstrap.resolve_region(app_id=server.credentials.app_id, requested_region="auto", cache_ttl=0)

    assert region == "us-west"
    assert reply["region"]["current"] == "us-west"


async def test_the_console_root_and_its_environments(server: Running, spatialreal: Family) -> None:
    async with spatialreal.session(server, console_endpoint_url=server.url):  # a bare root
        pass
    (environment,) = (await server.http.get("/sdk")).json()["environments"].values()
    addresses = {
        "console_endpoint_url": environment["api"],
        "ingress_endpoint_url": environment["driveningress"] + "/v2/driveningress",
    }
    async with spatialreal.session(server, **addresses) as (client, heard):
        req_id = await client.send_audio(tone(0.2), end=True)
        await heard.until_end(req_id)


async def test_many_sessions_at_once_do_not_mix(server: Running, family: Family) -> None:
    async def speak(seconds: float) -> int:
        async with family.session(server) as (client, heard):
            req_id = await client.send_audio(tone(seconds), end=True)
            await heard.until_end(req_id)
            return heard.frames(req_id)

    assert await asyncio.gather(*(speak(0.4 + 0.2 * i) for i in range(8))) == [10 + 5 * i for i in range(8)]
