"""Nobody holds an HTTP connection, or memory, by sending or reading slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from server_kit import Running, until
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.server import ServerState

from avatarkit.server.http.connection import (
    BODY_STALL_S,
    HEAD_TIMEOUT_S,
    MAX_HEAD_BYTES,
    READ_STALL_S,
    LimitedHttp,
)

REQUEST = b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n"


class Timer:
    def __init__(self, at_s: float, call: Callable[[], None]) -> None:
        self.at_s = at_s
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self.call = None


class VirtualLoop:
    """The running loop with other timers: they pass when a test says so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._now_s = 0.0
        self._timers: list[Timer] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def call_later(self, delay_s: float, call: Callable[..., None], *arguments: Any) -> Timer:
        self._timers.append(Timer(self._now_s + delay_s, lambda: call(*arguments)))
        return self._timers[-1]

    def advance(self, seconds: float) -> None:
        self._now_s += seconds
        due = [timer for timer in self._timers if timer.at_s <= self._now_s]
        self._timers = [timer for timer in self._timers if timer.at_s > self._now_s]
        for timer in due:
            if timer.call is not None:
                timer.call()


class Wire(asyncio.Transport):
    """What a connection writes, and whether it was ended."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_ended = False
        self.protocol: asyncio.BaseProtocol | None = None

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self.protocol is not None
        return self.protocol

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.is_ended = True

    def abort(self) -> None:
        self.is_ended = True

    def is_closing(self) -> bool:
        return self.is_ended

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Client:
    """Somebody who talks to a server that answers with the length of what came."""

    def __init__(self) -> None:
        self.was_left = False
        self.loop = VirtualLoop()
        self.wire = Wire()
        config = Config(self._app, lifespan="off", log_config=None, interface="asgi3")
        config.load()
        self.http = LimitedHttp(config, ServerState(), {}, self.loop)  # type: ignore[arg-type]
        self.wire.protocol = self.http
        self.http.connection_made(self.wire)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if scope["path"] == "/early":
            await Response(status_code=413)(scope, receive, send)
            return
        try:
            body = await request.body()
        except ClientDisconnect:
            self.was_left = True
            return
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    def send(self, data: bytes) -> None:
        self.http.data_received(data)

    async def answered(self, times: int = 1) -> None:
        await until(lambda: self.wire.sent.count(b"HTTP/1.1 ") == times and self.http.cycle.response_complete)

    def status(self) -> bytes:
        return self.wire.sent.split(b"\r\n")[0]


@pytest.fixture
async def client() -> Client:
    return Client()


async def test_one_who_says_nothing_is_left_without_a_word(client: Client) -> None:
    client.loop.advance(HEAD_TIMEOUT_S - 1)
    assert not client.wire.is_ended
    client.loop.advance(1)
    assert client.wire.is_ended
    assert client.wire.sent == b""


async def test_a_head_that_drips_is_complete_in_time_or_the_connection_ends(client: Client) -> None:
    for byte in REQUEST[:10]:
        client.loop.advance(HEAD_TIMEOUT_S / 10)
        client.send(bytes([byte]))
    client.loop.advance(HEAD_TIMEOUT_S / 10)
    assert client.wire.is_ended
    assert client.status() == b"HTTP/1.1 408 Request Timeout"


async def test_a_head_without_end_is_refused(client: Client) -> None:
    client.send(REQUEST[:-4] + b"\r\nX: ")
    piece = b"x" * 1024
    for _ in range(MAX_HEAD_BYTES // len(piece) - 1):
        client.send(piece)
    assert not client.wire.is_ended
    client.send(piece)
    assert client.wire.is_ended
    assert client.status() == b"HTTP/1.1 431 Request Header Fields Too Large"


async def test_a_body_may_take_long_but_not_stand_still(client: Client) -> None:
    client.send(REQUEST)
    for _ in range(9):
        client.loop.advance(BODY_STALL_S - 1)
        client.send(b"x")
    assert not client.wire.is_ended
    client.loop.advance(BODY_STALL_S)
    assert client.wire.is_ended
    client.http.connection_lost(None)  # as the transport would
    await until(lambda: client.was_left)


async def test_a_whole_request_has_no_limit_but_keep_alive(client: Client) -> None:
    client.send(REQUEST + b"x" * 10)
    client.loop.advance(10 * BODY_STALL_S)  # the server takes its time
    assert not client.wire.is_ended
    await client.answered()
    assert client.wire.sent.endswith(b"10")
    client.loop.advance(4.9)
    assert not client.wire.is_ended
    client.loop.advance(0.2)
    assert client.wire.is_ended


@pytest.mark.parametrize("beginning", [b"\r\n", b"P"])
async def test_the_next_request_has_the_same_limits(client: Client, beginning: bytes) -> None:
    client.send(REQUEST + b"x" * 10)
    await client.answered()
    client.send(beginning)  # ends the keep-alive
    client.loop.advance(HEAD_TIMEOUT_S - 1)
    assert not client.wire.is_ended
    client.loop.advance(1)
    assert client.wire.is_ended


async def test_two_requests_at_once_are_both_answered(client: Client) -> None:
    client.send((REQUEST + b"x" * 10) * 2)
    await client.answered(times=2)
    assert client.wire.sent.count(b"200 OK") == 2


async def test_what_follows_an_early_answer_extends_nothing(client: Client) -> None:
    client.send(REQUEST.replace(b"POST / ", b"POST /early "))
    await client.answered()
    for _ in range(4):
        client.loop.advance(BODY_STALL_S / 4)
        if not client.wire.is_ended:
            client.send(b"x")
    assert client.wire.is_ended
    assert client.wire.sent.count(b"HTTP/1.1 ") == 1


async def test_while_the_server_reads_nothing_nobody_is_late(client: Client) -> None:
    client.send(REQUEST.replace(b": 10", b": 1000000"))
    client.send(b"x" * 100_000)  # more than the server keeps before the app takes it
    client.loop.advance(10 * BODY_STALL_S)
    assert not client.wire.is_ended


async def test_an_answer_that_nobody_reads_ends_the_connection(client: Client) -> None:
    client.send(REQUEST + b"x" * 10)
    client.http.pause_writing()
    client.loop.advance(READ_STALL_S - 1)
    client.http.resume_writing()
    client.http.pause_writing()
    client.loop.advance(READ_STALL_S - 1)
    assert not client.wire.is_ended
    client.loop.advance(1)
    assert client.wire.is_ended
    client.http.connection_lost(None)  # as the transport would: whoever answers waits no longer


@pytest.fixture
def short_heads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("avatarkit.server.http.connection.HEAD_TIMEOUT_S", 0.05)
    return


@pytest.mark.usefixtures("short_heads")
async def test_on_a_real_socket_sessions_outlive_the_limit_and_silence_does_not(server: Running) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    session = await server.session()
    reader, writer = await asyncio.open_connection(host, int(port))
    assert await reader.read() == b""
    writer.close()
    await session.audio("20260101000000_abcdefghijkl", end=True)
    assert (await session.until_end("20260101000000_abcdefghijkl"))[-1].end


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_failure_of_ours(
    server: Running, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    host, port = server.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = "POST /v1/console/session-tokens HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\nX-Api-Key: "
    writer.write(f"{head}{server.credentials.api_key}\r\n\r\n{{".encode())
    await writer.drain()
    writer.close()
    await until(lambda: "answered" in caplog.text)
    assert "answered 400" in caplog.text
    assert "Traceback" not in caplog.text
