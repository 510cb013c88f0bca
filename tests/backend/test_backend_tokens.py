"""Session tokens: asked for once, kept until shortly before they expire, every refusal told apart."""

from __future__ import annotations

import asyncio
import json
import logging

import httpx
import pytest
from fake_upstream import NOW, FakeUpstream

from avatarkit.backend.tokens import SessionTokens
from avatarkit.errors import AvatarError, ErrorCode, Phase

KEY = "ak_live_verysecretkey"


class Wall:
    now = NOW

    def __call__(self) -> float:
        return self.now


def tokens(upstream: FakeUpstream, wall: Wall | None = None, lifetime_s: int = 3600) -> SessionTokens:
    return SessionTokens(
        "http://console.test/base/",
        KEY,
        lifetime_s=lifetime_s,
        unix_time=wall or Wall(),
        transport=httpx.MockTransport(upstream.console),
    )


async def test_the_request_is_the_published_one() -> None:
    upstream = FakeUpstream()
    assert await tokens(upstream).get() == "token-1"
    (request,) = upstream.token_requests
    assert (request.method, str(request.url)) == ("POST", "http://console.test/base/v1/console/session-tokens")
    assert request.headers["x-api-key"] == KEY
    assert json.loads(request.content) == {"expireAt": int(NOW) + 3600}


async def test_a_token_is_kept_until_a_minute_before_it_expires() -> None:
    upstream, wall = FakeUpstream(), Wall()
    source = tokens(upstream, wall)
    await source.get()
    wall.now = NOW + 3600 - 61
    assert await source.get() == "token-1"
    wall.now = NOW + 3600 - 60
    assert await source.get() == "token-2"


async def test_overlapping_calls_share_one_request() -> None:
    upstream = FakeUpstream()
    source = tokens(upstream)
    assert await asyncio.gather(*(source.get() for _ in range(5))) == ["token-1"] * 5


async def test_a_refused_token_is_not_handed_out_again_and_a_newer_one_is_left_alone() -> None:
    source = tokens(FakeUpstream())
    source.forget(await source.get())
    second = await source.get()
    source.forget("token-1")
    assert await source.get() == second == "token-2"


async def test_a_failure_is_not_kept() -> None:
    upstream = FakeUpstream(token_status=503)
    source = tokens(upstream)
    with pytest.raises(AvatarError):
        await source.get()
    upstream.token_status = 200
    assert await source.get() == "token-2"


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (400, ErrorCode.CONFIGURATION_INVALID, False),
        (401, ErrorCode.API_KEY_INVALID, False),
        (402, ErrorCode.INSUFFICIENT_BALANCE, False),
        (403, ErrorCode.APP_ID_UNRECOGNIZED, False),
        (404, ErrorCode.CONFIGURATION_INVALID, False),
        (302, ErrorCode.CONFIGURATION_INVALID, False),
        (429, ErrorCode.CONCURRENT_LIMIT_EXCEEDED, True),
        (500, ErrorCode.TOKEN_REQUEST_FAILED, True),
        (503, ErrorCode.TOKEN_REQUEST_FAILED, True),
    ],
)
async def test_each_refusal_has_its_code(status: int, code: ErrorCode, retryable: bool) -> None:
    with pytest.raises(AvatarError) as caught:
        await tokens(FakeUpstream(token_status=status)).get()
    assert (caught.value.code, caught.value.phase) == (code, Phase.AUTHENTICATE)
    assert caught.value.retryable is retryable


@pytest.mark.parametrize(
    "body",
    [b"not json", {}, [], {"sessionToken": ""}, {"sessionToken": 7}, {"sessionToken": "a\nb"}, b"[" * 9000,
     {"data": {"sessionToken": "nested"}}, {"sessionToken": "x" * 70_000}],
)  # fmt: skip
async def test_an_unusable_answer_is_a_failed_request(body: object) -> None:
    with pytest.raises(AvatarError) as caught:
        await tokens(FakeUpstream(token_body=body)).get()
    assert caught.value.code is ErrorCode.TOKEN_REQUEST_FAILED


async def test_neither_errors_nor_logs_hold_the_key_or_the_token(caplog: pytest.LogCaptureFixture) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach {request.url} with {request.headers['x-api-key']}")

    source = SessionTokens("http://console.test", KEY, transport=httpx.MockTransport(broken))
    with caplog.at_level(logging.DEBUG), pytest.raises(AvatarError) as caught:
        await source.get()
    assert caught.value.code is ErrorCode.TOKEN_REQUEST_FAILED
    assert KEY not in f"{caught.value!r}{caught.value}{caught.value.__cause__}{caplog.text}"
    with caplog.at_level(logging.DEBUG):
        token = await tokens(FakeUpstream()).get()
    assert token not in caplog.text


@pytest.mark.parametrize("endpoint", ["", "console.test", "ftp://console.test", "http://", "http://c.test/?a=b"])
def test_a_bad_endpoint_is_refused_at_once(endpoint: str) -> None:
    with pytest.raises(AvatarError) as caught:
        SessionTokens(endpoint, KEY)
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


@pytest.mark.parametrize(
    "wrong", [{"api_key": " "}, {"api_key": "a\r\nb"}, {"lifetime_s": 60}, {"lifetime_s": 86_400}]
)
def test_a_bad_key_or_lifetime_is_refused_at_once(wrong: dict[str, object]) -> None:
    with pytest.raises(AvatarError):
        SessionTokens(**{"endpoint": "http://c.test", "api_key": KEY} | wrong)  # type: ignore[arg-type]
