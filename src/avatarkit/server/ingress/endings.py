"""Why the server ends a session, in the numbers and words of both published client families.

One family tells causes by the number of the ``ServerError``, then by its phrase, and takes no notice of close codes;
the other goes by both numbers. So each ending has all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from avatarkit.protocol import CloseCode, ServerErrorCode
from avatarkit.server.store.metering import EndReason


@dataclass(frozen=True, slots=True)
class Ending:
    """A ``ServerError`` and the close that follows it."""

    code: ServerErrorCode | None
    """``None`` is an end without an error."""
    message: str
    close_code: CloseCode


CREDITS_EXHAUSTED: Final = Ending(ServerErrorCode.CREDITS_EXHAUSTED, "credits exhausted", CloseCode.CREDITS_EXHAUSTED)
TIME_IS_UP: Final = Ending(ServerErrorCode.SESSION_TIMEOUT, "session time limit reached", CloseCode.SESSION_TIMEOUT)
TOO_MANY_SESSIONS: Final = Ending(
    ServerErrorCode.CONCURRENCY_LIMIT, "concurrent session limit reached", CloseCode.CONCURRENCY_LIMIT
)
SERVICE_FAILED: Final = Ending(
    ServerErrorCode.UPSTREAM_UNAVAILABLE, "driven server request failed", CloseCode.UPSTREAM_UNAVAILABLE
)
SHUT_DOWN: Final = Ending(
    ServerErrorCode.UPSTREAM_UNAVAILABLE,
    "driven server request failed: the server is shutting down",
    CloseCode.UPSTREAM_UNAVAILABLE,
)
DRAINED: Final = Ending(None, "the server is going away", CloseCode.GOING_AWAY)
READS_TOO_SLOWLY: Final = Ending(
    ServerErrorCode.INVALID_REQUEST, "the client reads too slowly", CloseCode.POLICY_VIOLATION
)
TOO_MANY_MESSAGES: Final = Ending(
    ServerErrorCode.INVALID_REQUEST, "too many messages in too short a time", CloseCode.POLICY_VIOLATION
)
NO_OPUS: Final = Ending(
    ServerErrorCode.INVALID_REQUEST,
    "unsupported audio format: this server cannot decode Ogg Opus; send signed 16-bit PCM",
    CloseCode.POLICY_VIOLATION,
)


def bad_style(reason: str) -> Ending:
    """The session's extra parameters ask for a speaking style that there is not."""
    return Ending(ServerErrorCode.INVALID_REQUEST, reason, CloseCode.POLICY_VIOLATION)


INTERNAL_FAULT: Final = Ending(ServerErrorCode.UNSPECIFIED, "internal error", CloseCode.INTERNAL_ERROR)
TOKEN_REVOKED: Final = Ending(
    ServerErrorCode.AUTH_FAILED, "invalid session token: it was revoked", CloseCode.AUTH_FAILED
)
APP_DISABLED: Final = Ending(
    ServerErrorCode.AUTH_FAILED, "session denied: the app is disabled", CloseCode.AUTH_FAILED
)
ENDED_BY_OPERATOR: Final = Ending(
    ServerErrorCode.AUTH_FAILED, "session denied: ended by the operator", CloseCode.AUTH_FAILED
)
ORDERED: Final = {
    EndReason.CREDITS_EXHAUSTED: CREDITS_EXHAUSTED,
    EndReason.APP_DISABLED: APP_DISABLED,
    EndReason.OPERATOR: ENDED_BY_OPERATOR,
    EndReason.TOKEN_REVOKED: TOKEN_REVOKED,
    EndReason.LOST: SERVICE_FAILED,
}
"""What the store orders to end."""


def idle(timeout_s: float) -> Ending:
    """No audio came. Its number is 0, because one family would read 4002 in the error as the time limit."""
    return Ending(ServerErrorCode.UNSPECIFIED, f"no audio input for {timeout_s:g} s", CloseCode.SESSION_TIMEOUT)


def no_handshake(timeout_s: float) -> Ending:
    """No configuration came."""
    message = f"expected ClientConfigureSession message within {timeout_s:g} s"
    return Ending(ServerErrorCode.UNSPECIFIED, message, CloseCode.POLICY_VIOLATION)


def bad_audio(reason: str) -> Ending:
    """The audio is not what the session announced."""
    return Ending(ServerErrorCode.INVALID_REQUEST, f"invalid audio: {reason}", CloseCode.POLICY_VIOLATION)


def broken_rules(close_code: int, reason: str) -> Ending:
    """The WebSocket layer was violated."""
    return Ending(ServerErrorCode.INVALID_REQUEST, reason, CloseCode(close_code))
