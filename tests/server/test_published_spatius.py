"""The published package ``spatius`` 1.1.1, unmodified, against our server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from published_kit import RATES, Heard, addresses
from server_kit import LoudnessEngine, Running, Start, tone

from avatarkit.audio.opus import OggOpusEncoder
from avatarkit.clock import VirtualClock
from avatarkit.protocol import CloseCode, ServerErrorCode
from avatarkit.server.ingress import endings
from avatarkit.server.ingress.endings import Ending

spatius = pytest.importorskip("spatius", reason="the published client 'spatius' is not installed")
spatius.configure_telemetry("")  # it would report to its vendor


@contextlib.asynccontextmanager
async def session(server: Running, **others: Any) -> AsyncIterator[tuple[Any, Heard]]:
    """A started session of the published client."""
    heard = Heard()
    client = spatius.new_avatar_session(**addresses(server, **(heard.callbacks() | others)))
    await client.init()
    await client.start()
    try:
        yield client, heard
    finally:
        await client.close()


async def failure(server: Running, **others: Any) -> Any:
    """The error that starting a session ends in."""
    with pytest.raises(spatius.AvatarSDKError) as caught:
        async with session(server, **others):
            pass
    return caught.value


class TestSpeaking:
    @pytest.mark.parametrize("rate", RATES)
    async def test_pcm_at_each_rate(self, server: Running, rate: int) -> None:
        async with session(server, sample_rate=rate, bitrate=32000) as (client, heard):
            speech = tone(1.0, sample_rate=rate)
            for start in range(0, len(speech), 4096):
                req_id = await client.send_audio(speech[start : start + 4096])
            assert await client.send_audio(b"", end=True) == req_id
            replies = await heard.until_end(req_id)

        assert heard.frames(req_id) == 25
        assert [reply.end for reply in replies] == [False] * (len(replies) - 1) + [True]
        assert heard.errors == []
        assert heard.closed

    async def test_twenty_seconds_in_one_message(self, server: Running) -> None:
        async with session(server) as (client, heard):
            req_id = await client.send_audio(tone(20.3), end=True)
            await heard.until_end(req_id)

        assert heard.frames(req_id) == 508

    @pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
    async def test_opus_that_was_encoded_before(self, server: Running, rate: int) -> None:
        encoder = OggOpusEncoder(sample_rate=rate)
        stream = encoder.encode(tone(1.0, sample_rate=rate)) + encoder.finish()
        async with session(server, sample_rate=rate, audio_format=spatius.AudioFormat.OGG_OPUS) as (client, heard):
            for start in range(0, len(stream), 333):  # cut inside pages
                req_id = await client.send_audio(stream[start : start + 333])
            await client.send_audio(b"", end=True)
            await heard.until_end(req_id)

        assert 25 <= heard.frames(req_id) <= 26  # the last packet is padded
        assert heard.errors == []

    @pytest.mark.parametrize("frame_ms", [10, 20, 40, 60])
    async def test_opus_of_the_clients_own_encoder(self, server: Running, frame_ms: int) -> None:
        pytest.importorskip("opuslib_next", reason="the published client's own Opus encoder is not installed")
        options = {
            "sample_rate": 24000,
            "audio_format": spatius.AudioFormat.OGG_OPUS,
            "ogg_opus_encoder": spatius.OggOpusEncoderConfig(frame_duration_ms=frame_ms),
        }
        async with session(server, **options) as (client, heard):
            for _ in range(2):  # a stream for each request
                req_id = await client.send_audio(tone(0.5, sample_rate=24000))
                await client.send_audio(tone(0.5, sample_rate=24000), end=True)
                await heard.until_end(req_id)
                assert 25 <= heard.frames(req_id) <= 27
        assert heard.errors == []

    async def test_an_interrupt_and_the_next_round(self, server: Running) -> None:
        async with session(server) as (client, heard):
            first = await client.send_audio(tone(5.0))
            assert await client.interrupt() == first
            second = await client.send_audio(tone(0.4), end=True)
            await heard.until_end(second)

        assert first != second
        assert [reply.end for reply in heard.replies(first)].count(True) == 1
        assert heard.frames(second) == 10

    async def test_query_credentials(self, server: Running) -> None:
        async with session(server, use_query_auth=True) as (client, heard):
            req_id = await client.send_audio(tone(0.2), end=True)
            await heard.until_end(req_id)

    async def test_extra_parameters_are_taken(self, server: Running) -> None:
        async with session(server, extra_params={"server_post_process": "false"}) as (client, _):
            assert client._connection_id

    async def test_a_prefetched_token_serves_many_sessions(self, server: Running) -> None:
        token = await spatius.avatar_session.fetch_session_token(
            spatius.SessionConfig(**addresses(server, expire_at=_in_an_hour()))
        )
        for _ in range(3):
            client = spatius.new_avatar_session(**addresses(server))
            client._session_token = token
            await client.start()
            await client.close()

    async def test_an_automatic_region_is_asked_for_at_our_server(
        self, server: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The package's address is the vendor's; whoever runs the server gives that name to it.
        monkeypatch.setattr(spatius.bootstrap, "BOOTSTRAP_URL", server.url + "/bootstrap")

        reply = await spatius.bootstrap.fetch_bootstrap(app_id=server.credentials.app_id)
        region = await spatius.bootstrap.resolve_region(
            app_id=server.credentials.app_id, requested_region="auto", cache_ttl=0
        )

        assert region == "us-west"
        assert reply["region"]["current"] == "us-west"


class TestTokenErrors:
    """Section 1.1 of the wire: statuses of the token endpoint."""

    async def test_a_bad_key(self, server: Running) -> None:
        problem = await failure(server, api_key="bogus")

        assert (problem.code.value, problem.http_status, problem.phase) == (
            "sessionTokenExpired",
            401,
            "session_token",
        )

    async def test_an_expiry_too_far_ahead(self, server: Running) -> None:
        problem = await failure(server, expire_at=_in_an_hour(48))

        assert (problem.code.value, problem.http_status) == ("invalidRequest", 400)

    async def test_no_server(self, server: Running) -> None:
        problem = await failure(server, console_endpoint_url="http://127.0.0.1:9/v1/console")

        assert problem.code.value == "connectionFailed"


class TestUpgradeErrors:
    """Section 3.2 of the wire: statuses of the upgrade."""

    async def started(self, server: Running, token: str, **others: Any) -> Any:
        client = spatius.new_avatar_session(**addresses(server, **others))
        client._session_token = token
        with pytest.raises(spatius.AvatarSDKError) as caught:
            await client.start()
        assert caught.value.phase == "websocket_connect"
        return caught.value

    async def test_a_bogus_token_byte_for_byte(self, server: Running) -> None:
        problem = await self.started(server, "bogus")

        assert (problem.code.value, problem.http_status) == ("sessionTokenInvalid", 400)
        assert problem.raw_body == '{"message":"Invalid session token"}\n'

    async def test_an_expired_token(self, server: Running) -> None:
        now = int(time.time())
        token = await server.signed(server.credentials.app_id, now=now - 100, expires_at=now - 1)
        problem = await self.started(server, token)

        assert (problem.code.value, problem.http_status) == ("sessionTokenExpired", 401)

    async def test_another_app(self, server: Running) -> None:
        problem = await self.started(server, await server.token(), app_id="app_other")

        assert (problem.code.value, problem.http_status) == ("appIDMismatch", 400)

    async def test_an_app_that_is_gone(self, server: Running) -> None:
        now = int(time.time())
        token = await server.signed("app_gone", now=now, expires_at=now + 60)
        problem = await self.started(server, token, app_id="app_gone")

        assert (problem.code.value, problem.http_status) == ("appIDUnrecognized", 404)

    async def test_a_missing_avatar(self, server: Running) -> None:
        problem = await self.started(server, await server.token(), avatar_id="nobody")

        assert (problem.code.value, problem.http_status) == ("avatarNotFound", 404)

    async def test_a_full_server(self, start: Start) -> None:
        async with start(connection_limit=1) as server, session(server):
            problem = await self.started(server, await server.token())

        assert (problem.code.value, problem.http_status) == ("serverError", 503)

    async def test_no_server(self, server: Running) -> None:
        problem = await self.started(server, "x", ingress_endpoint_url="ws://127.0.0.1:9/v2/driveningress")

        assert problem.code.value == "connectionFailed"


class TestHandshakeErrors:
    @pytest.mark.parametrize("rate", [0, 11025, 96000])
    async def test_a_rate_that_is_not_accepted(self, server: Running, rate: int) -> None:
        problem = await failure(server, sample_rate=rate)

        assert (problem.code.value, problem.phase) == ("unsupportedSampleRate", "websocket_handshake")

    async def test_egress_that_is_not_there(self, server: Running) -> None:
        livekit = spatius.LiveKitEgressConfig(url="wss://x", api_token="t", room_name="r", publisher_id="p")

        assert (await failure(server, livekit_egress=livekit)).code.value == "egressUnavailable"
        agora = spatius.AgoraEgressConfig(channel_name="c", token="t", uid=1, publisher_id="p")
        assert (await failure(server, agora_egress=agora)).code.value == "egressUnavailable"

    async def test_one_session_too_many(self, start: Start) -> None:
        async with start(sessions_per_app=1) as server, session(server):
            problem = await failure(server)

        assert problem.code.value == "serverError"  # it has no word for it
        assert problem.server_code == "4003"


class TestRuntimeErrors:
    """Sections 3.7 and 3.8 of the wire: errors of a session, and the close that follows."""

    async def test_bytes_that_are_no_message(self, server: Running) -> None:
        async with session(server) as (client, heard):
            await client._connection.send(b"\xff\xff")
            await heard.until_closed()

        assert heard.codes() == ["serverError", "connectionClosed"]
        assert heard.errors[1].close_code == 1008  # type: ignore[attr-defined]

    async def test_a_second_configuration(self, server: Running) -> None:
        async with session(server) as (client, heard):
            await client._send_client_configure_session()
            await heard.until_closed()

        assert heard.codes() == ["protocolError", "connectionClosed"]

    async def test_opus_that_is_none(self, server: Running) -> None:
        async with session(server, audio_format=spatius.AudioFormat.OGG_OPUS) as (client, heard):
            await client.send_audio(b"RIFF....WAVE")
            await heard.until_closed()

        assert heard.codes() == ["invalidRequest", "connectionClosed"]

    async def test_an_engine_that_fails(self, start: Start) -> None:
        def fail() -> None:
            raise RuntimeError("no model")

        async with start(engine=LoudnessEngine(fail)) as server, session(server) as (client, heard):
            await client.send_audio(tone(1.0))
            await heard.until_closed()

        assert heard.codes() == ["upstreamError", "connectionClosed"]

    async def test_idleness(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, idle_timeout_s=30) as server, session(server) as (_, heard):
            await clock.advance(31)
            await heard.until_closed()

        assert heard.codes() == ["idleTimeout", "connectionClosed"]

    async def test_the_longest_session(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, session_limit_s=20) as server, session(server) as (_, heard):
            await clock.advance(21)
            await heard.until_closed()

        assert heard.codes() == ["sessionDurationExceeded", "connectionClosed"]
        assert heard.errors[1].close_code == 4002  # type: ignore[attr-defined]

    async def test_a_server_that_stops_in_peace(self, server: Running) -> None:
        async with session(server) as (_, heard):
            await server.services.drain()
            await heard.until_closed()

        assert heard.errors == []

    @pytest.mark.parametrize(
        ("ending", "code"),
        [
            (endings.CREDITS_EXHAUSTED, "creditsExhausted"),
            (endings.TIME_IS_UP, "sessionDurationExceeded"),
            (endings.TOO_MANY_SESSIONS, "serverError"),
            (endings.APP_DISABLED, "billingRequired"),
            (
                Ending(ServerErrorCode.AUTH_FAILED, "invalid session token", CloseCode.AUTH_FAILED),
                "sessionTokenInvalid",
            ),
            (endings.SERVICE_FAILED, "upstreamError"),
            (endings.SHUT_DOWN, "upstreamError"),
            (endings.READS_TOO_SLOWLY, "invalidRequest"),
            (endings.idle(5), "idleTimeout"),
            (endings.bad_audio("x"), "invalidRequest"),
            (Ending(ServerErrorCode.EGRESS_UNAVAILABLE, "x", CloseCode.INTERNAL_ERROR), "egressUnavailable"),
            (Ending(ServerErrorCode.INVALID_EGRESS_CONFIG, "x", CloseCode.INTERNAL_ERROR), "invalidEgressConfig"),
        ],
        ids=lambda value: value.message if isinstance(value, Ending) else value,
    )
    async def test_each_ending_in_its_own_words(self, server: Running, ending: Ending, code: str) -> None:
        async with session(server) as (_, heard):
            for connection in server.services.sessions:
                connection.end(ending)
            await heard.until_closed()

        assert heard.codes() == [code, "connectionClosed"]
        assert heard.errors[1].close_code == ending.close_code  # type: ignore[attr-defined]


def _in_an_hour(hours: float = 1.0) -> Any:
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(hours=hours)


async def test_many_sessions_at_once_do_not_mix(server: Running) -> None:
    async def speak(seconds: float) -> int:
        async with session(server) as (client, heard):
            req_id = await client.send_audio(tone(seconds), end=True)
            await heard.until_end(req_id)
            return heard.frames(req_id)

    assert await asyncio.gather(*(speak(0.4 + 0.2 * i) for i in range(8))) == [10 + 5 * i for i in range(8)]
