"""What a session tells its owner after bytes came in. Frozen, plain, free of protobuf.

Events of :class:`~avatarkit.protocol.server_session.ServerSession` come from a client; those of
``ClientSession`` come from a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from avatarkit.protocol.codes import CloseCode, PlaybackState, ServerErrorCode
from avatarkit.protocol.motion import MotionChunk

# --- what a server hears ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionConfigured:
    """The client's first message was accepted; answer with ``confirm``."""

    sample_rate: int
    """Hertz of the PCM that will come, or that the client encodes its Opus from."""
    is_ogg_opus: bool = False
    """Whether each request is one Ogg Opus stream instead of PCM."""
    extra_params: Mapping[str, str] = field(default_factory=dict)
    """What else the client asked for, by name; unknown names are ignored."""


@dataclass(frozen=True, slots=True)
class RequestStarted:
    """First audio (or an empty end) of a new request."""

    req_id: str
    traceparent: str = ""
    """W3C trace context of the client, or empty."""
    tracestate: str = ""


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Audio of the running request, in the configured format; cut anywhere, even inside a sample or an Ogg page.

    PCM is signed 16-bit little endian, mono.
    """

    req_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """No more audio will come for the request; once all its motion is sent, answer with ``end``."""

    req_id: str


@dataclass(frozen=True, slots=True)
class RequestDropped:
    """Stop inferring the request, throw its audio away, and answer with ``end`` at once."""

    req_id: str
    superseded: bool
    """True when a newer request took over, false when the client interrupted."""


@dataclass(frozen=True, slots=True)
class PlaybackControlled:
    """The client asked to pause or resume; answer with ``playback_state``, handing this event back."""

    req_id: str
    """The id that the client named, which may be an old one."""
    state: PlaybackState
    """The state of the newest request after the message."""
    played_ms: int
    """Milliseconds of motion that the newest request was given; the client alone knows what was heard."""
    reason: str
    """``explicit`` when the message changed the state, else empty."""


@dataclass(frozen=True, slots=True)
class SessionRefused:
    """The client broke the rules: send ``error(code, message)`` and close with ``close_code``."""

    code: ServerErrorCode
    message: str
    close_code: CloseCode


ServerEvent = (
    SessionConfigured
    | RequestStarted
    | AudioReceived
    | RequestFinished
    | RequestDropped
    | PlaybackControlled
    | SessionRefused
)
"""Any event of a ``ServerSession``."""


# --- what a client hears ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionConfirmed:
    """The server took the session."""

    connection_id: str
    capabilities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MotionReceived:
    """Motion of a request. ``end`` marks the last message of the request, which may carry no frames."""

    req_id: str
    chunk: MotionChunk | None
    end: bool
    size_bytes: int = 0
    """Size of the whole message, for measurements."""


@dataclass(frozen=True, slots=True)
class ServerErrorReceived:
    """The server reported a failure. ``code`` is a plain number, because servers may know more codes."""

    code: int
    message: str
    connection_id: str = ""
    req_id: str = ""


@dataclass(frozen=True, slots=True)
class PlaybackStateReceived:
    """The server's receipt of a pause or resume, or its own report."""

    req_id: str
    state: PlaybackState
    played_ms: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class MessageRejected:
    """A message after the handshake could not be used; the session goes on.

    ``newer_motion`` is true when the motion is of a newer format: an upgrade helps.
    """

    reason: str
    newer_motion: bool = False


ClientEvent = SessionConfirmed | MotionReceived | ServerErrorReceived | PlaybackStateReceived | MessageRejected
"""Any event of a ``ClientSession``."""
