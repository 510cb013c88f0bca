"""The client's side of one Motion Server connection, without I/O: bytes in, events out.

Order of a session: our configuration, the server's confirmation, then audio and interrupts out and motion in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from google.protobuf.message import DecodeError

from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.codes import PlaybackState
from avatarkit.protocol.errors import (
    InvalidFieldError,
    MalformedMessageError,
    MessageTooLargeError,
    ProtocolError,
    UnexpectedMessageError,
    UnsupportedVersionError,
)
from avatarkit.protocol.events import (
    ClientEvent,
    MessageRejected,
    MotionReceived,
    PlaybackStateReceived,
    ServerErrorReceived,
    SessionConfirmed,
)
from avatarkit.protocol.ids import check_id
from avatarkit.protocol.limits import MAX_SERVER_MESSAGE_BYTES, MAX_TEXT_CHARACTERS, SAMPLE_RATES_HZ
from avatarkit.protocol.motion import chunk_from_message

AUDIO_MESSAGE_BYTES: Final = 64 * 1024
"""Longest piece of audio in one message: small enough for an interrupt to pass soon, 2 s at 16 kHz."""


class ClientSession:
    """Rules and memory of one connection. Not thread safe."""

    def __init__(self) -> None:
        self._configured = False
        self._confirmed = False
        self._is_ogg_opus = False

    @property
    def confirmed(self) -> bool:
        """Whether the server has taken the session."""
        return self._confirmed

    # --- bytes out ----------------------------------------------------------------------------------------

    def configure(
        self,
        sample_rate: int,
        *,
        is_ogg_opus: bool = False,
        bitrate: int = 0,
        extra_params: Mapping[str, str] | None = None,
    ) -> bytes:
        """The first message. Audio is mono: PCM, signed 16-bit little endian, or one Ogg Opus stream a request.

        Args:
            sample_rate: Hertz.
            is_ogg_opus: What the requests will hold.
            bitrate: Of the Opus, in bits a second; 0 says nothing about it.
            extra_params: What else is asked of the server, by name.

        Raises:
            InvalidFieldError: Not one of the seven rates.
            UnexpectedMessageError: It was made before.
        """
        if sample_rate not in SAMPLE_RATES_HZ:
            raise InvalidFieldError(f"unsupported sample rate {sample_rate}")
        if self._configured:
            raise UnexpectedMessageError("the session is configured already")
        self._configured = True
        self._is_ogg_opus = is_ogg_opus
        configuration = pb.ClientConfigureSession(
            sample_rate=sample_rate,
            bitrate=bitrate,
            audio_format=pb.AUDIO_FORMAT_OGG_OPUS if is_ogg_opus else pb.AUDIO_FORMAT_PCM_S16LE,
            extra_params=extra_params or {},
        )
        return pb.Message(
            type=pb.MESSAGE_TYPE_CLIENT_CONFIGURE_SESSION, client_configure_session=configuration
        ).SerializeToString()

    def audio(self, req_id: str, data: bytes, *, end: bool) -> list[bytes]:
        """Messages that carry audio of a request; ``end`` rides on the last, which may be empty.

        Raises:
            UnexpectedMessageError: The session is not confirmed.
            InvalidFieldError: A bad id, or half a sample of PCM.
        """
        self._require_open()
        check_id(req_id)
        if len(data) % 2 and not self._is_ogg_opus:
            raise InvalidFieldError("audio of an odd number of bytes holds half a sample")
        starts = range(0, len(data), AUDIO_MESSAGE_BYTES)
        pieces = [data[start : start + AUDIO_MESSAGE_BYTES] for start in starts] or ([b""] if end else [])
        return [
            pb.Message(
                type=pb.MESSAGE_TYPE_CLIENT_AUDIO_INPUT,
                client_audio_input=pb.ClientAudioInput(req_id=req_id, audio=piece, end=end and number == len(pieces)),
            ).SerializeToString()
            for number, piece in enumerate(pieces, 1)
        ]

    def interrupt(self, req_id: str) -> bytes:
        """The message that drops what is not inferred yet of a request.

        Raises:
            UnexpectedMessageError: The session is not confirmed.
            InvalidFieldError: A bad id.
        """
        self._require_open()
        return pb.Message(
            type=pb.MESSAGE_TYPE_CLIENT_INTERRUPT, client_interrupt=pb.ClientInterrupt(req_id=check_id(req_id))
        ).SerializeToString()

    def _require_open(self) -> None:
        if not self._confirmed:
            raise UnexpectedMessageError("the server has not confirmed the session yet")

    # --- bytes in -----------------------------------------------------------------------------------------

    def receive_bytes(self, data: bytes) -> list[ClientEvent]:
        """Take one binary WebSocket message and return what it means.

        Before the confirmation only a confirmation or an error will do. Afterwards unknown types are ignored,
        and a message that cannot be used gives :class:`MessageRejected`; the session goes on.

        Raises:
            ProtocolError: A broken rule before the confirmation: give the connection up.
        """
        if self._confirmed and not data:
            return []
        try:
            message = self._decode(data)
            return self._handle(message) if self._confirmed else [self._first(message)]
        except ProtocolError as problem:
            if not self._confirmed:
                raise
            return [MessageRejected(str(problem), newer_motion=isinstance(problem, UnsupportedVersionError))]

    def receive_text(self, text: str) -> list[ClientEvent]:
        """Take one text WebSocket message: ignored.

        Raises:
            UnexpectedMessageError: The session is not confirmed yet.
        """
        del text
        self._require_open()
        return []

    @staticmethod
    def _decode(data: bytes) -> pb.Message:
        if len(data) > MAX_SERVER_MESSAGE_BYTES:
            raise MessageTooLargeError(len(data), MAX_SERVER_MESSAGE_BYTES)
        try:
            return pb.Message.FromString(data)
        except DecodeError:
            raise MalformedMessageError("the bytes are no message") from None

    def _first(self, message: pb.Message) -> ClientEvent:
        if message.type == pb.MESSAGE_TYPE_SERVER_ERROR:
            return _error(message)
        if message.type != pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION:
            raise UnexpectedMessageError(f"message type {message.type} came before the confirmation")
        connection_id = check_id(message.server_confirm_session.connection_id, name="connection_id")
        self._confirmed = True
        return SessionConfirmed(connection_id, tuple(message.server_confirm_session.capabilities))

    @staticmethod
    def _handle(message: pb.Message) -> list[ClientEvent]:
        if message.type == pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION:
            return [_motion(message)]
        if message.type == pb.MESSAGE_TYPE_SERVER_ERROR:
            return [_error(message)]
        if message.type == pb.MESSAGE_TYPE_SERVER_PLAYBACK_STATE:
            return _playback_state(message)
        return []


def read_motion(data: bytes) -> MotionReceived | None:
    """Read a motion message that came another way than over a session, as in Backend Mode; ``None`` for a sound
    message of another kind.

    Raises:
        ProtocolError: The bytes cannot be used.
    """
    message = ClientSession._decode(data)
    return _motion(message) if message.type == pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION else None


def _motion(message: pb.Message) -> MotionReceived:
    if not message.HasField("server_response_animation"):
        raise MalformedMessageError("a motion message without its body")
    response = message.server_response_animation
    chunk = None
    # An empty chunk carries nothing but the end.
    if response.HasField("motion") and (response.motion.frame_count or response.motion.version > 1):
        chunk = chunk_from_message(response.motion)
    return MotionReceived(check_id(response.req_id), chunk, response.end, message.ByteSize())


def _error(message: pb.Message) -> ServerErrorReceived:
    if not message.HasField("server_error"):
        raise MalformedMessageError("an error message without its body")
    report = message.server_error
    return ServerErrorReceived(
        report.code,
        report.message[:MAX_TEXT_CHARACTERS],
        report.connection_id[:MAX_TEXT_CHARACTERS],
        report.req_id[:MAX_TEXT_CHARACTERS],
    )


def _playback_state(message: pb.Message) -> list[ClientEvent]:
    report = message.server_playback_state
    try:
        state = PlaybackState(report.state)
    except ValueError:
        return []  # a state of a later version
    return [PlaybackStateReceived(report.req_id, state, report.played_ms, report.reason[:MAX_TEXT_CHARACTERS])]
