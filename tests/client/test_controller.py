"""What an app sees of a controller: states, rounds, errors."""

from __future__ import annotations

import asyncio

import pytest
from client_fakes import FakeConnection, FakeServer, speech

import avatarkit._link
from avatarkit import (
    AvatarController,
    AvatarError,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConnectionState,
    ConversationState,
    DrivingServiceMode,
    ErrorCode,
)
from avatarkit.clock import VirtualClock
from avatarkit.errors import error

C, V = ConnectionState, ConversationState


class Watch:
    """Everything a controller tells."""

    def __init__(self, controller: AvatarController) -> None:
        self.connection: list[ConnectionState] = []
        self.conversation: list[ConversationState] = []
        self.errors: list[ErrorCode] = []
        controller.on_connection_state = self.connection.append
        controller.on_conversation_state = self.conversation.append
        controller.on_error = lambda reason: self.errors.append(reason.code)


@pytest.fixture
def controller(view: AvatarView) -> AvatarController:
    return view.controller


@pytest.fixture
def watch(controller: AvatarController) -> Watch:
    return Watch(controller)


async def test_only_a_view_makes_a_controller() -> None:
    with pytest.raises(AvatarError, match="AvatarView") as caught:
        AvatarController()
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


async def test_start_speak_close(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    assert controller.connection_state is C.CONNECTED
    assert server.last.target.app_id == "app"
    assert server.last.target.avatar_id == "someone"
    assert server.last.received[0].client_configure_session.sample_rate == 16000
    round_id = controller.send(speech(0.5))
    assert controller.send(speech(0.5), end=True) == round_id
    await clock.advance(0.01)
    assert server.last.audio == [(round_id, 16000, False), (round_id, 16000, True)]
    assert controller.conversation_state is V.IDLE  # held for the first motion
    server.last.motion(round_id, 0, 25, end=True)
    await clock.advance(0.5)
    assert controller.conversation_state is V.PLAYING
    assert controller.audio_time == pytest.approx(0.5, abs=0.02)
    await clock.advance(0.6)
    assert watch.conversation == [V.PLAYING, V.IDLE]
    await controller.close()
    await controller.close()
    assert watch.connection == [C.CONNECTING, C.CONNECTED, C.DISCONNECTED]
    assert watch.errors == []
    assert server.last.closed


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


async def test_a_round_from_before_the_session_stays_without_motion(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    server.refusal = error(ErrorCode.SERVER_ERROR, "down")
    with pytest.raises(AvatarError):
        await controller.start()
    old = controller.send(speech(0.5))
    server.refusal = None
    await controller.start()
    assert controller.send(speech(0.1), end=True) == old
    await clock.advance(0.1)
    assert server.last.audio == []  # the server would take it for the start of the round
    new = controller.send(speech(0.1), end=True)
    await clock.advance(0.1)
    assert server.last.audio == [(new, 3200, True)]


async def test_a_round_that_lost_its_session_stays_without_motion(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    old = controller.send(speech(1.0))
    server.last.end(error(ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY, "lost"))
    await clock.advance(0.1)
    await controller.start()
    assert controller.send(speech(0.1)) == old
    controller.interrupt()
    await clock.advance(0.1)
    assert server.last.audio == []
    assert server.last.interrupts == []


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


async def test_error_of_one_request_keeps_the_session(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    round_id = controller.send(speech(0.3), end=True)
    server.last.error(3, "this one went wrong", req_id=round_id)
    await clock.advance(0.02)
    assert watch.errors == [ErrorCode.SERVER_ERROR]
    assert controller.connection_state is C.CONNECTED
    assert controller.conversation_state is V.PLAYING  # it plays without motion


async def test_newer_motion_is_told_once_and_audio_goes_on(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    round_id = controller.send(speech(1.0), end=True)
    server.last.motion(round_id, 0, 5, version=2)
    server.last.motion(round_id, 5, 5, version=2)
    await clock.advance(0.5)
    assert watch.errors == [ErrorCode.INVALID_ANIMATION_DATA]
    assert controller.conversation_state is V.PLAYING


async def test_new_round_after_end_gets_a_new_id_and_cuts_off(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    first = controller.send(speech(5.0), end=True)
    second = controller.send(speech(0.2), end=True)
    assert first != second
    await clock.advance(0.1)
    assert server.last.interrupts == [first]
    server.last.motion(second, 0, 5, end=True)
    await clock.advance(0.5)
    assert watch.conversation == [V.PLAYING, V.IDLE]
    assert controller.report().rounds == 2


async def test_interrupt_tells_the_server_and_drops_unsent_audio(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    round_id = controller.send(speech(10.0))
    controller.interrupt()
    await clock.advance(0.1)
    assert server.last.interrupts == [round_id]
    assert server.last.audio == []
    assert controller.send(speech(0.1)) != round_id


async def test_interrupt_without_a_round_is_no_error(controller: AvatarController, server: FakeServer) -> None:
    controller.interrupt()
    await controller.start()
    controller.interrupt()
    assert server.last.interrupts == []


async def test_odd_audio_is_refused_and_nothing_is_lost(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    round_id = controller.send(speech(0.1))
    with pytest.raises(AvatarError) as caught:
        controller.send(b"\x00\x01\x02")
    assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT
    assert controller.send(speech(0.1), end=True) == round_id
    await clock.advance(0.1)
    assert sum(size for _, size, _ in server.last.audio) == len(speech(0.2))


async def test_any_buffer_of_bytes_will_do(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    reused = bytearray(speech(0.1))
    controller.send(reused)
    reused[:] = bytes(len(reused))
    controller.send(memoryview(speech(0.1)), end=True)
    await clock.advance(0.1)
    inputs = [m.client_audio_input.audio for m in server.last.received if m.HasField("client_audio_input")]
    assert inputs == [speech(0.1), speech(0.1)]


async def test_too_much_audio_ahead_is_refused(controller: AvatarController) -> None:
    await controller.start()
    controller.send(speech(400.0))
    with pytest.raises(AvatarError) as caught:
        controller.send(speech(300.0))
    assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT


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


async def test_empty_audio(controller: AvatarController, server: FakeServer, clock: VirtualClock) -> None:
    await controller.start()
    for end in (False, True):
        with pytest.raises(AvatarError) as caught:
            controller.send(b"", end=end)
        assert caught.value.code is ErrorCode.NO_AUDIO
    round_id = controller.send(speech(0.2))
    assert controller.send(b"") == round_id
    assert controller.send(b"", end=True) == round_id
    assert controller.send(b"", end=True) == round_id  # said twice, meant once
    await clock.advance(0.1)
    assert [end for _, _, end in server.last.audio] == [False, True]


async def test_pause_and_resume(
    controller: AvatarController, watch: Watch, server: FakeServer, clock: VirtualClock
) -> None:
    await controller.start()
    for step in (controller.pause, controller.resume):
        with pytest.raises(AvatarError, match="Legal now") as caught:
            step()
        assert caught.value.code is ErrorCode.ILLEGAL_STATE
    round_id = controller.send(speech(1.0), end=True)
    server.last.motion(round_id, 0, 25, end=True)
    await clock.advance(0.4)
    controller.pause()
    at = controller.audio_time
    await clock.advance(5.0)
    assert controller.audio_time == at == pytest.approx(0.4, abs=0.02)
    controller.resume()
    await clock.advance(0.3)
    assert controller.audio_time == pytest.approx(0.7, abs=0.02)
    await clock.advance(0.5)
    assert watch.conversation == [V.PLAYING, V.PAUSED, V.PLAYING, V.IDLE]


async def test_callbacks_that_fail_break_nothing(
    controller: AvatarController, server: FakeServer, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("the app's own mistake")

    controller.on_connection_state = controller.on_conversation_state = controller.on_error = fail
    with caplog.at_level("ERROR", logger="avatarkit"):
        await controller.start()
        round_id = controller.send(speech(0.2), end=True)
        server.last.motion(round_id, 0, 5, end=True)
        await clock.advance(0.5)
        server.last.end(error(ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY, "lost"))
        await clock.advance(0.1)
    assert controller.connection_state is C.FAILED
    assert "the app's own mistake" in caplog.text


async def test_interrupt_from_inside_a_callback(
    controller: AvatarController, server: FakeServer, clock: VirtualClock
) -> None:
    controller.on_conversation_state = lambda state: controller.interrupt() if state is V.PLAYING else None
    await controller.start()
    round_id = controller.send(speech(0.2), end=True)
    server.last.motion(round_id, 0, 5, end=True)
    await clock.advance(0.5)
    assert controller.conversation_state is V.IDLE
    assert server.last.interrupts == [round_id]


async def test_volume(controller: AvatarController) -> None:
    controller.volume = 0.5
    assert controller.volume == 0.5
    for wrong in (-0.1, 1.5, float("nan")):
        with pytest.raises(AvatarError):
            controller.volume = wrong
    assert controller.volume == 0.5


async def test_report(controller: AvatarController, server: FakeServer, clock: VirtualClock) -> None:
    assert controller.report().first_motion_ms is None
    await controller.start()
    round_id = controller.send(speech(1.0), end=True)
    await clock.advance(0.06)
    server.last.motion(round_id, 0, 25, end=True)
    await clock.advance(2.0)
    report = controller.report()
    assert report.first_motion_ms == pytest.approx(60.0, abs=1.0)
    assert report.motion_frames == 25
    assert report.motion_bytes_per_second is not None
    assert 1600 <= report.motion_bytes_per_second <= 1700
    assert report.av_offset_ms_p95 == pytest.approx(0.0, abs=1.0)
    assert report.frames_dropped == 0
    assert report.frames_drawn >= 50


async def test_backend_mode_has_no_network_of_its_own(server: FakeServer, make_view: object) -> None:
    configuration = AvatarSDK.configuration()
    assert configuration is not None
    await AvatarSDK.cleanup()
    await AvatarSDK.initialize(
        "app", Configuration(endpoint="http://127.0.0.1:1", driving_service_mode=DrivingServiceMode.BACKEND)
    )
    assert callable(make_view)
    view = make_view()
    with pytest.raises(AvatarError) as caught:
        await view.controller.start()
    assert caught.value.code is ErrorCode.NETWORK_LAYER_NOT_AVAILABLE
    with pytest.raises(AvatarError) as caught:
        view.controller.send(speech(0.1))
    assert caught.value.code is ErrorCode.NETWORK_LAYER_NOT_AVAILABLE
    await view.dispose()


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
