"""Numbers of ``ServerError.code`` and of WebSocket closes, as the published clients read them."""

from __future__ import annotations

from enum import IntEnum


class ServerErrorCode(IntEnum):
    """``ServerError.code``. Above 4000 the WebSocket close that follows carries the same number."""

    UNSPECIFIED = 0
    """No number of its own: clients tell it by its text."""
    INVALID_REQUEST = 3
    EGRESS_UNAVAILABLE = 14
    INVALID_EGRESS_CONFIG = 16
    CREDITS_EXHAUSTED = 4001
    SESSION_TIMEOUT = 4002
    CONCURRENCY_LIMIT = 4003
    AUTH_FAILED = 4010
    UPSTREAM_UNAVAILABLE = 4503


class CloseCode(IntEnum):
    """WebSocket close codes in use. 1000 and 1001 read as a clean end, so failures never use them."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    CREDITS_EXHAUSTED = 4001
    SESSION_TIMEOUT = 4002
    CONCURRENCY_LIMIT = 4003
    AUTH_FAILED = 4010
    UPSTREAM_UNAVAILABLE = 4503


class PlaybackState(IntEnum):
    """``ServerPlaybackState.state``."""

    PLAYING = 1
    PAUSED = 2
    ENDED = 3
    INTERRUPTED = 4
