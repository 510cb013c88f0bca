from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.protocol import (
    AudioReceived,
    CloseCode,
    MotionChunk,
    PlaybackControlled,
    PlaybackState,
    RequestDropped,
    RequestFinished,
    RequestStarted,
    ServerErrorCode,
    ServerEvent,
    ServerSession,
    SessionConfigured,
    SessionRefused,
    UnexpectedMessageError,
)
from avatarkit.protocol import avatarkit_pb2 as pb

LIVEKIT = pb.LiveKitEgressConfig(url="wss://x", room_name="r", api_token="t")
CHUNK = MotionChunk(0, b"\0" * 520, b"\0" * 120)  # ten frames, 400 ms


def message(kind: int, **body: Any) -> bytes:
    return pb.Message(type=kind, **body).SerializeToString()


def configuration(**fields: Any) -> bytes:
    return message(1, client_configure_session=pb.ClientConfigureSession(**({"sample_rate": 16000} | fields)))


def audio(req_id: str, pcm: bytes = b"", *, end: bool = False, **more: Any) -> bytes:
    return message(3, client_audio_input=pb.ClientAudioInput(req_id=req_id, audio=pcm, end=end, **more))


def interrupt(req_id: str) -> bytes:
    return message(7, client_interrupt=pb.ClientInterrupt(req_id=req_id))


def pause(req_id: str) -> bytes:
    return message(8, client_pause=pb.ClientPause(req_id=req_id))


def resume(req_id: str) -> bytes:
    return message(9, client_resume=pb.ClientResume(req_id=req_id))


def confirmed() -> ServerSession:
    session = ServerSession("c1")
    session.receive_bytes(configuration())
    session.confirm()
    return session


def refusal(events: list[ServerEvent]) -> SessionRefused:
    assert len(events) == 1
    assert isinstance(events[0], SessionRefused)
    return events[0]


def animation(data: bytes) -> pb.ServerResponseAnimation:
    reply = pb.Message.FromString(data)
    assert reply.type == pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION
    return reply.server_response_animation


