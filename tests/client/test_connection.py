"""What an app sees of a connection: how it begins, fails and ends."""

from __future__ import annotations

import asyncio

import pytest
from client_fakes import FakeConnection, FakeServer, Watch, speech

import avatarkit._link
from avatarkit import (
    AvatarController,
    AvatarError,
    AvatarSDK,
    ConnectionState,
    ConversationState,
    ErrorCode,
)
from avatarkit.clock import VirtualClock
from avatarkit.errors import error

C, V = ConnectionState, ConversationState


async def test_the_token_is_in_no_representation(controller: AvatarController, server: FakeServer) -> None:
    await controller.start()
    assert "a-token" not in repr(server.last.target)


async def test_start_without_a_token(controller: AvatarController, watch: Watch) -> None:
    settings = AvatarSDK.configuration()
    app_id = AvatarSDK.app_id()
    assert app_id is not None
    AvatarSDK._token = None
    with pytest.raises(AvatarError, match="set_session_token") as caught:
        await controller.start()
    assert caught.value.code is ErrorCode.SESSION_TOKEN_INVALID
    assert watch.connection == []
    assert AvatarSDK.configuration() is settings


async def test_start_twice(controller: AvatarController, server: FakeServer) -> None:
    server.answer = lambda connection: None
    first = asyncio.create_task(controller.start())
    await asyncio.sleep(0)
    with pytest.raises(AvatarError) as caught:
        await controller.start()
    assert caught.value.code is ErrorCode.CONNECTION_IN_PROGRESS
    await asyncio.sleep(0)
    server.last.confirm()
    await first
    with pytest.raises(AvatarError, match=r"send\(\)") as caught:
        await controller.start()
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


async def test_send_needs_a_session(controller: AvatarController) -> None:
    with pytest.raises(AvatarError, match=r"Legal now: start\(\)") as caught:
        controller.send(speech(0.1))
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


async def test_no_session_in_time(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    server.unreachable = True
    starting = asyncio.create_task(controller.start())
    waiting = asyncio.create_task(controller.wait_connected(60.0))
    await clock.advance(14.9)
    assert controller.connection_state is C.CONNECTING
    await clock.advance(0.2)
    for task in (starting, waiting):
        with pytest.raises(AvatarError) as caught:
            await task
        assert caught.value.code is ErrorCode.SESSION_TIMEOUT
    assert watch.connection == [C.CONNECTING, C.FAILED]
    assert watch.errors == [ErrorCode.SESSION_TIMEOUT]


async def test_wait_connected_has_a_limit_of_its_own(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    server.unreachable = True
    starting = asyncio.create_task(controller.start())
    waiting = asyncio.create_task(controller.wait_connected(1.0))
    await clock.advance(1.1)
    with pytest.raises(AvatarError, match="1 seconds"):
        await waiting
    assert controller.connection_state is C.CONNECTING
    await controller.close()
    with pytest.raises(AvatarError):
        await starting


async def test_failed_still_speaks_without_motion(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    server.refusal = error(ErrorCode.INSUFFICIENT_BALANCE, "no credits")
    with pytest.raises(AvatarError) as caught:
        await controller.start()
    assert caught.value.code is ErrorCode.INSUFFICIENT_BALANCE
    assert watch.errors == [ErrorCode.INSUFFICIENT_BALANCE]
    controller.send(speech(0.5), end=True)
    assert controller.conversation_state is V.PLAYING  # nothing to wait for
    await clock.advance(0.3)
    controller.interrupt()
    assert watch.conversation == [V.PLAYING, V.IDLE]
    server.refusal = None
    await controller.start()
    assert controller.connection_state is C.CONNECTED


async def test_protocol_broken_in_the_handshake(controller: AvatarController, server: FakeServer) -> None:
    server.answer = lambda connection: connection.push(b"\xff\xff\xff")
    with pytest.raises(AvatarError) as caught:
        await controller.start()
    assert caught.value.code is ErrorCode.WEBSOCKET_ERROR
    assert server.last.closed


async def test_server_error_instead_of_the_confirmation(controller: AvatarController, server: FakeServer) -> None:
    server.answer = lambda connection: connection.error(4010, "invalid session token")
    with pytest.raises(AvatarError) as caught:
        await controller.start()
    assert caught.value.code is ErrorCode.SESSION_TOKEN_INVALID


async def test_close_while_connecting(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    server.unreachable = True
    starting = asyncio.create_task(controller.start())
    await clock.advance(1.0)
    await controller.close()
    with pytest.raises(AvatarError) as caught:
        await starting
    assert caught.value.code is ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED
    assert watch.connection == [C.CONNECTING, C.DISCONNECTED]
    assert watch.errors == []


async def test_cancelled_start_leaves_nothing_open(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    server.answer = lambda connection: None
    starting = asyncio.create_task(controller.start())
    await clock.advance(1.0)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert controller.connection_state is C.DISCONNECTED
    assert server.last.closed


async def test_lost_connection_in_mid_speech(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    round_id = controller.send(speech(1.0))
    server.last.motion(round_id, 0, 10)
    await clock.advance(0.2)
    server.last.end(error(ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY, "lost"))
    await clock.advance(0.1)
    assert controller.connection_state is C.FAILED
    assert watch.errors == [ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY]
    assert controller.conversation_state is V.PLAYING  # what is buffered plays out
    await clock.advance(1.0)
    assert watch.conversation == [V.PLAYING, V.IDLE]


async def test_clean_end_by_the_server(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    server.last.end(None)
    await clock.advance(0.1)
    assert watch.connection == [C.CONNECTING, C.CONNECTED, C.DISCONNECTED]
    assert watch.errors == []


async def test_fatal_server_error_is_told_once(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    server.last.error(4002, "session time limit reached")
    server.last.end(error(ErrorCode.SESSION_TIMEOUT, "closed"))
    await clock.advance(0.1)
    assert watch.errors == [ErrorCode.SESSION_TIMEOUT]
    assert controller.connection_state is C.FAILED
    assert server.last.closed


async def test_a_network_that_takes_nothing_ends_the_session(
    controller: AvatarController,
    watch: Watch,
    server: FakeServer,
    clock: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(avatarkit._link, "MAX_OUTGOING_BYTES", 1_000_000)
    await controller.start()

    async def stuck(data: bytes) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(server.last, "send", stuck)
    controller.send(speech(20.0))
    await clock.advance(0.1)
    assert controller.connection_state is C.CONNECTED
    controller.send(speech(20.0))
    await clock.advance(0.6)
    assert watch.errors == [ErrorCode.WEBSOCKET_ERROR]
    assert controller.connection_state is C.FAILED
    assert server.last.closed
    assert controller.conversation_state is V.PLAYING  # the voice goes on


async def test_wait_connected_with_start_in_a_task(controller: AvatarController, server: FakeServer) -> None:
    with pytest.raises(AvatarError) as caught:
        await controller.wait_connected()
    assert caught.value.code is ErrorCode.ILLEGAL_STATE
    starting = asyncio.create_task(controller.start())
    await controller.wait_connected()
    assert controller.connection_state is C.CONNECTED
    await starting


def test_fake_connection_is_a_connection() -> None:
    from avatarkit.transport.contract import Connection

    _: type[Connection] = FakeConnection
