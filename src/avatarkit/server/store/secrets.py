"""The server's own secrets: the key that signs session tokens, and the hash of the admin key."""

from __future__ import annotations

import secrets as random
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.server.store.keys import hash_secret, same_secret
from avatarkit.server.store.schema import secrets

_SIGNING_KEY: Final = "signing_key"
_ADMIN_HASH: Final = "admin_key_hash"


class Secrets:
    """The ``secrets`` table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def signing_key(self) -> bytes:
        """The 32-byte key of session tokens; made on first use."""
        await self._put_new(_SIGNING_KEY, random.token_hex(32))
        return bytes.fromhex(await self._get(_SIGNING_KEY) or "")

    async def create_admin_key(self) -> str | None:
        """Make the admin key and return it, this once; ``None`` when there is one already."""
        text = f"adm_{random.token_urlsafe(32)}"
        return text if await self._put_new(_ADMIN_HASH, hash_secret(text)) else None

    async def is_admin_key(self, text: str) -> bool:
        """Whether that is the admin key; compared in constant time."""
        expected = await self._get(_ADMIN_HASH)
        return expected is not None and same_secret(text, expected)

    async def _get(self, name: str) -> str | None:
        async with self._engine.connect() as connection:
            return await connection.scalar(select(secrets.c.value).where(secrets.c.name == name))

    async def _put_new(self, name: str, value: str) -> bool:
        if await self._get(name) is not None:
            return False
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(secrets).values(name=name, value=value))
        except IntegrityError:  # another process was first
            return False
        return True
