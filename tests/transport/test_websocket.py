"""The WebSocket transport over real loopback sockets."""

from __future__ import annotations

import asyncio
import http
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.datastructures import Headers

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.transport.contract import ConnectionEnded, Target
from avatarkit.transport.websocket import open_websocket, websocket_url

Handler = Callable[[ServerConnection], Awaitable[None]]
TOKEN = "a-very-secret-token"


@asynccontextmanager
async def running(
    handler: Handler, answer: Callable[[ServerConnection, Request], Response | None] | None = None
) -> AsyncIterator[Target]:
    async with serve(handler, "127.0.0.1", 0, process_request=answer) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Target(f"http://127.0.0.1:{port}/base/", "an avatar", "the-app", TOKEN)


async def quiet(connection: ServerConnection) -> None:
    await connection.wait_closed()


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://h:1", "ws://h:1/v2/driveningress/websocket?id=a+b%26c"),
        ("https://h/base/", "wss://h/base/v2/driveningress/websocket?id=a+b%26c"),
        ("ws://h", "ws://h/v2/driveningress/websocket?id=a+b%26c"),
    ],
)
def test_address(endpoint: str, url: str) -> None:
    assert websocket_url(endpoint, "a b&c") == url


@pytest.mark.parametrize("endpoint", ["h:1", "ftp://h", "http://", "http://h?x=1"])
def test_bad_addresses(endpoint: str) -> None:
    with pytest.raises(AvatarError) as caught:
        websocket_url(endpoint, "a")
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID


async def test_headers_and_messages() -> None:
    requests: list[Request] = []

    async def echo(connection: ServerConnection) -> None:
        assert connection.request is not None
        requests.append(connection.request)
        async for message in connection:
            await connection.send(message)
            await connection.send("text")

    async with running(echo) as target:
        connection = await open_websocket(target)
        await connection.send(b"\x00\x01")
        assert await connection.receive() == b"\x00\x01"
        assert await connection.receive() == "text"
        await connection.close()
        await connection.close()
    assert requests[0].path == "/base/v2/driveningress/websocket?id=an+avatar"
    assert requests[0].headers["X-App-ID"] == "the-app"
    assert requests[0].headers["X-Session-Key"] == TOKEN


async def test_our_own_close_is_clean() -> None:
    async with running(quiet) as target:
        connection = await open_websocket(target)
        receiving = asyncio.create_task(connection.receive())
        await asyncio.sleep(0)
        await connection.close()
        with pytest.raises(ConnectionEnded) as caught:
            await receiving
        assert caught.value.error is None
        with pytest.raises(ConnectionEnded):
            await connection.send(b"late")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1000, None),
        (1001, None),
        (1011, ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED),
        (4002, ErrorCode.SESSION_TIMEOUT),
    ],
)
async def test_the_servers_close(code: int, expected: ErrorCode | None) -> None:
    async with running(lambda connection: connection.close(code, "why")) as target:
        connection = await open_websocket(target)
        with pytest.raises(ConnectionEnded) as caught:
            await connection.receive()
    error = caught.value.error
    assert (None if error is None else error.code) is expected


async def test_a_connection_that_drops() -> None:
    async def drop(connection: ServerConnection) -> None:
        connection.transport.abort()

    async with running(drop) as target:
        connection = await open_websocket(target)
        with pytest.raises(ConnectionEnded) as caught:
            await connection.receive()
    assert caught.value.error is not None
    assert caught.value.error.code is ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY


async def test_a_message_over_the_limit_ends_the_connection() -> None:
    async def flood(connection: ServerConnection) -> None:
        await connection.send(bytes(2 * 1024 * 1024))
        await connection.wait_closed()

    async with running(flood) as target:
        connection = await open_websocket(target)
        with pytest.raises(ConnectionEnded) as caught:
            await connection.receive()
    assert caught.value.error is not None


def answering(
    status: int, body: bytes = b"", headers: dict[str, str] | None = None
) -> Callable[[ServerConnection, Request], Response]:
    def answer(connection: ServerConnection, request: Request) -> Response:
        all_headers = Headers({"Content-Length": str(len(body)), **(headers or {})})
        return Response(status, http.HTTPStatus(status).phrase, all_headers, body)

    return answer


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, b'{"message":"Invalid session token"}\n', ErrorCode.SESSION_TOKEN_INVALID),
        (404, b'{"message":"Avatar not found"}', ErrorCode.AVATAR_ID_UNRECOGNIZED),
        (503, b"", ErrorCode.SERVER_ERROR),
    ],
)
async def test_rejections(status: int, body: bytes, code: ErrorCode) -> None:
    async with running(quiet, answering(status, body)) as target:
        with pytest.raises(AvatarError) as caught:
            await open_websocket(target)
    assert caught.value.code is code


async def test_a_redirect_is_not_followed() -> None:
    """Another host must never see the token."""
    visited: list[str] = []

    def elsewhere(connection: ServerConnection, request: Request) -> None:
        visited.append(request.headers["X-Session-Key"])

    async with running(quiet, elsewhere) as other:
        headers = {"Location": f"{other.endpoint.replace('http', 'ws')}x"}
        async with running(quiet, answering(302, headers=headers)) as target:
            with pytest.raises(AvatarError) as caught:
                await open_websocket(target)
    assert caught.value.code is ErrorCode.WEBSOCKET_ERROR
    assert visited == []


async def test_nobody_listens() -> None:
    with pytest.raises(AvatarError) as caught:
        await open_websocket(Target("http://127.0.0.1:9", "a", "app", TOKEN))
    assert caught.value.code is ErrorCode.WEBSOCKET_ERROR
    assert caught.value.retryable


async def test_something_else_answers() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ready\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    other = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    async with other:
        with pytest.raises(AvatarError) as caught:
            await open_websocket(Target(f"http://127.0.0.1:{port}", "a", "app", TOKEN))
    assert caught.value.code is ErrorCode.WEBSOCKET_ERROR


async def test_the_token_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with running(quiet, answering(400, b'{"message":"Invalid session token"}')) as target:
            with pytest.raises(AvatarError):
                await open_websocket(target)
        async with running(quiet) as target:
            await (await open_websocket(target)).close()
    ours = [r for r in caplog.records if not r.name.startswith("websockets.server")]
    assert TOKEN not in "\n".join(r.getMessage() for r in ours)
