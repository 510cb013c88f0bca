"""What a session token says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from avatarkit.server.store.metering import SessionRequest

MAX_LIFETIME_S: Final = 24 * 3600
MAX_SECONDS: Final = 7 * 24 * 3600
"""Most that ``max_seconds`` may say."""


class TokenFault(Enum):
    """Why a token is refused."""

    INVALID = "invalid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions:
    """What a token may be limited to, besides app and time."""

    single_use: bool = False
    """It opens one session only."""
    avatar_id: str | None = None
    """It is for that avatar only."""
    max_seconds: int | None = None
    """Longest session, from its confirmation."""
    key_prefix: str = ""
    """The API key that bought it: with the key, its tokens are revoked."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says."""

    app_id: str
    expires_at: int
    """Unix seconds."""
    id: str = ""
    issued_at_ms: int = 0
    """Unix milliseconds."""
    options: TokenOptions = TokenOptions()

    def session(self, session_id: str, avatar_id: str) -> SessionRequest:
        """What the store is asked when this token is to open a session."""
        return SessionRequest(
            session_id=session_id,
            app_id=self.app_id,
            avatar_id=avatar_id,
            token_id=self.id,
            token_issued_at_ms=self.issued_at_ms,
            token_expires_at=self.expires_at,
            single_use=self.options.single_use,
            key_prefix=self.options.key_prefix,
            max_seconds=self.options.max_seconds,
        )
