"""Sans-I/O protocol: bytes in, events out, no sockets.

The messages are those of ``proto/avatarkit.proto``. A session object holds the rules of one side of a
connection; whoever owns the socket feeds it bytes, acts on its events and sends the bytes it makes.
"""

from avatarkit.protocol.codes import CloseCode, PlaybackState, ServerErrorCode
from avatarkit.protocol.errors import (
    InvalidFieldError,
    MalformedMessageError,
    MessageTooLargeError,
    ProtocolError,
    UnexpectedMessageError,
    UnsupportedVersionError,
)
from avatarkit.protocol.events import (
    AudioReceived,
    ClientEvent,
    MessageRejected,
    MotionReceived,
    PlaybackControlled,
    PlaybackStateReceived,
    RequestDropped,
    RequestFinished,
    RequestStarted,
    ServerErrorReceived,
    ServerEvent,
    SessionConfigured,
    SessionConfirmed,
    SessionRefused,
)
from avatarkit.protocol.ids import check_id, is_id, new_id
from avatarkit.protocol.motion import MOTION_VERSION, MotionChunk, chunk_from_message, chunk_to_message
from avatarkit.protocol.server_session import ServerSession

__all__ = [
    "MOTION_VERSION",
    "AudioReceived",
    "ClientEvent",
    "CloseCode",
    "InvalidFieldError",
    "MalformedMessageError",
    "MessageRejected",
    "MessageTooLargeError",
    "MotionChunk",
    "MotionReceived",
    "PlaybackControlled",
    "PlaybackState",
    "PlaybackStateReceived",
    "ProtocolError",
    "RequestDropped",
    "RequestFinished",
    "RequestStarted",
    "ServerErrorCode",
    "ServerErrorReceived",
    "ServerEvent",
    "ServerSession",
    "SessionConfigured",
    "SessionConfirmed",
    "SessionRefused",
    "UnexpectedMessageError",
    "UnsupportedVersionError",
    "check_id",
    "chunk_from_message",
    "chunk_to_message",
    "is_id",
    "new_id",
]
