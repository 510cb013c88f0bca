"""What is said between a server and the store about a metered session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Refusal(Enum):
    """Why a session may not be opened."""

    APP_UNKNOWN = "app unknown"
    """There is no such app, or it is disabled."""
    TOKEN_REVOKED = "token revoked"  # noqa: S105 - no password
    """The token itself, all tokens of the app until now, or the API key that bought it."""
    TOKEN_USED = "token used"  # noqa: S105
    """A single-use token that opened a session before."""
    CREDITS_EXHAUSTED = "credits exhausted"
    CONCURRENCY_LIMIT = "concurrency limit"


class EndReason(Enum):
    """Why the store wants an open session to end."""

    CREDITS_EXHAUSTED = "credits exhausted"
    APP_DISABLED = "app disabled"
    OPERATOR = "ended by the operator"
    TOKEN_REVOKED = "token revoked"  # noqa: S105 - no password
    """Its token was revoked, and whoever did so wanted its open sessions to end too."""
    LOST = "lost"
    """The store held this server for dead and gave the session's place away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRequest:
    """What is known of a session that wants to open; all from its upgrade request and its checked token."""

    session_id: str
    """The connection id."""
    app_id: str
    avatar_id: str
    token_id: str
    token_issued_at_ms: int
    """Unix milliseconds."""
    token_expires_at: int
    """Unix seconds."""
    single_use: bool = False
    key_prefix: str = ""
    """Of the API key that bought the token; empty when none did."""
    max_seconds: int | None = None
    """Longest session that the token allows."""


@dataclass(frozen=True, slots=True)
class SessionGrant:
    """A session that may open: it holds a place from now on."""

    limit_s: int | None
    """Longest time from its confirmation that app and token allow; ``None`` when neither says."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What a server learns when it says that it lives."""

    is_lost: bool
    """The server was held for dead; none of its sessions are open any more."""
    ending: dict[str, EndReason]
    """Sessions of this server that must end."""
