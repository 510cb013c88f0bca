"""The server's side of one Motion Server connection, without I/O: bytes in, events out.

Order of a session: the client's configuration, our confirmation, then audio and control in and motion out.
A request is a run of audio under one id. It ends when the client says so, when a newer id takes over, or when
it is interrupted; each way it gets exactly one ``end``. A request that the client ended keeps its motion coming
while the next one already runs: segments of speech are often sent back to back, faster than real time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Final

from google.protobuf.message import DecodeError

from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.codes import CloseCode, PlaybackState, ServerErrorCode
from avatarkit.protocol.egress import egress_problem
from avatarkit.protocol.errors import ProtocolError, UnexpectedMessageError
from avatarkit.protocol.events import (
    AudioReceived,
    PlaybackControlled,
    RequestDropped,
    RequestFinished,
    RequestStarted,
    ServerEvent,
    SessionConfigured,
    SessionRefused,
)
from avatarkit.protocol.ids import check_id
from avatarkit.protocol.limits import (
    MAX_CLIENT_MESSAGE_BYTES,
    MAX_EXTRA_PARAMS,
    MAX_ID_CHARACTERS,
    MAX_OPEN_REQUESTS,
    MAX_TEXT_CHARACTERS,
    OPUS_SAMPLE_RATES_HZ,
    SAMPLE_RATES_HZ,
)
from avatarkit.protocol.motion import MotionChunk, write_chunk

_BY_TEXT: Final = ServerErrorCode.UNSPECIFIED
"""For causes that clients tell by their phrase: published ones read a number first, and 3 hides the phrase."""

_EXPECTED_CONFIGURATION: Final = "expected ClientConfigureSession message"
_REMEMBERED_IDS: Final = 256
_SERVER_ONLY: Final = frozenset(
    (
        pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION,
        pb.MESSAGE_TYPE_SERVER_ERROR,
        pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION,
        pb.MESSAGE_TYPE_SERVER_PLAYBACK_STATE,
    )
)
_WIRE_STATE: Final = {
    PlaybackState.PLAYING: pb.ServerPlaybackState.STATE_PLAYING,
    PlaybackState.PAUSED: pb.ServerPlaybackState.STATE_PAUSED,
    PlaybackState.ENDED: pb.ServerPlaybackState.STATE_ENDED,
    PlaybackState.INTERRUPTED: pb.ServerPlaybackState.STATE_INTERRUPTED,
}


class _State(Enum):
    NEW = "new"
    CONFIGURED = "configured"
    OPEN = "open"
    REFUSED = "refused"


@dataclass(slots=True)
class _Request:
    req_id: str
    finished: bool = False
    """The client sent its end."""
    sent_ms: float = 0.0


class _Refusal(Exception):  # noqa: N818 - control flow inside this module
    def __init__(
        self, code: ServerErrorCode, message: str, close_code: CloseCode = CloseCode.POLICY_VIOLATION
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.close_code = close_code


class ServerSession:
    """Rules and memory of one connection. Not thread safe.

    Args:
        connection_id: Non-empty id that names the connection to the client.
    """

    def __init__(self, connection_id: str) -> None:
        self.connection_id = check_id(connection_id, name="connection_id")
        self._state = _State.NEW
        self._open: dict[str, _Request] = {}  # oldest first; the newest may still take audio
        self._newest: _Request | None = None
        self._newest_state = PlaybackState.ENDED
        self._paused = False
        self._closed_ids: deque[str] = deque(maxlen=_REMEMBERED_IDS)

    # --- bytes in -----------------------------------------------------------------------------------------

    def receive_bytes(self, data: bytes) -> list[ServerEvent]:
        """Take one binary WebSocket message and return what it means, in order.

        Never raises: a broken rule gives :class:`SessionRefused` as the last event, after which the session
        takes nothing more.
        """
        if self._state is _State.REFUSED:
            return []
        try:
            if len(data) > MAX_CLIENT_MESSAGE_BYTES:
                raise _Refusal(
                    ServerErrorCode.INVALID_REQUEST,
                    f"message of {len(data)} bytes is over the limit of {MAX_CLIENT_MESSAGE_BYTES}",
                    CloseCode.MESSAGE_TOO_BIG,
                )
            message = self._decode(data)
            return self._configure(message) if self._state is _State.NEW else self._handle(message)
        except _Refusal as refusal:
            return [self._refuse(refusal)]
        except ProtocolError as problem:
            return [self._refuse(_Refusal(ServerErrorCode.INVALID_REQUEST, str(problem)))]

    def receive_text(self, text: str) -> list[ServerEvent]:
        """Take one text WebSocket message: a refusal before the configuration, ignored after it."""
        del text
        if self._state is _State.NEW:
            return [self._refuse(_Refusal(_BY_TEXT, _EXPECTED_CONFIGURATION))]
        return []

    def _decode(self, data: bytes) -> pb.Message:
        try:
            return pb.Message.FromString(data)
        except DecodeError:
            initial = "initial " if self._state is _State.NEW else ""
            raise _Refusal(_BY_TEXT, f"failed to unmarshal {initial}message") from None

    def _refuse(self, refusal: _Refusal) -> SessionRefused:
        self._state = _State.REFUSED
        self._open.clear()
        return SessionRefused(refusal.code, refusal.message, refusal.close_code)

    # --- handshake ----------------------------------------------------------------------------------------

    def _configure(self, message: pb.Message) -> list[ServerEvent]:
        if message.type != pb.MESSAGE_TYPE_CLIENT_CONFIGURE_SESSION:
            raise _Refusal(_BY_TEXT, _EXPECTED_CONFIGURATION)
        if not message.HasField("client_configure_session"):
            raise _Refusal(_BY_TEXT, "ClientConfigureSession message is nil")
        wanted = message.client_configure_session
        if (problem := egress_problem(wanted)) is not None:
            raise _Refusal(*problem)
        is_opus = wanted.audio_format == pb.AUDIO_FORMAT_OGG_OPUS
        if not is_opus and wanted.audio_format != pb.AUDIO_FORMAT_PCM_S16LE:
            raise _Refusal(
                ServerErrorCode.INVALID_REQUEST, "unsupported audio format; send signed 16-bit PCM or Ogg Opus"
            )
        if wanted.transport_compression != pb.TRANSPORT_COMPRESSION_NONE:
            raise _Refusal(ServerErrorCode.INVALID_REQUEST, "unsupported transport compression")
        accepted = OPUS_SAMPLE_RATES_HZ if is_opus else SAMPLE_RATES_HZ
        if wanted.sample_rate not in accepted:
            rates = ", ".join(str(rate) for rate in accepted)
            raise _Refusal(_BY_TEXT, f"unsupported sample rate {wanted.sample_rate}; use one of {rates}")
        extra = dict(wanted.extra_params)
        longest = max((len(text) for pair in extra.items() for text in pair), default=0)
        if len(extra) > MAX_EXTRA_PARAMS or longest > MAX_ID_CHARACTERS:
            raise _Refusal(ServerErrorCode.INVALID_REQUEST, "too many or too long extra parameters")
        self._state = _State.CONFIGURED
        return [SessionConfigured(wanted.sample_rate, is_opus, extra)]

    # --- after the handshake ------------------------------------------------------------------------------

    def _handle(self, message: pb.Message) -> list[ServerEvent]:
        kind = message.type
        if kind == pb.MESSAGE_TYPE_CLIENT_AUDIO_INPUT:
            return self._audio(message.client_audio_input)
        if kind == pb.MESSAGE_TYPE_CLIENT_INTERRUPT:
            return self._interrupt(message.client_interrupt.req_id)
        if kind == pb.MESSAGE_TYPE_CLIENT_PAUSE:
            return self._control(message.client_pause.req_id, pause=True)
        if kind == pb.MESSAGE_TYPE_CLIENT_RESUME:
            return self._control(message.client_resume.req_id, pause=False)
        if kind == pb.MESSAGE_TYPE_CLIENT_CONFIGURE_SESSION:
            raise _Refusal(_BY_TEXT, "unexpected message type: already configured")
        if kind == pb.MESSAGE_TYPE_CLIENT_DRIVEN_CONFIG or message.HasField("driven_config"):
            raise _Refusal(_BY_TEXT, "unexpected message type: driven configuration")
        if kind in _SERVER_ONLY:
            raise _Refusal(_BY_TEXT, "unexpected message type: belongs to the server")
        return []

    def _audio(self, message: pb.ClientAudioInput) -> list[ServerEvent]:
        req_id = check_id(message.req_id)
        events: list[ServerEvent] = []
        current = self._newest
        if current is None or current.req_id != req_id:
            if req_id in self._open or req_id in self._closed_ids:
                return []  # late audio of an old request
            current = self._start(req_id, message, events)
        if current.finished or req_id not in self._open:
            return events  # duplicate end, or audio behind an end or interrupt
        if message.audio:
            events.append(AudioReceived(req_id, message.audio))
        if message.end:
            current.finished = True
            events.append(RequestFinished(req_id))
        return events

    def _start(self, req_id: str, message: pb.ClientAudioInput, events: list[ServerEvent]) -> _Request:
        old = self._newest
        if old is not None and not old.finished and self._close_request(old.req_id):
            events.append(RequestDropped(old.req_id, superseded=True))
        if len(self._open) >= MAX_OPEN_REQUESTS:
            raise _Refusal(ServerErrorCode.INVALID_REQUEST, f"more than {MAX_OPEN_REQUESTS} requests are open")
        trace = message.trace_context
        events.append(
            RequestStarted(req_id, trace.traceparent[:MAX_TEXT_CHARACTERS], trace.tracestate[:MAX_TEXT_CHARACTERS])
        )
        request = _Request(req_id)
        self._open[req_id] = self._newest = request
        self._newest_state = PlaybackState.PLAYING
        self._paused = False
        return request

    def _interrupt(self, req_id: str) -> list[ServerEvent]:
        """Drop the named request and every older one: an interrupt asks for silence."""
        check_id(req_id)
        if req_id not in self._open:
            return []
        ids = list(self._open)
        dropped = ids[: ids.index(req_id) + 1]
        for old in dropped:
            self._close_request(old)
        if self._newest is not None and self._newest.req_id == req_id:
            self._newest_state = PlaybackState.INTERRUPTED
            self._paused = False
        return [RequestDropped(old, superseded=False) for old in dropped]

    def _control(self, req_id: str, *, pause: bool) -> list[ServerEvent]:
        check_id(req_id)
        newest = self._newest
        changed = False
        if newest is not None and newest.req_id == req_id and req_id in self._open:
            changed = self._paused != pause
            self._paused = pause
        state = self._newest_state
        if state is PlaybackState.PLAYING and self._paused:
            state = PlaybackState.PAUSED
        if state is PlaybackState.ENDED and not pause:
            state = PlaybackState.PLAYING  # resuming what is not paused
        played_ms = 0 if newest is None else round(newest.sent_ms)
        return [PlaybackControlled(req_id, state, played_ms, "explicit" if changed else "")]

    def _close_request(self, req_id: str) -> bool:
        """Take a request out of the open ones, yet remember that it is owed an end. False if it had left."""
        if self._open.pop(req_id, None) is None:
            return False
        self._closed_ids.append(req_id)
        return True

    # --- bytes out ----------------------------------------------------------------------------------------

    def is_open(self, req_id: str) -> bool:
        """Whether motion of the request may still be sent."""
        return req_id in self._open

    def confirm(self, capabilities: tuple[str, ...] = ()) -> bytes:
        """Accept the configured session.

        Raises:
            UnexpectedMessageError: Nothing was configured, or it was confirmed before.
        """
        if self._state is not _State.CONFIGURED:
            raise UnexpectedMessageError("only a configured session can be confirmed, once")
        self._state = _State.OPEN
        confirmation = pb.ServerConfirmSession(connection_id=self.connection_id, capabilities=capabilities)
        return pb.Message(
            type=pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION, server_confirm_session=confirmation
        ).SerializeToString()

    def motion(self, req_id: str, chunk: MotionChunk) -> bytes:
        """Motion of an open request.

        Raises:
            UnexpectedMessageError: The request is not open.
        """
        self._account(req_id, chunk)
        return self._animation(req_id, chunk, end=False)

    def end(self, req_id: str, chunk: MotionChunk | None = None) -> bytes:
        """The last message of a finished request, with or without frames; the request is closed by it.

        Raises:
            UnexpectedMessageError: The request is not open.
        """
        self._account(req_id, chunk)
        self._close_request(req_id)
        if self._newest is not None and self._newest.req_id == req_id:
            self._newest_state = PlaybackState.ENDED
        return self._animation(req_id, chunk, end=True)

    def end_dropped(self, event: RequestDropped) -> bytes:
        """The empty end of a request that was dropped; send it once for each such event."""
        return self._animation(event.req_id, None, end=True)

    def playback_state(self, event: PlaybackControlled) -> bytes:
        """The one receipt of a pause or resume."""
        receipt = pb.ServerPlaybackState(
            connection_id=self.connection_id,
            req_id=event.req_id,
            state=_WIRE_STATE[event.state],
            played_ms=event.played_ms,
            reason=event.reason,
        )
        return pb.Message(
            type=pb.MESSAGE_TYPE_SERVER_PLAYBACK_STATE, server_playback_state=receipt
        ).SerializeToString()

    def error(self, code: ServerErrorCode, message: str, *, req_id: str = "") -> bytes:
        """Report a failure; the owner closes the connection behind it where the session cannot go on."""
        failure = pb.ServerError(
            connection_id=self.connection_id, req_id=req_id, code=int(code), message=message[:MAX_TEXT_CHARACTERS]
        )
        return pb.Message(type=pb.MESSAGE_TYPE_SERVER_ERROR, server_error=failure).SerializeToString()

    def _account(self, req_id: str, chunk: MotionChunk | None) -> None:
        request = self._open.get(req_id)
        if request is None:
            raise UnexpectedMessageError(f"request {req_id} is not open")
        if chunk is not None:
            request.sent_ms += 1000.0 * chunk.frame_count / chunk.frame_rate

    def _animation(self, req_id: str, chunk: MotionChunk | None, *, end: bool) -> bytes:
        message = pb.Message(type=pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION)
        response = message.server_response_animation
        response.connection_id = self.connection_id
        response.req_id = req_id
        response.end = end
        if chunk is not None:
            write_chunk(chunk, response.motion)
        return message.SerializeToString()
