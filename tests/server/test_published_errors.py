"""Every error before a session is open that the wire's documents list, caused on our server, as both published
packages report it; test_published_endings.py has those that end a session."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from published_kit import VERSIONS, Family, administer, behind_proxy, set_quota
from server_kit import Running, Start

from avatarkit.clock import VirtualClock
from avatarkit.server.store.records import Scope

NOWHERE = "127.0.0.1:9"


@pytest.fixture(params=VERSIONS)
def family(request: pytest.FixtureRequest) -> Family:
    return Family(request.param)


async def fail(*_: Any, **__: Any) -> None:
    raise RuntimeError("the database is gone")


@contextlib.asynccontextmanager
async def asked_too_much(server: Running) -> AsyncIterator[dict[str, str]]:
    """Through a proxy, as somebody who has no request left."""
    somebody = "203.0.113.5"
    while (await server.http.get("/healthy", headers={"X-Forwarded-For": somebody})).status_code != 429:
        pass
    async with behind_proxy(server, X_Forwarded_For=somebody) as addresses:
        yield addresses


LIMITED = {"trusted_proxies": ("127.0.0.1",), "requests_per_minute": 3}


class TestTokens:
    """Section 1.1: the token endpoint. HTTP status, code of ``spatius``, code of ``spatialreal``."""

    async def bad_request(self, server: Running, family: Family) -> Any:
        return await family.init_error(server, expire_at=datetime.now(UTC) + timedelta(hours=48))

    async def bad_key(self, server: Running, family: Family) -> Any:
        return await family.init_error(server, api_key="bogus")

    async def revoked_key(self, server: Running, family: Family) -> Any:
        store = await server.services.store()
        await store.keys.revoke(server.credentials.api_key[:11], now=1)
        return await family.init_error(server)

    async def no_credits(self, server: Running, family: Family) -> Any:
        await set_quota(server, credit_limit_s=0)
        return await family.init_error(server)

    async def wrong_scope(self, server: Running, family: Family) -> Any:
        store = await server.services.store()
        reader = await store.keys.create(server.credentials.app_id, now=1, scopes=[Scope.AVATARS_READ])
        return await family.init_error(server, api_key=reader.text)

    async def wrong_address(self, server: Running, family: Family) -> Any:
        return await family.init_error(server, console_endpoint_url=server.url + "/console")

    async def too_many_requests(self, server: Running, family: Family) -> Any:
        async with asked_too_much(server) as addresses:
            return await family.init_error(server, **addresses)

    async def broken_store(self, server: Running, family: Family) -> Any:
        (await server.services.store()).keys.check = fail  # type: ignore[method-assign]
        return await family.init_error(server)

    async def no_server(self, server: Running, family: Family) -> Any:
        return await family.init_error(server, console_endpoint_url=f"http://{NOWHERE}")

    @pytest.mark.parametrize(
        ("cause", "status", "spatius", "spatialreal"),
        [
            (bad_request, 400, "invalidRequest", "invalidRequest"),
            (bad_key, 401, "sessionTokenExpired", "sessionTokenInvalid"),
            (revoked_key, 401, "sessionTokenExpired", "sessionTokenInvalid"),
            (no_credits, 402, "billingRequired", "billingRequired"),
            (wrong_scope, 403, "invalidRequest", "appIDUnrecognized"),
            (wrong_address, 404, "appIDUnrecognized", "avatarNotFound"),
            (too_many_requests, 429, "invalidRequest", "concurrencyLimit"),
            (broken_store, 500, "serverError", "serverError"),
            (no_server, None, "connectionFailed", "connectionFailed"),
        ],
    )
    async def test_each_status_as_that_clients_code(
        self, start: Start, family: Family, cause: Any, status: int | None, spatius: str, spatialreal: str
    ) -> None:
        async with start(**LIMITED if cause.__name__ == "too_many_requests" else {}) as server:
            problem = await cause(self, server, family)

        expected = {"spatius": spatius, "spatialreal": spatialreal}[family.name]
        assert (problem.code.value, problem.http_status, problem.phase) == (expected, status, "session_token")


class TestUpgrades:
    """Section 3.2: rejections of the upgrade. ``spatialreal`` tells apart less."""

    async def bogus_token(self, server: Running, family: Family) -> Any:
        problem = await family.start_error(server, "bogus")
        if family.name == "spatius":
            assert problem.raw_body == '{"message":"Invalid session token"}\n'  # byte for byte
        return problem

    async def revoked_token(self, server: Running, family: Family) -> Any:
        token = await server.token()
        await administer(server, "POST", "/revoked-tokens", json={"token": token})
        return await family.start_error(server, token)

    async def used_token(self, server: Running, family: Family) -> Any:
        client = family.client(server)
        client._session_token = token = await server.token(singleUse=True)
        await client.start()
        await client.close()
        return await family.start_error(server, token)

    async def expired_token(self, server: Running, family: Family) -> Any:
        now = int(time.time())
        token = await server.signed(server.credentials.app_id, now=now - 100, expires_at=now - 1)
        return await family.start_error(server, token)

    async def other_app(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, app_id="app_other")

    async def gone_app(self, server: Running, family: Family) -> Any:
        now = int(time.time())
        token = await server.signed("app_gone", now=now, expires_at=now + 60)
        return await family.start_error(server, token, app_id="app_gone")

    async def missing_avatar(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, avatar_id="nobody")

    async def no_credits(self, server: Running, family: Family) -> Any:
        token = await server.token()
        await set_quota(server, credit_limit_s=0)
        return await family.start_error(server, token)

    async def foreign_page(self, server: Running, family: Family) -> Any:
        async with behind_proxy(server, Origin="https://elsewhere.example") as addresses:
            return await family.start_error(server, **addresses)

    async def too_many_requests(self, server: Running, family: Family) -> Any:
        token = await server.token()
        async with asked_too_much(server) as addresses:
            return await family.start_error(server, token, **addresses)

    async def full_server(self, server: Running, family: Family) -> Any:
        async with family.session(server):
            return await family.start_error(server)

    async def late_server(self, server: Running, family: Family) -> Any:
        server.services.load._late_s = 10.0
        return await family.start_error(server)

    async def draining_server(self, server: Running, family: Family) -> Any:
        await server.services.drain()
        return await family.start_error(server)

    async def broken_store(self, server: Running, family: Family) -> Any:
        token = await server.token()
        (await server.services.store()).avatars.visible = fail  # type: ignore[method-assign]
        return await family.start_error(server, token)

    async def no_server(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, "x", ingress_endpoint_url=f"ws://{NOWHERE}/v2/driveningress")

    SETTINGS: ClassVar = {
        "too_many_requests": LIMITED,
        "foreign_page": {"cors_origins": ("https://ours.example",)},
        "full_server": {"connection_limit": 1},
    }

    @pytest.mark.parametrize(
        ("cause", "status", "spatius"),
        [
            (bogus_token, 400, "sessionTokenInvalid"),
            (revoked_token, 400, "sessionTokenInvalid"),
            (used_token, 400, "sessionTokenInvalid"),
            (other_app, 400, "appIDMismatch"),
            (expired_token, 401, "sessionTokenExpired"),
            (no_credits, 402, "billingRequired"),
            (foreign_page, 403, "invalidRequest"),
            (missing_avatar, 404, "avatarNotFound"),
            (gone_app, 404, "appIDUnrecognized"),
            (too_many_requests, 429, "invalidRequest"),
            (broken_store, 500, "serverError"),
            (full_server, 503, "serverError"),
            (late_server, 503, "serverError"),
            (draining_server, 503, "serverError"),
            (no_server, None, "connectionFailed"),
        ],
    )
    async def test_each_status_as_that_clients_code(
        self, start: Start, family: Family, cause: Any, status: int | None, spatius: str
    ) -> None:
        async with start(**self.SETTINGS.get(cause.__name__, {})) as server:
            problem = await cause(self, server, family)

        if family.name == "spatius":
            assert (problem.code.value, problem.http_status) == (spatius, status)
            assert problem.phase == "websocket_connect"
        else:
            is_refused = status in (401, 403)
            assert problem.code.value == ("sessionTokenInvalid" if is_refused else "connectionFailed")
            assert problem.retryable is not is_refused


async def test_a_style_that_there_is_not(server: Running) -> None:
    spatius = Family("spatius")  # the other has no such option
    problem = await spatius.start_error(server, extra_params={"motion_style": "furious:7"})
    assert (problem.code.value, problem.server_code) == ("invalidRequest", "3")


def bytes_first(data: bytes | str) -> Callable[[Any], Awaitable[None]]:
    """Sends that in place of the configuration."""

    async def send(client: Any) -> None:
        await client._connection.send(data)

    return send


class TestHandshakes:
    """Sections 3.3 and 3.7: the server's first message is an error."""

    async def sample_rate(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, sample_rate=11025)

    async def one_session_too_many(self, server: Running, family: Family) -> Any:
        async with family.session(server):
            return await family.start_error(server)

    async def egress_that_is_not_there(self, server: Running, family: Family) -> Any:
        room = family.package.LiveKitEgressConfig(url="wss://x", api_token="t", room_name="r", publisher_id="p")
        return await family.start_error(server, livekit_egress=room)

    async def agora_that_is_not_there(self, server: Running, family: Family) -> Any:
        channel = family.package.AgoraEgressConfig(channel_name="c", token="t", uid=1, publisher_id="p")
        return await family.start_error(server, agora_egress=channel)

    async def egress_without_credentials(self, server: Running, family: Family) -> Any:
        room = family.package.LiveKitEgressConfig(url="wss://x", room_name="r", publisher_id="p")
        return await family.start_error(server, livekit_egress=room)

    async def egress_without_channel(self, server: Running, family: Family) -> Any:
        channel = family.package.AgoraEgressConfig(channel_name="", token="t", uid=1, publisher_id="p")
        return await family.start_error(server, agora_egress=channel)

    async def audio_first(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, first=bytes_first(b"\x08\x03"))

    async def text_first(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, first=bytes_first("hello"))

    async def nonsense_first(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, first=bytes_first(b"\xff\xff"))

    async def empty_configuration(self, server: Running, family: Family) -> Any:
        return await family.start_error(server, first=bytes_first(b"\x08\x01"))

    async def silence(self, server: Running, family: Family) -> Any:
        async def wait(_client: Any) -> None:
            await server.services.clock.advance(11)  # type: ignore[attr-defined]

        return await family.start_error(server, first=wait)

    async def no_engine(self, server: Running, family: Family) -> Any:
        return await family.start_error(server)

    async def drain(self, server: Running, family: Family) -> Any:
        async def wait(_client: Any) -> None:
            await server.services.drain()

        return await family.start_error(server, first=wait)

    SETTINGS: ClassVar[dict[str, Callable[[], dict[str, Any]]]] = {
        "one_session_too_many": lambda: {"sessions_per_app": 1},
        "silence": lambda: {"clock": VirtualClock()},
        "no_engine": lambda: {"engine": object()},
    }

    @pytest.mark.parametrize(
        ("cause", "number", "spatius", "spatialreal"),
        [
            (sample_rate, 0, "unsupportedSampleRate", "serverError"),
            (egress_that_is_not_there, 14, "egressUnavailable", "serverError"),
            (agora_that_is_not_there, 14, "egressUnavailable", "serverError"),
            (egress_without_credentials, 16, "invalidEgressConfig", "serverError"),
            (egress_without_channel, 16, "invalidEgressConfig", "serverError"),
            (one_session_too_many, 4003, "serverError", "concurrencyLimit"),  # spatius has no word for it
            (audio_first, 0, "protocolError", "serverError"),
            (text_first, 0, "protocolError", "serverError"),
            (nonsense_first, 0, "protocolError", "serverError"),
            (empty_configuration, 0, "protocolError", "serverError"),
            (silence, 0, "protocolError", "serverError"),
            (no_engine, 4503, "upstreamError", "upstreamError"),
            (drain, None, "connectionClosed", "connectionClosed"),
        ],
    )
    async def test_each_number_and_phrase_as_that_clients_code(
        self, start: Start, family: Family, cause: Any, number: int | None, spatius: str, spatialreal: str
    ) -> None:
        expected = {"spatius": spatius, "spatialreal": spatialreal}[family.name]
        async with start(**self.SETTINGS.get(cause.__name__, dict)()) as server:
            problem = await cause(self, server, family)

        assert problem.code.value == expected
        if number is not None:
            assert int(problem.server_code) == number
