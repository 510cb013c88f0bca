"""Session tokens that were revoked. Tokens themselves are signed, not stored."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.server.store.apps import no_app
from avatarkit.server.store.schema import apps, revoked_tokens
from avatarkit.server.store.writing import insert_new, writing


class Tokens:
    """The ``revoked_tokens`` table, and ``apps.tokens_from_ms``. Sessions that are open already go on."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def revoke(self, token_id: str, *, app_id: str, expires_at: int) -> bool:
        """Make one token void; whether it was not so already."""
        async with writing(self._engine) as connection:
            return await insert_new(connection, revoked_tokens, id=token_id, app_id=app_id, expires_at=expires_at)

    async def revoke_all(self, app_id: str, *, now_ms: int) -> None:
        """Make every token void that the app got before ``now_ms`` (Unix milliseconds).

        Raises ``AvatarError`` (``appIDUnrecognized``).
        """
        async with writing(self._engine) as connection:
            query = update(apps).where(apps.c.id == app_id).values(tokens_from_ms=now_ms)
            if (await connection.execute(query)).rowcount == 0:
                raise no_app(app_id)

    async def is_revoked(self, token_id: str) -> bool:
        """Whether one token was made void by itself."""
        query = select(revoked_tokens.c.id).where(revoked_tokens.c.id == token_id)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None
