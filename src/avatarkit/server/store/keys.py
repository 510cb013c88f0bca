"""API keys: high-entropy secrets, of which only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.errors import ErrorCode, error
from avatarkit.server.store.apps import check_name, no_app
from avatarkit.server.store.records import ALL_SCOPES, KeyInfo, NewKey, Scope
from avatarkit.server.store.schema import api_keys, apps
from avatarkit.server.store.writing import writing

_KEY: Final = re.compile(r"(ak_[0-9a-f]{8})_[A-Za-z0-9_-]{43}")
_NO_HASH: Final = hashlib.sha256(b"").hexdigest()
_LAST_USED_STEP_S: Final = 60
"""Uses closer together are one: a busy key costs no write for each request."""


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

    async def create(self, app_id: str, *, now: int, name: str = "", scopes: Iterable[Scope] = ALL_SCOPES) -> NewKey:
        """Make a key for an app.

        Raises:
            AvatarError: ``appIDUnrecognized`` when there is no such app; ``configurationInvalid`` for a bad name
                or no scope at all.
        """
        chosen = [scope.value for scope in ALL_SCOPES if scope in set(scopes)]
        if not chosen:
            raise error(ErrorCode.CONFIGURATION_INVALID, "A key needs at least one scope.")
        prefix = f"ak_{secrets.token_hex(4)}"
        text = f"{prefix}_{secrets.token_urlsafe(32)}"
        row = {
            "prefix": prefix,
            "app_id": app_id,
            "hash": hash_secret(text),
            "created_at": now,
            "name": check_name(name) if name else "",
            "scopes": " ".join(chosen),
        }
        async with writing(self._engine) as connection:
            if await connection.scalar(select(apps.c.id).where(apps.c.id == app_id)) is None:
                raise no_app(app_id)
            await connection.execute(insert(api_keys).values(**row))
        return NewKey(app_id, prefix, text)

    async def check(self, text: str, *, now: int) -> KeyInfo | None:
        """The key that a text is, and note its use; ``None`` for one that is unknown, malformed or revoked, or
        whose app is disabled."""
        match = _KEY.fullmatch(text)
        if match is None:
            return None
        query = (
            select(api_keys)
            .join(apps, apps.c.id == api_keys.c.app_id)
            .where(api_keys.c.prefix == match[1], api_keys.c.revoked_at.is_(None), apps.c.disabled_at.is_(None))
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        matches = same_secret(text, _NO_HASH if row is None else row.hash)
        if row is None or not matches:
            return None
        if row.last_used_at is None or now - row.last_used_at >= _LAST_USED_STEP_S:
            used = update(api_keys).where(api_keys.c.prefix == row.prefix).values(last_used_at=now)
            async with writing(self._engine) as connection:
                await connection.execute(used)
        return _info(row)

    async def app_of(self, text: str) -> str | None:
        """App ID of a key as :meth:`check` finds it, without noting its use."""
        info = await self.check(text, now=0)
        return None if info is None else info.app_id

    async def list(self, app_id: str | None = None) -> list[KeyInfo]:
        """The keys of an app or of all, oldest first, revoked ones included."""
        query = select(api_keys).order_by(api_keys.c.created_at, api_keys.c.prefix)
        if app_id is not None:
            query = query.where(api_keys.c.app_id == app_id)
        async with self._engine.connect() as connection:
            return [_info(row) for row in await connection.execute(query)]

    async def revoke(self, prefix: str, *, now: int) -> bool:
        """Make a key useless from now on, and the session tokens that it bought; ``False`` when there is no such
        live key. Open sessions go on."""
        query = (
            update(api_keys)
            .where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        async with writing(self._engine) as connection:
            return (await connection.execute(query)).rowcount == 1


def _info(row: Any) -> KeyInfo:
    scopes = tuple(scope for scope in ALL_SCOPES if scope.value in row.scopes.split())
    return KeyInfo(row.prefix, row.app_id, row.name, scopes, row.created_at, row.last_used_at, row.revoked_at)
