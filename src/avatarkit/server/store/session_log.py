"""Sessions as operators see them: what is open, what was charged, and ordering one to end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.server.store.metering import EndReason
from avatarkit.server.store.records import SessionRecord
from avatarkit.server.store.schema import servers, sessions
from avatarkit.server.store.sessions import BEAT_MS, STALE_MS
from avatarkit.server.store.writing import writing


class SessionLog:
    """Reads the table that :class:`avatarkit.server.store.sessions.Sessions` writes."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def newest(
        self, *, now_ms: int, app_id: str | None = None, only_open: bool = False, count: int = 100
    ) -> Sequence[SessionRecord]:
        """The sessions that opened last, newest first."""
        query = _joined().order_by(sessions.c.opened_at_ms.desc(), sessions.c.id).limit(count)
        if app_id is not None:
            query = query.where(sessions.c.app_id == app_id)
        if only_open:
            query = query.where(sessions.c.ended_at_ms.is_(None))
        async with self._engine.connect() as connection:
            return [_record(row, now_ms) for row in await connection.execute(query)]

    async def get(self, session_id: str, *, now_ms: int) -> SessionRecord | None:
        """One session."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(_joined().where(sessions.c.id == session_id))).first()
        return None if row is None else _record(row, now_ms)

    async def ask_end(self, session_id: str) -> bool:
        """Have its server end a session, within a second; ``False`` when it is not open."""
        query = (
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.ended_at_ms.is_(None))
            .values(end_asked=EndReason.OPERATOR.value)
        )
        async with writing(self._engine) as connection:
            return (await connection.execute(query)).rowcount == 1


def _joined() -> Select[Any]:
    return select(sessions, servers.c.host, servers.c.seen_at_ms).select_from(
        sessions.outerjoin(servers, servers.c.id == sessions.c.server_id)
    )


def _record(row: Any, now_ms: int) -> SessionRecord:
    charged_ms = row.charged_ms
    if row.ended_at_ms is None and row.confirmed_at_ms is not None:
        seen_ms = row.seen_at_ms or row.confirmed_at_ms
        until_ms = min(now_ms, seen_ms + BEAT_MS) if seen_ms >= now_ms - STALE_MS else seen_ms
        charged_ms = max(0, until_ms - row.confirmed_at_ms)
    return SessionRecord(
        row.id,
        row.app_id,
        row.avatar_id,
        row.host or "",
        row.opened_at_ms / 1000,
        None if row.confirmed_at_ms is None else row.confirmed_at_ms / 1000,
        None if row.ended_at_ms is None else row.ended_at_ms / 1000,
        charged_ms / 1000,
        row.end_reason,
    )
