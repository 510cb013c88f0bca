"""What a server's refusal, error or close means to the user: one place for all of it."""

from __future__ import annotations

import re
from typing import Final

from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.protocol import CloseCode, ServerErrorCode

_C = ErrorCode
_MAX_QUOTED: Final = 200

# Phrases in a server's text, lower case, first match wins; text is more exact than a number.
_PHRASES: Final[tuple[tuple[str, ErrorCode], ...]] = (
    ("session denied", _C.INSUFFICIENT_BALANCE),
    ("credits exhausted", _C.INSUFFICIENT_BALANCE),
    ("session time limit reached", _C.SESSION_TIMEOUT),
    ("maximum session duration", _C.SESSION_TIMEOUT),
    ("no audio input for", _C.SESSION_TIMEOUT),
    ("livekit silence timeout", _C.SESSION_TIMEOUT),
    ("invalid session token", _C.SESSION_TOKEN_INVALID),
    ("empty token", _C.SESSION_TOKEN_INVALID),
    ("token is expired", _C.SESSION_TOKEN_EXPIRED),
    ("session token expired", _C.SESSION_TOKEN_EXPIRED),
    ("app id mismatch", _C.APP_ID_UNRECOGNIZED),
    ("app id unrecognized", _C.APP_ID_UNRECOGNIZED),
    ("avatar not found", _C.AVATAR_ID_UNRECOGNIZED),
    ("unsupported sample rate", _C.INVALID_AUDIO_INPUT),
    ("concurrent", _C.CONCURRENT_LIMIT_EXCEEDED),
    ("livekit_egress", _C.INVALID_EGRESS_CONFIG),
    ("agora_egress", _C.INVALID_EGRESS_CONFIG),
    ("missing livekit credentials", _C.INVALID_EGRESS_CONFIG),
    ("provide api_token or both api_key and api_secret", _C.INVALID_EGRESS_CONFIG),
    ("unauthorized", _C.INVALID_EGRESS_CONFIG),
    ("egress client is not configured", _C.EGRESS_UNAVAILABLE),
    ("failed to create egress connection", _C.EGRESS_UNAVAILABLE),
    ("driven server re", _C.SERVER_ERROR),  # "returned non-200 status code", "request failed"
    ("expected clientconfiguresession message", _C.WEBSOCKET_ERROR),
    ("clientconfiguresession message is nil", _C.WEBSOCKET_ERROR),
    ("unexpected message type", _C.WEBSOCKET_ERROR),
    ("failed to unmarshal initial message", _C.WEBSOCKET_ERROR),
)

_SERVER_CODES: Final[dict[int, ErrorCode]] = {
    ServerErrorCode.EGRESS_UNAVAILABLE: _C.EGRESS_UNAVAILABLE,
    ServerErrorCode.INVALID_EGRESS_CONFIG: _C.INVALID_EGRESS_CONFIG,
    ServerErrorCode.CREDITS_EXHAUSTED: _C.INSUFFICIENT_BALANCE,
    ServerErrorCode.SESSION_TIMEOUT: _C.SESSION_TIMEOUT,
    ServerErrorCode.CONCURRENCY_LIMIT: _C.CONCURRENT_LIMIT_EXCEEDED,
    ServerErrorCode.AUTH_FAILED: _C.SESSION_TOKEN_INVALID,
    ServerErrorCode.UPSTREAM_UNAVAILABLE: _C.SERVER_ERROR,
}

_STATUSES: Final[dict[int, ErrorCode]] = {
    401: _C.SESSION_TOKEN_EXPIRED,
    402: _C.INSUFFICIENT_BALANCE,
    404: _C.APP_ID_UNRECOGNIZED,
    429: _C.CONCURRENT_LIMIT_EXCEEDED,
}


def rejection_error(status: int, body: str) -> AvatarError:
    """The error of an upgrade that was answered with an HTTP status instead of a WebSocket."""
    code = _by_phrase(body) or _STATUSES.get(status)
    if code is None:
        code = _C.SERVER_ERROR if status >= 500 else _C.WEBSOCKET_ERROR
    retryable = None if code is not _C.WEBSOCKET_ERROR else False
    return error(
        code,
        f"The server refused the connection with status {status}{_quoted(body)}.",
        phase=Phase.CONNECT,
        retryable=retryable,
    )


def server_error(code: int, message: str) -> AvatarError:
    """The error of a ``ServerError`` message."""
    kind = _by_phrase(message) or _SERVER_CODES.get(code, _C.SERVER_ERROR)
    if code == ServerErrorCode.AUTH_FAILED and kind is _C.INSUFFICIENT_BALANCE:
        kind = _C.SESSION_TOKEN_INVALID  # denied for who asks, not for want of credits
    if code == ServerErrorCode.INVALID_REQUEST and kind is _C.SERVER_ERROR and _names_egress(message):
        kind = _C.INVALID_EGRESS_CONFIG
    return error(kind, f"The server reported error {code}{_quoted(message)}.", phase=Phase.INTERACT)


def close_error(code: int, reason: str) -> AvatarError | None:
    """The error of a close, or ``None`` for a clean end (1000 and 1001). 1006 is a lost connection."""
    if code in (CloseCode.NORMAL, CloseCode.GOING_AWAY):
        return None
    if code == 1006:
        return error(_C.WEBSOCKET_CLOSED_ABNORMALLY, "The connection to the server was lost.")
    kind = _SERVER_CODES.get(code, _C.WEBSOCKET_CLOSED_UNEXPECTED)
    return error(kind, f"The server closed the connection with code {code}{_quoted(reason)}.", phase=Phase.INTERACT)


def _names_egress(text: str) -> bool:
    lowered = text.lower()
    return any(word in lowered for word in ("livekit", "agora", "egress"))


def _by_phrase(text: str) -> ErrorCode | None:
    lowered = text.lower()
    return next((code for phrase, code in _PHRASES if phrase in lowered), None)


def _quoted(text: str) -> str:
    """A server's own words, on one line and short; long random runs, which may be secrets, are cut out."""
    words = " ".join(text.split())
    words = re.sub(r"[A-Za-z0-9_\-.=+/]{32,}", "...", words)
    return f" ({words[:_MAX_QUOTED]})" if words else ""
