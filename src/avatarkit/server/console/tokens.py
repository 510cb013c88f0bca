"""Session tokens: signed, bound to an app, short-lived, checked without asking the store."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

import jwt

from avatarkit.server.console.claims import MAX_LIFETIME_S, TokenClaims, TokenFault, TokenOptions
from avatarkit.server.store.records import SigningKey

__all__ = ["MAX_LIFETIME_S", "TokenClaims", "TokenFault", "TokenOptions", "TokenSigner"]

_ALGORITHM: Final = "HS256"
_NO_OPTIONS: Final = TokenOptions()
_AUDIENCE: Final = "avatarkit-motion"
_MAX_TOKEN_CHARACTERS: Final = 2048


class TokenSigner:
    """Issues session tokens with one key and checks those of several.

    Args:
        keys: The one that signs first; each has at least 32 random bytes.
    """

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        if not keys or any(len(key.value) < 32 for key in keys):
            raise ValueError("a signer needs keys of at least 32 bytes")
        self._signing = keys[0]
        self._keys = {key.id: key.value for key in keys}

    def replace_keys(self, keys: Sequence[SigningKey]) -> None:
        """Take other keys from now on, as after a rotation."""
        self._signing = keys[0]
        self._keys = {key.id: key.value for key in keys}

    def issue(self, app_id: str, *, expires_at: int, now: float, options: TokenOptions = _NO_OPTIONS) -> str:
        """A token for an app.

        Args:
            app_id: Whose.
            expires_at: Unix seconds.
            now: Unix seconds.
            options: What it is limited to.

        Raises:
            ValueError: Unless ``now < expires_at <= now + 24 h``.
        """
        if not now < expires_at <= now + MAX_LIFETIME_S:
            raise ValueError("a token expires within 24 hours")
        claims: dict[str, Any] = {
            "sub": app_id,
            "aud": _AUDIENCE,
            "iat": round(now, 3),
            "exp": expires_at,
            "jti": secrets.token_urlsafe(12),
            "one": options.single_use or None,
            "avt": options.avatar_id,
            "max": options.max_seconds,
            "key": options.key_prefix or None,
        }
        said = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(said, self._signing.value, algorithm=_ALGORITHM, headers={"kid": self._signing.id})

    def knows(self, token: str) -> bool:
        """Whether the key that a token names is here; ``False`` may mean that another server rotated the keys."""
        name = _key_name(token)
        return not name or name in self._keys

    def check(self, token: str, *, now: float) -> TokenClaims | TokenFault:
        """Claims of a token that we issued and that has not expired at ``now`` (Unix seconds)."""
        if not 0 < len(token) <= _MAX_TOKEN_CHARACTERS:
            return TokenFault.INVALID
        name = _key_name(token)
        # Tokens of the first release name no key.
        for key in self._keys.values() if name is None else [self._keys.get(name, b"")]:
            claims = _decode(token, key) if key else None
            if claims is not None:
                return claims if now < claims.expires_at else TokenFault.EXPIRED
        return TokenFault.INVALID


def _key_name(token: str) -> str | None:
    """The key that a token names; ``""`` when it cannot be read."""
    if len(token) > _MAX_TOKEN_CHARACTERS:
        return ""
    try:
        name = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        return ""
    return name if isinstance(name, str) or name is None else ""


def _decode(token: str, key: bytes) -> TokenClaims | None:
    try:
        # Expiry is checked against the given time, not the library's own clock.
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            options={"require": ["sub", "exp"], "verify_exp": False, "verify_iat": False},
        )
    except jwt.PyJWTError:
        return None
    app_id, expires_at = claims["sub"], claims["exp"]
    if not isinstance(app_id, str) or not isinstance(expires_at, int):
        return None
    options = TokenOptions(
        single_use=claims.get("one") is True,
        avatar_id=claims.get("avt"),
        max_seconds=claims.get("max"),
        key_prefix=claims.get("key", ""),
    )
    return TokenClaims(app_id, expires_at, claims.get("jti", ""), round(claims.get("iat", 0) * 1000), options)
