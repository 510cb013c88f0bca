"""Backend Mode sessions: what goes up, what comes out of the callbacks, and how every session ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest
from fake_upstream import NOW, FakeUpstream, failure, motion

from avatarkit.backend import (
    AgoraEgress,
    AudioPayload,
    BackendClient,
    Callbacks,
    LiveKitEgress,
    MotionPayload,
    MotionSession,
    OpusUplink,
    motion_request_id,
)
from avatarkit.clock import VirtualClock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.protocol import ServerSession, SessionConfigured
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.types import AudioCodec

SECOND = bytes(32_000)


@dataclass
class Listener:
    """Records what the callbacks are given, in order."""

    got: list[object] = field(default_factory=list)
    errors: list[AvatarError] = field(default_factory=list)
    closes: list[AvatarError | None] = field(default_factory=list)

    def callbacks(self) -> Callbacks:
        return Callbacks(
            on_audio=self.got.append,
            on_motion=self.got.append,
            on_error=self.errors.append,
            on_close=self.closes.append,
        )

    def motion(self) -> list[MotionPayload]:
        return [item for item in self.got if isinstance(item, MotionPayload)]

    def audio(self) -> list[AudioPayload]:
        return [item for item in self.got if isinstance(item, AudioPayload)]


def client(upstream: FakeUpstream, clock: VirtualClock | None = None) -> BackendClient:
    return BackendClient(
        "ws://motion.test",
        "app-1",
        "ak_secret",
        clock=clock or VirtualClock(),
        unix_time=lambda: NOW,
        connect=upstream.connect,
        http_transport=httpx.MockTransport(upstream.console),
    )


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def started(upstream: FakeUpstream, listener: Listener | None = None, **options: object) -> MotionSession:
    callbacks = (listener or Listener()).callbacks()
    session = client(upstream).session("ada", callbacks, **options)  # type: ignore[arg-type]
    await session.start()
    return session


# --- start ------------------------------------------------------------------------------------------------


async def test_start_authenticates_connects_and_waits_for_the_confirmation() -> None:
    upstream = FakeUpstream()
    session = await started(upstream, extra_params={"server_post_process": "false"})
    (target,) = upstream.targets
    assert (target.endpoint, target.avatar_id, target.app_id) == ("ws://motion.test", "ada", "app-1")
    assert target.session_token == "token-1"
    assert session.connection_id == "20260101000000_abcdefghijkl"
    assert session.capabilities == ("playback_control",)
    # Our own server takes the configuration.
    (configuration,) = upstream.connection.heard
    assert configuration.client_configure_session.extra_params == {"server_post_process": "false"}
    assert isinstance(ServerSession("c").receive_bytes(configuration.SerializeToString())[0], SessionConfigured)


async def test_a_kept_token_that_the_server_refuses_is_replaced_once() -> None:
    refused = error(ErrorCode.SESSION_TOKEN_INVALID, "revoked")
    upstream = FakeUpstream(refuse=[refused])
    session = await started(upstream)
    assert [target.session_token for target in upstream.targets] == ["token-1", "token-2"]
    await session.close()

    upstream = FakeUpstream(refuse=[refused, refused, refused])
    with pytest.raises(AvatarError) as caught:
        await started(upstream)
    assert caught.value.code is ErrorCode.SESSION_TOKEN_INVALID
    assert len(upstream.targets) == 2


async def test_sessions_share_one_token_and_prewarm_fetches_it_ahead() -> None:
    upstream = FakeUpstream()
    async with client(upstream) as backend:
        await backend.prewarm(OpusUplink())
        assert len(upstream.token_requests) == 1
        for _ in range(3):
            async with backend.session("ada"):
                pass
    assert len(upstream.token_requests) == 1


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        (failure(16, "failed to create egress connection: unauthorized"), ErrorCode.INVALID_EGRESS_CONFIG),
        (failure(14, "egress client is not configured on server"), ErrorCode.EGRESS_UNAVAILABLE),
        (failure(3, "unsupported sample rate 11025"), ErrorCode.INVALID_AUDIO_INPUT),
        (failure(4001, "credits exhausted"), ErrorCode.INSUFFICIENT_BALANCE),
        (failure(4003, "too many"), ErrorCode.CONCURRENT_LIMIT_EXCEEDED),
        ("text", ErrorCode.SERVER_ERROR),
        (b"", ErrorCode.SERVER_ERROR),
        (b"\xff\xff", ErrorCode.SERVER_ERROR),
        (motion("r"), ErrorCode.SERVER_ERROR),
    ],
)
async def test_every_other_first_message_ends_the_start(greeting: bytes | str, code: ErrorCode) -> None:
    upstream, listener = FakeUpstream(greeting=greeting), Listener()
    with pytest.raises(AvatarError) as caught:
        await started(upstream, listener)
    assert (caught.value.code, caught.value.phase) == (code, Phase.CONNECT)
    assert upstream.connection.closed
    assert (listener.errors, listener.closes) == ([], [])


async def test_a_server_that_hangs_up_or_says_nothing_ends_the_start() -> None:
    clock, upstream = VirtualClock(), FakeUpstream(greeting=None)
    session = client(upstream, clock).session("ada")
    starting = asyncio.create_task(session.start())
    await settle()
    await clock.advance(9.9)
    assert not starting.done()
    await clock.advance(0.2)
    with pytest.raises(AvatarError) as caught:
        await starting
    assert (caught.value.code, caught.value.phase) == (ErrorCode.SESSION_TIMEOUT, Phase.CONNECT)
    assert upstream.connection.closed

    starting = asyncio.create_task(client(upstream).session("ada").start())
    await settle()
    upstream.connection.hang_up(1000)
    with pytest.raises(AvatarError) as caught:
        await starting
    assert caught.value.code is ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED


async def test_a_session_closed_while_it_starts_does_not_open() -> None:
    upstream = FakeUpstream(greeting=None)
    session = client(upstream).session("ada")
    starting = asyncio.create_task(session.start())
    await settle()
    await session.close()
    with pytest.raises(AvatarError):
        await starting
    assert upstream.connection.closed
    with pytest.raises(AvatarError) as caught:
        await session.start()
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


# --- egress -----------------------------------------------------------------------------------------------


async def test_egress_goes_up_in_the_configuration_and_its_secrets_stay_out_of_texts() -> None:
    upstream = FakeUpstream()
    livekit = LiveKitEgress("wss://rtc.test", "room", "avatar", "jwt-secret", {"lk.publish_on_behalf": "agent"}, 30)
    await started(upstream, egress=livekit)
    sent = upstream.connection.heard[0].client_configure_session
    assert sent.egress_type == pb.EGRESS_TYPE_LIVEKIT
    assert sent.livekit_egress == pb.LiveKitEgressConfig(
        url="wss://rtc.test",
        room_name="room",
        publisher_id="avatar",
        api_token="jwt-secret",
        extra_attributes={"lk.publish_on_behalf": "agent"},
        idle_timeout=30,
    )
    agora = AgoraEgress("channel", "avatar", 7, "agora-secret")
    await started(upstream, egress=agora)
    sent = upstream.connection.heard[0].client_configure_session
    assert sent.egress_type == pb.EGRESS_TYPE_AGORA
    assert (sent.agora_egress.uid, sent.agora_egress.token) == (7, "agora-secret")
    assert "secret" not in f"{livekit!r}{agora!r}"


@pytest.mark.parametrize(
    "make",
    [
        lambda: LiveKitEgress("", "room", "p", "t"),
        lambda: LiveKitEgress("wss://x", "room", "p", ""),
        lambda: LiveKitEgress("wss://x", "room", "p", "t", {}, -1),
        lambda: AgoraEgress("c", "p", 2**32, "t"),
    ],
)
def test_an_egress_that_cannot_work_is_refused_at_once(make: Callable[[], object]) -> None:
    with pytest.raises(AvatarError) as caught:
        make()
    assert caught.value.code is ErrorCode.INVALID_EGRESS_CONFIG


# --- speech up, motion out --------------------------------------------------------------------------------


async def test_a_round_goes_up_and_its_motion_comes_out_as_the_bytes_that_the_server_sent() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    first = await session.send_audio(SECOND)
    assert await session.send_audio(SECOND, end=True) == first
    raw = [motion(first), motion(first, frame=1), motion(first, end=True, frame=2)]
    for data in raw:
        upstream.connection.say(data)
    await session.wait_motion(first)
    assert [(a.req_id, len(a.audio), a.end) for a in upstream.connection.audio()] == [
        (first, 32_000, False),
        (first, 32_000, True),
    ]
    assert [(p.request_id, p.message, p.end) for p in listener.motion()] == [
        (first, raw[0], False),
        (first, raw[1], False),
        (first, raw[2], True),
    ]
    assert [(p.request_id, len(p.data), p.end, p.codec, p.sample_rate) for p in listener.audio()] == [
        (first, 32_000, False, AudioCodec.PCM, 16_000),
        (first, 32_000, True, AudioCodec.PCM, 16_000),
    ]
    assert motion_request_id(raw[0]) == first
    assert await session.send_audio(b"", end=True) != first


async def test_the_listener_has_the_audio_before_the_server_has_it() -> None:
    upstream, order = FakeUpstream(), []

    async def on_audio(payload: AudioPayload) -> None:
        await asyncio.sleep(0)
        order.append(("out", payload.end))

    session = client(upstream).session("ada", Callbacks(on_audio=on_audio))
    await session.start()
    upstream.connection.on_message = lambda message: order.append(("up", message.client_audio_input.end))
    await session.send_audio(SECOND)
    await session.send_audio(b"", end=True)
    assert order == [("out", False), ("up", False), ("out", True), ("up", True)]


async def test_long_audio_is_cut_and_no_byte_is_lost() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    speech = bytes(range(256)) * 1000
    await session.send_audio(speech, end=True)
    sent = upstream.connection.audio()
    assert b"".join(a.audio for a in sent) == speech == b"".join(p.data for p in listener.audio())
    assert max(len(a.audio) for a in sent) <= 65_536
    assert [a.end for a in sent] == [False] * (len(sent) - 1) + [True]


async def test_opus_goes_up_and_out_as_the_same_bytes() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener, uplink=OpusUplink(bitrate=24_000))
    await session.send_audio(SECOND)
    await session.send_audio(b"", end=True)
    configured = upstream.connection.heard[0].client_configure_session
    assert (configured.audio_format, configured.bitrate) == (pb.AUDIO_FORMAT_OGG_OPUS, 24_000)
    stream = b"".join(a.audio for a in upstream.connection.audio())
    assert stream.startswith(b"OggS")
    assert stream == b"".join(p.data for p in listener.audio())
    assert {(p.codec, p.sample_rate) for p in listener.audio()} == {(AudioCodec.OPUS, 48_000)}


async def test_wrong_audio_is_refused_and_the_session_goes_on() -> None:
    session = await started(FakeUpstream())
    with pytest.raises(AvatarError) as caught:
        await session.send_audio(b"")
    assert caught.value.code is ErrorCode.NO_AUDIO
    assert await session.send_audio(SECOND, end=True)


async def test_a_callback_that_fails_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    upstream = FakeUpstream()

    def broken(_payload: object) -> None:
        raise RuntimeError("listener is gone")

    session = client(upstream).session("ada", Callbacks(on_audio=broken, on_motion=broken, on_close=broken))
    await session.start()
    request = await session.send_audio(SECOND, end=True)
    upstream.connection.say(motion(request, end=True))
    await session.wait_motion(request)
    await session.close()
    assert caplog.text.count("RuntimeError: listener is gone") == 3


# --- interrupt --------------------------------------------------------------------------------------------


async def test_an_interrupt_stops_the_motion_of_every_round_and_the_next_has_a_new_id() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    first = await session.send_audio(SECOND, end=True)
    second = await session.send_audio(SECOND)
    assert await session.interrupt() == second
    assert upstream.connection.heard[-1].client_interrupt.req_id == second
    third = await session.send_audio(SECOND, end=True)
    for request in (first, second, third):
        upstream.connection.say(motion(request, end=True))
    await session.wait_motion(third)
    assert len({first, second, third}) == 3
    assert [p.request_id for p in listener.motion()] == [third]


async def test_an_interrupt_after_the_end_and_after_another_interrupt_is_fine() -> None:
    upstream = FakeUpstream()
    session = await started(upstream)
    with pytest.raises(AvatarError) as caught:
        await session.interrupt()
    assert caught.value.code is ErrorCode.NO_AUDIO
    request = await session.send_audio(SECOND, end=True)
    assert [await session.interrupt(), await session.interrupt()] == [request, request]
    await session.wait_motion(request)


async def test_an_interrupt_cuts_short_what_is_being_sent() -> None:
    upstream = FakeUpstream()
    session = await started(upstream)
    third = asyncio.Event()
    upstream.connection.on_message = lambda _message: third.set() if len(upstream.connection.audio()) == 3 else None
    sending = asyncio.create_task(session.send_audio(bytes(64 * 65_536), end=True))
    await third.wait()
    request = await session.interrupt()
    assert await sending == request
    assert len(upstream.connection.audio()) < 10
    assert not any(a.end for a in upstream.connection.audio())
    assert await session.send_audio(SECOND) != request


async def test_pause_and_resume_name_the_newest_round() -> None:
    upstream = FakeUpstream()
    session = await started(upstream)
    request = await session.send_audio(SECOND)
    await session.pause()
    await session.resume()
    pause, resume = upstream.connection.heard[-2:]
    assert (pause.type, pause.client_pause.req_id) == (pb.MESSAGE_TYPE_CLIENT_PAUSE, request)
    assert (resume.type, resume.client_resume.req_id) == (pb.MESSAGE_TYPE_CLIENT_RESUME, request)


# --- the end ----------------------------------------------------------------------------------------------


async def test_close_is_idempotent_and_tells_the_listener_once() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    request = await session.send_audio(SECOND)
    await asyncio.gather(session.close(), session.close())
    await session.close()
    assert (listener.errors, listener.closes) == ([], [None])
    await session.wait_motion(request)
    assert await session.wait_closed() is None
    with pytest.raises(AvatarError) as caught:
        await session.send_audio(SECOND)
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


async def test_a_clean_end_by_the_server_is_no_error() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    upstream.connection.hang_up(1001)
    assert await session.wait_closed() is None
    await settle()
    assert (listener.errors, listener.closes) == ([], [None])


@pytest.mark.parametrize(
    ("words", "close", "code"),
    [
        (failure(4001, "credits exhausted"), 4001, ErrorCode.INSUFFICIENT_BALANCE),
        (failure(4002, "session time limit reached"), 4002, ErrorCode.SESSION_TIMEOUT),
        (failure(0, "no audio input for 300 s"), 4002, ErrorCode.SESSION_TIMEOUT),
        (failure(4503, "driven server request failed"), 4503, ErrorCode.SERVER_ERROR),
        (None, 1006, ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY),
        (None, 1011, ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED),
        (None, 4010, ErrorCode.SESSION_TOKEN_INVALID),
    ],
)
async def test_each_failure_is_reported_once_and_given_to_whoever_sends_next(
    words: bytes | None, close: int, code: ErrorCode
) -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    if words is not None:
        upstream.connection.say(words)
    upstream.connection.hang_up(close)
    ended_by = await session.wait_closed()
    await settle()
    assert ended_by is not None
    assert ended_by.code is code
    assert ([e.code for e in listener.errors], listener.closes) == ([code], [ended_by])
    with pytest.raises(AvatarError) as caught:
        await session.send_audio(SECOND)
    assert caught.value.code is code


async def test_garbage_after_the_handshake_is_ignored() -> None:
    upstream, listener = FakeUpstream(), Listener()
    session = await started(upstream, listener)
    request = await session.send_audio(SECOND, end=True)
    for data in (b"\xff\xff", b"", "text", motion("of-nobody"), motion(request, end=True)):
        upstream.connection.say(data)
    await session.wait_motion(request)
    assert [p.request_id for p in listener.motion()] == [request]
    assert listener.errors == []


async def test_close_does_not_wait_for_a_callback_that_never_returns() -> None:
    clock, upstream, closes = VirtualClock(), FakeUpstream(), []

    async def stuck(_payload: MotionPayload) -> None:
        await asyncio.Event().wait()

    session = client(upstream, clock).session("ada", Callbacks(on_motion=stuck, on_close=closes.append))
    await session.start()
    upstream.connection.say(motion(await session.send_audio(SECOND, end=True)))
    await settle()
    closing = asyncio.create_task(session.close())
    await settle()
    await clock.advance(5.1)
    await closing
    assert closes == [None]


async def test_no_task_is_left_behind() -> None:
    upstream = FakeUpstream()
    async with client(upstream) as backend:
        for _ in range(20):
            async with backend.session("ada") as session:
                await session.send_audio(SECOND, end=True)
    await settle()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.parametrize("wrong", [{"endpoint": "motion.test"}, {"app_id": " "}, {"api_key": ""}])
def test_bad_settings_are_refused_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(AvatarError) as caught:
        BackendClient(**{"endpoint": "http://m.test", "app_id": "a", "api_key": "k"} | wrong)
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
