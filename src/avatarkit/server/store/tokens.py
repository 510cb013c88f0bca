"""Session tokens that were revoked. Tokens themselves are signed, not stored."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from avatarkit.server.store.apps import no_app
from avatarkit.server.store.metering import EndReason
from avatarkit.server.store.schema import apps, revoked_tokens, sessions
from avatarkit.server.store.writing import insert_new, writing


class Tokens:
    """The ``revoked_tokens`` table, and ``apps.tokens_from_ms``.

    Sessions that are open already go on, unless ``end_sessions`` has their servers end them within a second.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def revoke(self, token_id: str, *, app_id: str, expires_at: int, end_sessions: bool = False) -> bool:
        """Make one token void; whether it was not so already."""
        row = {"id": token_id, "app_id": app_id, "expires_at": expires_at}
        async with writing(self._engine) as connection:
            if end_sessions:
                await _ask_end(connection, sessions.c.app_id == app_id, sessions.c.token_id == token_id)
            return await insert_new(connection, revoked_tokens, **row)

    async def revoke_all(self, app_id: str, *, now_ms: int, end_sessions: bool = False) -> None:
        """Make every token void that the app got before ``now_ms`` (Unix milliseconds).

        Raises ``AvatarError`` (``appIDUnrecognized``).
        """
        async with writing(self._engine) as connection:
            query = update(apps).where(apps.c.id == app_id).values(tokens_from_ms=now_ms)
            if (await connection.execute(query)).rowcount == 0:
                raise no_app(app_id)
            if end_sessions:
                await _ask_end(connection, sessions.c.app_id == app_id)

    async def is_revoked(self, token_id: str) -> bool:
        """Whether one token was made void by itself."""
        query = select(revoked_tokens.c.id).where(revoked_tokens.c.id == token_id)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None


async def _ask_end(connection: AsyncConnection, *which: ColumnElement[bool]) -> None:
    query = update(sessions).where(*which, sessions.c.ended_at_ms.is_(None))
    await connection.execute(query.values(end_asked=EndReason.TOKEN_REVOKED.value))
