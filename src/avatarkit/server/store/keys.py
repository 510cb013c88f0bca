"""API keys: high-entropy secrets, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.errors import ErrorCode, error
from avatarkit.server.store.records import NewKey
from avatarkit.server.store.schema import api_keys, apps

_KEY: Final = re.compile(r"(ak_[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_NO_HASH: Final = hashlib.sha256(b"").hexdigest()


def hash_secret(text: str) -> str:
    """SHA-256 in hex. Enough for secrets of 256 random bits, which cannot be guessed from a hash."""
    return hashlib.sha256(text.encode()).hexdigest()


def same_secret(text: str, expected_hash: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(hash_secret(text), expected_hash)


class Keys:
    """The ``api_keys`` table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, app_id: str, *, now: int) -> NewKey:
        """Make a key for an app.

        Raises:
            AvatarError: ``appIDUnrecognized`` when there is no such app.
        """
        prefix = f"ak_{secrets.token_hex(4)}"
        text = f"{prefix}_{secrets.token_urlsafe(32)}"
        async with self._engine.begin() as connection:
            known = await connection.scalar(select(apps.c.id).where(apps.c.id == app_id))
            if known is None:
                raise error(ErrorCode.APP_ID_UNRECOGNIZED, f"There is no app '{app_id}'.", hint="")
            row = {"prefix": prefix, "app_id": app_id, "hash": hash_secret(text), "created_at": now}
            await connection.execute(insert(api_keys).values(**row))
        return NewKey(app_id, prefix, text)

    async def app_of(self, text: str) -> str | None:
        """App ID that a key belongs to; ``None`` for a key that is unknown, malformed or revoked."""
        match = _KEY.fullmatch(text)
        if match is None:
            return None
        query = select(api_keys.c.app_id, api_keys.c.hash).where(
            api_keys.c.prefix == match[1], api_keys.c.revoked_at.is_(None)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        matches = same_secret(text, _NO_HASH if row is None else row.hash)
        return str(row.app_id) if row is not None and matches else None

    async def revoke(self, prefix: str, *, now: int) -> bool:
        """Make a key useless from now on; ``False`` when there is no such live key."""
        query = (
            update(api_keys)
            .where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        async with self._engine.begin() as connection:
            return (await connection.execute(query)).rowcount == 1