class TestHandshake:
    @pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 32000, 44100, 48000])
    def test_a_configuration_is_confirmed_under_the_connections_id(self, rate: int) -> None:
        session = ServerSession("c1")

        assert session.receive_bytes(configuration(sample_rate=rate, bitrate=32000)) == [SessionConfigured(rate)]
        reply = pb.Message.FromString(session.confirm(("motion",)))

        assert reply.type == pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION
        assert reply.server_confirm_session.connection_id == "c1"
        assert list(reply.server_confirm_session.capabilities) == ["motion"]

    @pytest.mark.parametrize("first", [audio("r", b"ab"), interrupt("r"), b"", message(99), message(2)])
    def test_any_other_first_message_is_refused(self, first: bytes) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(first))

        assert refused.message == "expected ClientConfigureSession message"
        assert refused.code is ServerErrorCode.UNSPECIFIED

    def test_text_before_the_configuration_is_refused_and_ignored_after_it(self) -> None:
        assert refusal(ServerSession("c1").receive_text("hi")).message.startswith("expected Client")
        assert confirmed().receive_text("hi") == []

    def test_a_configuration_without_body_is_refused(self) -> None:
        assert (
            refusal(ServerSession("c1").receive_bytes(message(1))).message == "ClientConfigureSession message is nil"
        )

    def test_bytes_that_are_no_message_are_refused(self) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(b"\xff\xff"))

        assert refused.message == "failed to unmarshal initial message"

    @pytest.mark.parametrize("rate", [0, -1, 11025, 96000])
    def test_an_unsupported_sample_rate_is_refused_by_its_phrase(self, rate: int) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(configuration(sample_rate=rate)))

        assert "unsupported sample rate" in refused.message
        assert refused.code is ServerErrorCode.UNSPECIFIED  # published clients then go by the phrase

    def test_audio_that_is_neither_pcm_nor_opus_is_refused(self) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(configuration(audio_format=7)))

        assert "unsupported audio format" in refused.message

    @pytest.mark.parametrize("rate", [8000, 12000, 16000, 24000, 48000])
    def test_ogg_opus_is_taken_at_each_rate_that_clients_encode_from(self, rate: int) -> None:
        events = ServerSession("c1").receive_bytes(configuration(sample_rate=rate, audio_format=1, bitrate=32000))

        assert events == [SessionConfigured(rate, is_ogg_opus=True)]

    def test_pcm_at_a_rate_of_opus_alone_is_refused(self) -> None:
        assert (
            "unsupported sample rate"
            in refusal(ServerSession("c1").receive_bytes(configuration(sample_rate=12000))).message
        )

    def test_compression_is_refused(self) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(configuration(transport_compression=1)))

        assert "compression" in refused.message

    @pytest.mark.parametrize(
        "egress",
        [
            {"egress_type": 1, "livekit_egress": LIVEKIT},
            {"egress_type": 2, "agora_egress": pb.AgoraEgressConfig(channel_name="c")},
            {"livekit_egress": LIVEKIT},
        ],
    )
    def test_egress_is_refused_with_code_14(self, egress: dict[str, Any]) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(configuration(**egress)))

        assert (refused.code, refused.message) == (14, "egress client is not configured on server")

    @pytest.mark.parametrize(
        ("egress", "phrase"),
        [
            ({"egress_type": 1}, "livekit_egress"),
            ({"egress_type": 1, "agora_egress": pb.AgoraEgressConfig(channel_name="c")}, "livekit_egress"),
            ({"livekit_egress": pb.LiveKitEgressConfig(url="wss://x", api_token="t")}, "livekit_egress"),
            (
                {"egress_type": 1, "livekit_egress": pb.LiveKitEgressConfig(url="w", room_name="r", api_key="k")},
                "missing livekit credentials",
            ),
            ({"egress_type": 2}, "agora_egress"),
            ({"agora_egress": pb.AgoraEgressConfig(token="t")}, "agora_egress"),
        ],
    )
    def test_egress_that_could_work_nowhere_is_refused_with_code_16(
        self, egress: dict[str, Any], phrase: str
    ) -> None:
        refused = refusal(ServerSession("c1").receive_bytes(configuration(**egress)))

        assert (refused.code, phrase in refused.message) == (16, True)

    def test_nothing_is_taken_after_a_refusal(self) -> None:
        session = ServerSession("c1")
        session.receive_bytes(b"\xff")

        assert session.receive_bytes(configuration()) == []

    def test_only_a_configured_session_can_be_confirmed_and_only_once(self) -> None:
        with pytest.raises(UnexpectedMessageError):
            ServerSession("c1").confirm()
        with pytest.raises(UnexpectedMessageError):
            confirmed().confirm()


class TestAfterTheHandshake:
    def test_unknown_types_and_empty_messages_are_ignored(self) -> None:
        session = confirmed()

        assert session.receive_bytes(message(99)) == []
        assert session.receive_bytes(b"") == []

    @pytest.mark.parametrize(
        "data",
        [
            configuration(),
            message(6, driven_config=pb.DrivenIngressConfig()),
            message(0, driven_config=pb.DrivenIngressConfig()),
            message(2),
            message(4),
            message(5),
            message(10),
        ],
    )
    def test_what_does_not_belong_to_a_client_is_refused(self, data: bytes) -> None:
        assert refusal(confirmed().receive_bytes(data)).message.startswith("unexpected message type")

    def test_bytes_that_are_no_message_are_refused(self) -> None:
        assert refusal(confirmed().receive_bytes(b"\xff\xff")).close_code is CloseCode.POLICY_VIOLATION

    def test_a_message_over_8_mib_is_refused(self) -> None:
        refused = refusal(confirmed().receive_bytes(b"\0" * (8 * 1024 * 1024 + 1)))

        assert refused.close_code is CloseCode.MESSAGE_TOO_BIG

    def test_twenty_seconds_in_one_message_are_taken(self) -> None:
        events = confirmed().receive_bytes(audio("r", b"\0" * 649_600))

        assert events == [RequestStarted("r"), AudioReceived("r", b"\0" * 649_600)]

    @pytest.mark.parametrize("req_id", ["", "x" * 129, "a\nb"])
    def test_a_malformed_request_id_is_refused(self, req_id: str) -> None:
        assert "req_id" in refusal(confirmed().receive_bytes(audio(req_id, b"ab"))).message


