"""Every way in which a session ends on our server, as both published packages report it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from published_kit import VERSIONS, Family, Heard, administer, set_quota
from server_kit import LoudnessEngine, Running, Start, tone

from avatarkit.clock import VirtualClock


@pytest.fixture(params=VERSIONS)
def family(request: pytest.FixtureRequest) -> Family:
    return Family(request.param)


@dataclass
class Cause:
    """What ends a session, and what the clients say: their code for the error, and for the close."""

    act: Callable[[Running, Any], Awaitable[None]]
    spatius: list[str]
    spatialreal: list[str]
    close_code: int
    settings: Callable[[], dict[str, Any]] = dict
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.act.__name__


async def credits_run_out(server: Running, _client: Any) -> None:
    await set_quota(server, credit_limit_s=0)
    await (await server.services.meter()).beat()


async def time_is_up(server: Running, _client: Any) -> None:
    await server.services.clock.advance(21)  # type: ignore[attr-defined]


async def nobody_speaks(server: Running, _client: Any) -> None:
    await server.services.clock.advance(31)  # type: ignore[attr-defined]


async def app_is_disabled(server: Running, _client: Any) -> None:
    await administer(server, "PATCH", f"/apps/{server.credentials.app_id}", json={"disabled": True})
    await (await server.services.meter()).beat()


async def operator_ends_it(server: Running, client: Any) -> None:
    (connection,) = server.services.sessions
    await administer(server, "DELETE", f"/sessions/{connection.id}")
    await (await server.services.meter()).beat()


async def token_is_revoked(server: Running, client: Any) -> None:
    body = {"token": client._session_token, "end_sessions": True}
    await administer(server, "POST", "/revoked-tokens", json=body)
    await (await server.services.meter()).beat()


async def all_tokens_are_revoked(server: Running, _client: Any) -> None:
    await administer(server, "DELETE", f"/apps/{server.credentials.app_id}/tokens?end_sessions=true")
    await (await server.services.meter()).beat()


async def engine_fails(_server: Running, client: Any) -> None:
    await client.send_audio(tone(1.0))


async def held_for_dead(server: Running, _client: Any) -> None:
    store = await server.services.store()
    await store.sessions.forget_dead_servers(now_ms=int((time.time() + 60) * 1000))
    await (await server.services.meter()).beat()


async def fault_of_ours(server: Running, client: Any) -> None:
    (connection,) = server.services.sessions
    connection._watch.turn = None  # type: ignore[assignment, method-assign]
    await client.send_audio(tone(0.1))


async def second_configuration(_server: Running, client: Any) -> None:
    await client._connection.send(b"\x08\x01")


async def server_message(_server: Running, client: Any) -> None:
    await client._connection.send(b"\x08\x02")


async def nonsense(_server: Running, client: Any) -> None:
    await client._connection.send(b"\xff\xff")


async def no_opus(_server: Running, client: Any) -> None:
    await client.send_audio(b"RIFF....WAVE")


async def message_too_big(_server: Running, client: Any) -> None:
    with contextlib.suppress(Exception):  # the server may close while it is being sent
        await client.send_audio(bytes(9 << 20))


async def too_many_messages(_server: Running, client: Any) -> None:
    with contextlib.suppress(Exception):
        for _ in range(30):
            await client.send_audio(b"\0\0")


async def stop_in_peace(server: Running, _client: Any) -> None:
    await server.services.drain()


async def stop_in_a_hurry(server: Running, client: Any) -> None:
    await client.send_audio(tone(0.2))
    await asyncio.sleep(0.05)
    draining = asyncio.create_task(server.services.drain())
    await server.services.clock.advance(31)  # type: ignore[attr-defined]
    await draining


def _broken_engine() -> dict[str, Any]:
    def broken() -> None:
        raise RuntimeError("no model")

    return {"engine": LoudnessEngine(broken)}


ENDED = "connectionClosed"
CAUSES = [
    Cause(credits_run_out, ["creditsExhausted", ENDED], ["creditsExhausted", "creditsExhausted"], 4001),
    Cause(
        time_is_up,
        ["sessionDurationExceeded", ENDED],
        ["sessionDurationExceeded", "sessionDurationExceeded"],
        4002,
        lambda: {"clock": VirtualClock(), "session_limit_s": 20},
    ),
    Cause(
        nobody_speaks,
        ["idleTimeout", ENDED],
        ["serverError", "sessionDurationExceeded"],
        4002,
        lambda: {"clock": VirtualClock(), "idle_timeout_s": 30},
    ),
    Cause(app_is_disabled, ["billingRequired", ENDED], ["sessionTokenInvalid", "sessionTokenInvalid"], 4010),
    Cause(operator_ends_it, ["billingRequired", ENDED], ["sessionTokenInvalid", "sessionTokenInvalid"], 4010),
    Cause(token_is_revoked, ["sessionTokenInvalid", ENDED], ["sessionTokenInvalid", "sessionTokenInvalid"], 4010),
    Cause(
        all_tokens_are_revoked, ["sessionTokenInvalid", ENDED], ["sessionTokenInvalid", "sessionTokenInvalid"], 4010
    ),
    Cause(engine_fails, ["upstreamError", ENDED], ["upstreamError", "upstreamError"], 4503, _broken_engine),
    Cause(held_for_dead, ["upstreamError", ENDED], ["upstreamError", "upstreamError"], 4503),
    Cause(
        stop_in_a_hurry,
        ["upstreamError", ENDED],
        ["upstreamError", "upstreamError"],
        4503,
        lambda: {"clock": VirtualClock()},
    ),
    Cause(fault_of_ours, ["serverError", ENDED], ["serverError", ENDED], 1011),
    Cause(second_configuration, ["protocolError", ENDED], ["serverError", ENDED], 1008),
    Cause(server_message, ["protocolError", ENDED], ["serverError", ENDED], 1008),
    Cause(nonsense, ["serverError", ENDED], ["serverError", ENDED], 1008),
    Cause(no_opus, ["invalidRequest", ENDED], ["serverError", ENDED], 1008, options={"audio_format": "OGG_OPUS"}),
    Cause(message_too_big, ["invalidRequest", ENDED], ["serverError", ENDED], 1009),
    Cause(
        too_many_messages,
        ["invalidRequest", ENDED],
        ["serverError", ENDED],
        1008,
        lambda: {"messages_per_second": 1, "message_burst": 10},
    ),
    Cause(stop_in_peace, [], [], 1001),
]


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
async def test_each_end_of_a_session_as_that_clients_codes(start: Start, family: Family, cause: Cause) -> None:
    """Sections 3.7 and 3.8: an error, and the close that follows it."""
    options = cause.options
    if "audio_format" in options:
        options = {"audio_format": family.package.AudioFormat[options["audio_format"]]}
    async with start(**cause.settings()) as server, family.session(server, **options) as (client, heard):
        connection = client._connection
        await cause.act(server, client)
        await heard.until_closed()

    assert heard.codes() == (cause.spatius if family.name == "spatius" else cause.spatialreal)
    assert connection.close_code == cause.close_code
    if family.name == "spatialreal":
        is_retryable = cause.close_code in (1008, 1011, 1009, 4002, 4503)
        assert all(error.retryable is is_retryable for error in heard.errors[1:])


async def test_a_client_that_leaves_is_told_nothing(server: Running, family: Family) -> None:
    heard: Heard
    async with family.session(server) as (client, heard):
        await client.send_audio(tone(0.2))
    assert heard.errors == []
