"""Session tokens: signed, bound to an app, short-lived, checked without asking the store."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Final

import jwt

MAX_LIFETIME_S: Final = 24 * 3600
_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "avatarkit-motion"
_MAX_TOKEN_CHARACTERS: Final = 2048


class TokenFault(Enum):
    """Why a token is refused."""

    INVALID = "invalid"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a valid token says."""

    app_id: str
    expires_at: int
    """Unix seconds."""


class TokenSigner:
    """Issues and checks session tokens with one key.

    Args:
        key: At least 32 random bytes.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a signing key has at least 32 bytes")
        self._key = key

    def issue(self, app_id: str, *, expires_at: int, now: int) -> str:
        """A token for an app.

        Raises:
            ValueError: Unless ``now < expires_at <= now + 24 h``.
        """
        if not now < expires_at <= now + MAX_LIFETIME_S:
            raise ValueError("a token expires within 24 hours")
        claims = {
            "sub": app_id,
            "aud": _AUDIENCE,
            "iat": now,
            "exp": expires_at,
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def check(self, token: str, *, now: float) -> TokenClaims | TokenFault:
        """Claims of a token that we issued and that has not expired at ``now`` (Unix seconds)."""
        if not 0 < len(token) <= _MAX_TOKEN_CHARACTERS:
            return TokenFault.INVALID
        try:
            # Expiry is checked below against the given time, not the library's own clock.
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["sub", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return TokenFault.INVALID
        app_id, expires_at = claims["sub"], claims["exp"]
        if not isinstance(app_id, str) or not isinstance(expires_at, int):
            return TokenFault.INVALID
        return TokenClaims(app_id, expires_at) if now < expires_at else TokenFault.EXPIRED
