"""The published package ``spatialreal`` 0.2.2, unmodified, against our server."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from published_kit import RATES, Heard, addresses
from server_kit import LoudnessEngine, Running, Start, tone

from avatarkit.audio.opus import OggOpusEncoder
from avatarkit.clock import VirtualClock
from avatarkit.protocol import CloseCode, ServerErrorCode
from avatarkit.server.ingress import endings
from avatarkit.server.ingress.endings import Ending

spatialreal = pytest.importorskip("spatialreal", reason="the published client 'spatialreal' is not installed")


def arguments(server: Running, **others: Any) -> dict[str, Any]:
    return addresses(server, **({"expire_at": datetime.now(UTC) + timedelta(hours=1)} | others))


@contextlib.asynccontextmanager
async def session(server: Running, **others: Any) -> AsyncIterator[tuple[Any, Heard]]:
    """A started session of the published client."""
    heard = Heard()
    client = spatialreal.new_avatar_session(**arguments(server, **(heard.callbacks() | others)))
    await client.init()
    await client.start()
    try:
        yield client, heard
    finally:
        await client.close()


async def failure(server: Running, **others: Any) -> Any:
    with pytest.raises(spatialreal.AvatarSDKError) as caught:
        async with session(server, **others):
            pass
    return caught.value


class TestSpeaking:
    @pytest.mark.parametrize("rate", RATES)
    async def test_pcm_at_each_rate(self, server: Running, rate: int) -> None:
        async with session(server, sample_rate=rate) as (client, heard):
            req_id = await client.send_audio(tone(0.6, sample_rate=rate))
            await client.send_audio(tone(0.4, sample_rate=rate), end=True)
            await heard.until_end(req_id)

        assert heard.frames(req_id) == 25
        assert heard.errors == []
        assert heard.closed == 1

    async def test_opus(self, server: Running) -> None:
        encoder = OggOpusEncoder(sample_rate=24000)
        stream = encoder.encode(tone(1.0, sample_rate=24000)) + encoder.finish()
        options = {"sample_rate": 24000, "audio_format": spatialreal.AudioFormat.OGG_OPUS}
        async with session(server, **options) as (client, heard):
            req_id = await client.send_audio(stream[:1000])
            await client.send_audio(stream[1000:], end=True)
            await heard.until_end(req_id)

        assert 25 <= heard.frames(req_id) <= 26

    async def test_an_interrupt_and_the_next_round(self, server: Running) -> None:
        async with session(server) as (client, heard):
            first = await client.send_audio(tone(5.0))
            assert await client.interrupt() == first
            second = await client.send_audio(tone(0.4), end=True)
            await heard.until_end(second)

        assert [reply.end for reply in heard.replies(first)].count(True) == 1
        assert heard.frames(second) == 10

    async def test_pause_and_resume_are_each_answered(self, server: Running) -> None:
        states: list[Any] = []
        async with session(server, on_playback_state=states.append) as (client, heard):
            assert set(client.capabilities) == {"playback_control", "playback_state"}
            req_id = await client.send_audio(tone(0.2))
            await client.pause()
            await client.resume()
            await client.send_audio(b"", end=True)
            await heard.until_end(req_id)

        assert [(state.req_id, state.state.value) for state in states] == [(req_id, "paused"), (req_id, "playing")]

    async def test_playback_signals_end_each_round_once(self, server: Running) -> None:
        signals: list[Any] = []
        async with session(server, on_playback=signals.append, use_query_auth=True) as (client, heard):
            req_id = await client.send_audio(tone(0.4), end=True)
            await heard.until_end(req_id)

        assert [signal.end for signal in signals].count(True) == 1


class TestErrors:
    async def test_a_bad_key(self, server: Running) -> None:
        problem = await failure(server, api_key="bogus")

        assert (problem.code.value, problem.http_status) == ("sessionTokenInvalid", 401)

    async def test_an_expiry_in_the_past(self, server: Running) -> None:
        problem = await failure(server, expire_at=datetime.now(UTC) - timedelta(hours=1))

        assert (problem.code.value, problem.http_status) == ("invalidRequest", 400)

    async def test_no_server(self, server: Running) -> None:
        problem = await failure(server, console_endpoint_url="http://127.0.0.1:9")

        assert (problem.code.value, problem.retryable) == ("connectionFailed", True)

    async def test_an_expired_token(self, server: Running) -> None:
        now = int(time.time())
        client = spatialreal.new_avatar_session(**arguments(server))
        client._session_token = await server.signed(server.credentials.app_id, now=now - 100, expires_at=now - 1)
        with pytest.raises(spatialreal.AvatarSDKError) as caught:
            await client.start()

        assert caught.value.code.value == "sessionTokenInvalid"

    async def test_a_missing_avatar(self, server: Running) -> None:
        assert (await failure(server, avatar_id="nobody")).code.value == "connectionFailed"

    async def test_one_session_too_many(self, start: Start) -> None:
        async with start(sessions_per_app=1) as server, session(server):
            problem = await failure(server)

        assert (problem.code.value, problem.retryable) == ("concurrencyLimit", False)

    async def test_an_engine_that_fails(self, start: Start) -> None:
        def fail() -> None:
            raise RuntimeError("no model")

        async with start(engine=LoudnessEngine(fail)) as server, session(server) as (client, heard):
            await client.send_audio(tone(1.0))
            await heard.until_closed()

        assert heard.codes() == ["upstreamError", "upstreamError"]
        assert all(error.retryable for error in heard.errors)  # type: ignore[attr-defined]

    async def test_the_longest_session(self, start: Start) -> None:
        clock = VirtualClock()
        async with start(clock=clock, session_limit_s=20) as server, session(server) as (_, heard):
            await clock.advance(21)
            await heard.until_closed()

        assert heard.codes() == ["sessionDurationExceeded", "sessionDurationExceeded"]

    @pytest.mark.parametrize(
        ("ending", "codes"),
        [
            (endings.CREDITS_EXHAUSTED, ["creditsExhausted", "creditsExhausted"]),
            (endings.TIME_IS_UP, ["sessionDurationExceeded", "sessionDurationExceeded"]),
            (endings.TOO_MANY_SESSIONS, ["concurrencyLimit", "concurrencyLimit"]),
            (
                Ending(ServerErrorCode.AUTH_FAILED, "invalid session token", CloseCode.AUTH_FAILED),
                ["sessionTokenInvalid", "sessionTokenInvalid"],
            ),
            (endings.SERVICE_FAILED, ["upstreamError", "upstreamError"]),
            (endings.READS_TOO_SLOWLY, ["serverError", "connectionClosed"]),
            (endings.idle(5), ["serverError", "sessionDurationExceeded"]),
            (endings.DRAINED, []),
        ],
        ids=lambda value: value.message if isinstance(value, Ending) else None,
    )
    async def test_each_ending_by_its_numbers(self, server: Running, ending: Ending, codes: list[str]) -> None:
        async with session(server) as (_, heard):
            for connection in server.services.sessions:
                connection.end(ending)
            await heard.until_closed()

        assert heard.codes() == codes


async def test_the_console_root_and_its_environments(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async with session(server, console_endpoint_url=server.url):  # a bare root
        pass
    reply = (await server.http.get("/sdk")).json()
    (environment,) = reply["environments"].values()
    async with session(
        server,
        console_endpoint_url=environment["api"],
        ingress_endpoint_url=environment["driveningress"] + "/v2/driveningress",
    ) as (client, heard):
        req_id = await client.send_audio(tone(0.2), end=True)
        await heard.until_end(req_id)
    await asyncio.sleep(0)
