"""The server's own secret: the hash of the admin key."""

from __future__ import annotations

import secrets as random
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.server.store.keys import hash_secret, same_secret
from avatarkit.server.store.schema import secrets
from avatarkit.server.store.writing import insert_new, writing

_ADMIN_HASH: Final = "admin_key_hash"


class Secrets:
    """The ``secrets`` table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create_admin_key(self) -> str | None:
        """Make the admin key and return it, this once; ``None`` when there is one already."""
        text = f"adm_{random.token_urlsafe(32)}"
        async with writing(self._engine) as connection:
            is_new = await insert_new(connection, secrets, name=_ADMIN_HASH, value=hash_secret(text))
        return text if is_new else None

    async def replace_admin_key(self) -> str | None:
        """Make another admin key and return it, this once; the one before is void. ``None`` when there is none: the
        server's first start makes it."""
        text = f"adm_{random.token_urlsafe(32)}"
        other = update(secrets).where(secrets.c.name == _ADMIN_HASH).values(value=hash_secret(text))
        async with writing(self._engine) as connection:
            is_replaced = (await connection.execute(other)).rowcount == 1
        return text if is_replaced else None

    async def is_admin_key(self, text: str) -> bool:
        """Whether that is the admin key; compared in constant time."""
        expected = await self._get(_ADMIN_HASH)
        return expected is not None and same_secret(text, expected)

    async def _get(self, name: str) -> str | None:
        async with self._engine.connect() as connection:
            return await connection.scalar(select(secrets.c.value).where(secrets.c.name == name))
