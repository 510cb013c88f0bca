"""The client's side of a session: bytes in, events out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.protocol import (
    InvalidFieldError,
    MalformedMessageError,
    MessageRejected,
    MessageTooLargeError,
    MotionChunk,
    MotionReceived,
    PlaybackState,
    PlaybackStateReceived,
    ProtocolError,
    ServerErrorReceived,
    ServerSession,
    SessionConfigured,
    SessionConfirmed,
    UnexpectedMessageError,
)
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.client_session import AUDIO_MESSAGE_BYTES, ClientSession
from avatarkit.protocol.limits import MAX_SERVER_MESSAGE_BYTES

CONFIRMATION = pb.Message(
    type=pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION,
    server_confirm_session=pb.ServerConfirmSession(connection_id="c", capabilities=["x"]),
).SerializeToString()


def confirmed() -> ClientSession:
    session = ClientSession()
    session.configure(16000)
    session.receive_bytes(CONFIRMATION)
    return session


def animation(**fields: object) -> bytes:
    response = pb.ServerResponseAnimation(**fields)  # type: ignore[arg-type]
    return pb.Message(
        type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION, server_response_animation=response
    ).SerializeToString()


def chunk(count: int = 2, **fields: object) -> pb.MotionChunk:
    values: dict[str, object] = {
        "version": 1,
        "frame_rate": 25.0,
        "first_frame": 7,
        "frame_count": count,
        "weights": bytes(52 * count),
        "head": bytes(12 * count),
    }
    return pb.MotionChunk(**(values | fields))  # type: ignore[arg-type]


def test_configuration() -> None:
    session = ClientSession()
    message = pb.Message.FromString(session.configure(24000))
    assert message.type == pb.MESSAGE_TYPE_CLIENT_CONFIGURE_SESSION
    assert message.client_configure_session.sample_rate == 24000
    with pytest.raises(UnexpectedMessageError):
        session.configure(24000)
    with pytest.raises(InvalidFieldError):
        ClientSession().configure(11025)


def test_our_server_understands_us() -> None:
    client, server = ClientSession(), ServerSession("connection")
    assert server.receive_bytes(client.configure(16000)) == [SessionConfigured(16000)]
    assert client.receive_bytes(server.confirm()) == [SessionConfirmed("connection")]
    for message in client.audio("one", b"\x00" * 10, end=True):
        server.receive_bytes(message)
    motion = MotionChunk(0, bytes(52), bytes(12))
    (first,) = client.receive_bytes(server.motion("one", motion))
    assert isinstance(first, MotionReceived)
    assert (first.req_id, first.chunk, first.end) == ("one", motion, False)
    (last,) = client.receive_bytes(server.end("one"))
    assert isinstance(last, MotionReceived)
    assert (last.chunk, last.end) == (None, True)


def test_confirmation() -> None:
    session = ClientSession()
    assert not session.confirmed
    assert session.receive_bytes(CONFIRMATION) == [SessionConfirmed("c", ("x",))]
    assert session.confirmed


def test_error_instead_of_a_confirmation() -> None:
    report = pb.ServerError(code=4010, message="invalid session token", connection_id="c")
    data = pb.Message(type=pb.MESSAGE_TYPE_SERVER_ERROR, server_error=report).SerializeToString()
    assert ClientSession().receive_bytes(data) == [ServerErrorReceived(4010, "invalid session token", "c")]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xff",
        pb.Message(
            type=pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION, server_confirm_session=pb.ServerConfirmSession()
        ).SerializeToString(),
        animation(req_id="r", end=True),
        pb.Message(type=pb.MESSAGE_TYPE_SERVER_ERROR).SerializeToString(),
    ],
    ids=["empty", "garbage", "empty id", "motion", "error without body"],
)
def test_anything_else_before_the_confirmation_breaks_the_protocol(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        ClientSession().receive_bytes(data)


def test_text_breaks_the_handshake_and_is_ignored_later() -> None:
    with pytest.raises(UnexpectedMessageError):
        ClientSession().receive_text("hello")
    assert confirmed().receive_text("hello") == []


def test_nothing_is_sent_before_the_confirmation() -> None:
    session = ClientSession()
    with pytest.raises(UnexpectedMessageError):
        session.audio("r", b"\x00\x00", end=False)
    with pytest.raises(UnexpectedMessageError):
        session.interrupt("r")


def test_long_audio_is_cut_and_end_rides_on_the_last() -> None:
    pcm = bytes(range(256)) * (AUDIO_MESSAGE_BYTES // 100)
    inputs = [pb.Message.FromString(m).client_audio_input for m in confirmed().audio("r", pcm, end=True)]
    assert b"".join(i.audio for i in inputs) == pcm
    assert [i.end for i in inputs] == [False] * (len(inputs) - 1) + [True]
    assert all(len(i.audio) <= AUDIO_MESSAGE_BYTES and len(i.audio) % 2 == 0 for i in inputs)


def test_empty_audio_carries_an_end_and_nothing_else() -> None:
    session = confirmed()
    (message,) = session.audio("r", b"", end=True)
    assert pb.Message.FromString(message).client_audio_input.end
    assert session.audio("r", b"", end=False) == []
    with pytest.raises(InvalidFieldError):
        session.audio("r", b"\x00", end=False)
    with pytest.raises(InvalidFieldError):
        session.audio("", b"", end=True)


def test_interrupt() -> None:
    message = pb.Message.FromString(confirmed().interrupt("r"))
    assert (message.type, message.client_interrupt.req_id) == (pb.MESSAGE_TYPE_CLIENT_INTERRUPT, "r")


def test_motion() -> None:
    data = animation(req_id="r", motion=chunk(2))
    (event,) = confirmed().receive_bytes(data)
    assert isinstance(event, MotionReceived)
    assert event.chunk == MotionChunk(7, bytes(104), bytes(24))
    assert event.size_bytes == len(data)


@pytest.mark.parametrize(
    ("data", "newer"),
    [
        (animation(req_id="r", motion=chunk(version=2)), True),
        (animation(req_id="r", motion=chunk(version=9, weights=b"", head=b"", count=0)), True),
        (animation(req_id="r", motion=chunk(version=0)), False),
        (animation(req_id="r", motion=chunk(weights=b"1")), False),
        (animation(req_id="r", motion=chunk(frame_rate=float("nan"))), False),
        (animation(req_id="", motion=chunk()), False),
        (animation(req_id="x" * 1000), False),
        (b"\xff\xff", False),
        (pb.Message(type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION).SerializeToString(), False),
        (bytes(MAX_SERVER_MESSAGE_BYTES + 1), False),
    ],
)
def test_a_message_that_cannot_be_used_is_told_and_the_session_goes_on(data: bytes, newer: bool) -> None:
    session = confirmed()
    (event,) = session.receive_bytes(data)
    assert isinstance(event, MessageRejected)
    assert event.newer_motion is newer
    assert session.receive_bytes(animation(req_id="r", end=True))


def test_unknown_types_and_empty_messages_are_ignored() -> None:
    session = confirmed()
    assert session.receive_bytes(b"") == []
    assert session.receive_bytes(pb.Message(type=99).SerializeToString()) == []  # type: ignore[arg-type]
    assert session.receive_bytes(CONFIRMATION) == []


def test_playback_state() -> None:
    def report(state: int) -> bytes:
        body = pb.ServerPlaybackState(req_id="r", state=state, played_ms=40, reason="explicit")  # type: ignore[arg-type]
        return pb.Message(type=pb.MESSAGE_TYPE_SERVER_PLAYBACK_STATE, server_playback_state=body).SerializeToString()

    session = confirmed()
    assert session.receive_bytes(report(2)) == [PlaybackStateReceived("r", PlaybackState.PAUSED, 40, "explicit")]
    assert session.receive_bytes(report(77)) == []


def test_limits_have_names() -> None:
    with pytest.raises(MessageTooLargeError):
        ClientSession().receive_bytes(bytes(MAX_SERVER_MESSAGE_BYTES + 1))
    with pytest.raises(MalformedMessageError):
        ClientSession().receive_bytes(b"\xff")


@given(st.binary(max_size=200))
def test_garbage_never_breaks_a_confirmed_session(data: bytes) -> None:
    session = confirmed()
    session.receive_bytes(data)
    assert session.confirmed


@given(st.binary(max_size=60), st.integers(0, 12))
def test_damaged_motion_never_breaks_a_confirmed_session(noise: bytes, at: int) -> None:
    whole = animation(req_id="r", motion=chunk(1))
    confirmed().receive_bytes(whole[:at] + noise + whole[at + len(noise) :])