class TestRequests:
    def test_the_first_message_of_an_id_starts_a_request_and_carries_the_trace(self) -> None:
        trace = pb.TraceContext(traceparent="00-1-2-03", tracestate="s")

        events = confirmed().receive_bytes(audio("r", b"abc", trace_context=trace))

        assert events == [RequestStarted("r", "00-1-2-03", "s"), AudioReceived("r", b"abc")]

    def test_the_end_may_ride_on_audio_or_come_alone_or_be_all_there_is(self) -> None:
        session = confirmed()

        assert session.receive_bytes(audio("a", b"ab", end=True))[1:] == [
            AudioReceived("a", b"ab"),
            RequestFinished("a"),
        ]
        session.receive_bytes(audio("b", b"ab"))
        assert session.receive_bytes(audio("b", end=True)) == [RequestFinished("b")]
        assert session.receive_bytes(audio("c", end=True)) == [RequestStarted("c"), RequestFinished("c")]

    def test_a_second_end_and_audio_behind_an_end_are_ignored(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", end=True))

        assert session.receive_bytes(audio("r", end=True)) == []
        assert session.receive_bytes(audio("r", b"late")) == []
        session.end("r")
        assert session.receive_bytes(audio("r", b"late", end=True)) == []

    def test_motion_and_end_carry_connection_and_request(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab", end=True))

        first, last = animation(session.motion("r", CHUNK)), animation(session.end("r", CHUNK))

        assert (first.connection_id, first.req_id, first.end, first.motion.frame_count) == ("c1", "r", False, 10)
        assert (last.connection_id, last.req_id, last.end, last.motion.frame_count) == ("c1", "r", True, 10)

    def test_a_request_ends_once_and_takes_no_motion_afterwards(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", end=True))
        session.end("r")

        with pytest.raises(UnexpectedMessageError):
            session.end("r")
        with pytest.raises(UnexpectedMessageError):
            session.motion("r", CHUNK)

    def test_a_new_id_supersedes_a_request_that_was_not_ended(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("old", b"ab"))

        events = session.receive_bytes(audio("new", b"cd"))

        dropped = RequestDropped("old", superseded=True)
        assert events == [dropped, RequestStarted("new"), AudioReceived("new", b"cd")]
        assert not session.is_open("old")
        reply = animation(session.end_dropped(dropped))
        assert (reply.req_id, reply.end, reply.HasField("motion")) == ("old", True, False)
        assert session.receive_bytes(audio("old", b"late")) == []

    def test_a_new_id_leaves_an_ended_request_to_finish_its_motion(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("old", b"ab", end=True))

        assert session.receive_bytes(audio("new", b"cd"))[0] == RequestStarted("new")
        assert animation(session.end("old")).end

    def test_requests_that_pile_up_are_refused(self) -> None:
        session = confirmed()
        for number in range(64):
            session.receive_bytes(audio(f"r{number}", end=True))

        assert "64 requests" in refusal(session.receive_bytes(audio("r64", end=True))).message


class TestInterrupt:
    def test_it_drops_the_request(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab"))

        assert session.receive_bytes(interrupt("r")) == [RequestDropped("r", superseded=False)]
        assert not session.is_open("r")
        assert session.receive_bytes(audio("r", b"late", end=True)) == []

    def test_it_works_after_the_clients_end_while_motion_is_still_made(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab", end=True))

        assert session.receive_bytes(interrupt("r")) == [RequestDropped("r", superseded=False)]

    def test_it_also_drops_older_requests_still_in_the_making(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("one", b"ab", end=True))
        session.receive_bytes(audio("two", b"ab"))

        dropped = session.receive_bytes(interrupt("two"))

        assert dropped == [RequestDropped("one", superseded=False), RequestDropped("two", superseded=False)]

    def test_one_for_an_old_or_unknown_request_does_nothing(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", end=True))
        session.end("r")
        session.receive_bytes(audio("s", b"ab"))

        assert session.receive_bytes(interrupt("r")) == []
        assert session.receive_bytes(interrupt("never")) == []
        assert session.is_open("s")


class TestPlaybackControl:
    @staticmethod
    def receipt(session: ServerSession, data: bytes) -> tuple[str, int, str]:
        (event,) = session.receive_bytes(data)
        assert isinstance(event, PlaybackControlled)
        reply = pb.Message.FromString(session.playback_state(event))
        assert reply.type == pb.MESSAGE_TYPE_SERVER_PLAYBACK_STATE
        state = reply.server_playback_state
        assert state.connection_id == "c1"
        return state.req_id, state.state, state.reason

    def test_pause_and_resume_of_the_running_request(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab"))

        assert self.receipt(session, pause("r")) == ("r", PlaybackState.PAUSED, "explicit")
        assert self.receipt(session, pause("r")) == ("r", PlaybackState.PAUSED, "")
        assert session.receive_bytes(audio("r", b"cd")) == [AudioReceived("r", b"cd")]
        assert self.receipt(session, resume("r")) == ("r", PlaybackState.PLAYING, "explicit")

    def test_resuming_what_is_not_paused_answers_playing(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab"))

        assert self.receipt(session, resume("r")) == ("r", PlaybackState.PLAYING, "")

    def test_a_stale_id_gets_the_true_state_under_its_own_name(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab"))

        assert self.receipt(session, pause("old")) == ("old", PlaybackState.PLAYING, "")
        self.receipt(session, pause("r"))
        assert self.receipt(session, pause("old")) == ("old", PlaybackState.PAUSED, "")

    def test_pausing_what_ended_or_was_interrupted_says_so(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", end=True))
        session.end("r")
        assert self.receipt(session, pause("r")) == ("r", PlaybackState.ENDED, "")

        session.receive_bytes(audio("s", b"ab"))
        session.receive_bytes(interrupt("s"))
        assert self.receipt(session, pause("s")) == ("s", PlaybackState.INTERRUPTED, "")

    def test_the_receipt_counts_the_motion_that_was_sent(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", b"ab"))
        session.motion("r", CHUNK)

        (event,) = session.receive_bytes(pause("r"))

        assert isinstance(event, PlaybackControlled)
        assert event.played_ms == 400

    def test_a_new_request_is_not_paused(self) -> None:
        session = confirmed()
        session.receive_bytes(audio("r", end=True))
        session.receive_bytes(pause("r"))
        session.receive_bytes(audio("s", b"ab"))

        assert self.receipt(session, resume("old"))[1] == PlaybackState.PLAYING


def test_an_error_names_connection_code_and_cause() -> None:
    reply = pb.Message.FromString(confirmed().error(ServerErrorCode.SESSION_TIMEOUT, "x" * 5000, req_id="r"))

    assert reply.type == pb.MESSAGE_TYPE_SERVER_ERROR
    failure = reply.server_error
    assert (failure.connection_id, failure.req_id, failure.code, len(failure.message)) == ("c1", "r", 4002, 2000)


@given(st.lists(st.binary(max_size=200), max_size=8), st.booleans())
def test_garbage_never_raises_and_ends_in_silence_after_a_refusal(pieces: list[bytes], open_first: bool) -> None:
    session = confirmed() if open_first else ServerSession("c1")
    refused = False
    for piece in pieces:
        events = session.receive_bytes(piece)
        assert not (refused and events)
        refused = refused or any(isinstance(event, SessionRefused) for event in events)


REQUESTS = st.sampled_from(["a", "b", "c"])
STEPS = st.one_of(
    st.builds(lambda r, e: audio(r, b"ab", end=e), REQUESTS, st.booleans()),
    st.builds(interrupt, REQUESTS),
    st.builds(pause, REQUESTS),
    st.builds(resume, REQUESTS),
)


@given(st.lists(st.one_of(STEPS, st.just(b"")), max_size=40))
def test_every_request_gets_exactly_one_end_and_no_motion_after_it(steps: list[bytes]) -> None:
    session = confirmed()
    started: list[str] = []
    ended: list[str] = []
    finished: list[str] = []
    for step in steps:
        for event in session.receive_bytes(step):
            match event:
                case RequestStarted(req_id):
                    started.append(req_id)
                case RequestFinished(req_id):
                    finished.append(req_id)
                case RequestDropped(req_id):
                    ended.append(animation(session.end_dropped(event)).req_id)
        if step == b"" and finished:  # the engine drained one
            req_id = finished.pop(0)
            if session.is_open(req_id):
                ended.append(animation(session.end(req_id)).req_id)
    for req_id in started:
        if session.is_open(req_id):
            ended.append(animation(session.end(req_id)).req_id)

    assert sorted(started) == sorted(ended)
    assert len(set(started)) == len(started)
