"""What an app sees of a controller: states, rounds, errors."""

from __future__ import annotations

import pytest
from client_fakes import FakeServer, Watch, speech

from avatarkit import (
    AvatarController,
    AvatarError,
    AvatarSDK,
    Configuration,
    ConnectionState,
    ConversationState,
    DrivingServiceMode,
    ErrorCode,
)
from avatarkit.clock import VirtualClock
from avatarkit.errors import error

C, V = ConnectionState, ConversationState


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
