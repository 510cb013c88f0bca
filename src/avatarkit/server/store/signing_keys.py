"""The keys that sign session tokens. One signs; the ones before it still verify for a day."""

from __future__ import annotations

import secrets
from typing import Final

from sqlalchemy import delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from avatarkit.server.store.records import SigningKey
from avatarkit.server.store.schema import signing_keys
from avatarkit.server.store.writing import writing

OVERLAP_S: Final = 24 * 3600
"""The longest that a session token lives: by then a retired key has nothing left to verify."""


class SigningKeys:
    """The ``signing_keys`` table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def valid(self, *, now: int) -> list[SigningKey]:
        """Keys that verify, the one that signs first; made on first use."""
        async with self._engine.connect() as connection:
            keys = await _valid(connection, now)
        if keys:
            return keys
        async with writing(self._engine) as connection:
            return await _valid(connection, now) or [await _add(connection, now)]

    async def rotate(self, *, now: int, drop_old: bool = False) -> SigningKey:
        """Sign with a new key from now on.

        Args:
            now: Unix seconds.
            drop_old: Make every token that was signed so far void at once, instead of letting it expire.
        """
        async with writing(self._engine) as connection:
            expired = signing_keys.c.retired_at < now - OVERLAP_S
            await connection.execute(delete(signing_keys) if drop_old else delete(signing_keys).where(expired))
            retired = update(signing_keys).where(signing_keys.c.retired_at.is_(None)).values(retired_at=now)
            await connection.execute(retired)
            return await _add(connection, now)


async def _valid(connection: AsyncConnection, now: int) -> list[SigningKey]:
    query = (
        select(signing_keys)
        .where(or_(signing_keys.c.retired_at.is_(None), signing_keys.c.retired_at >= now - OVERLAP_S))
        .order_by(signing_keys.c.retired_at.is_not(None), signing_keys.c.created_at.desc(), signing_keys.c.id)
    )
    rows = await connection.execute(query)
    return [SigningKey(row.id, bytes.fromhex(row.value), row.created_at, row.retired_at) for row in rows]


async def _add(connection: AsyncConnection, now: int) -> SigningKey:
    key = SigningKey(secrets.token_hex(4), secrets.token_bytes(32), now, None)
    row = {"id": key.id, "value": key.value.hex(), "created_at": now}
    await connection.execute(insert(signing_keys).values(**row))
    return key
