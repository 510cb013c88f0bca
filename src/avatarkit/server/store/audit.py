"""Who changed what."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.server.store.records import AuditEntry
from avatarkit.server.store.schema import audit
from avatarkit.server.store.writing import writing


class Audit:
    """The ``audit`` table. Details never hold a secret."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def note(self, actor: str, action: str, target: str, *, now: int, **detail: object) -> None:
        """Write an entry."""
        row: dict[str, Any] = {
            "at": now,
            "actor": actor[:64],
            "action": action,
            "target": target[:128],
            "detail": json.dumps(detail),
        }
        async with writing(self._engine) as connection:
            await connection.execute(insert(audit).values(**row))

    async def list(
        self, *, target: str | None = None, before: int | None = None, count: int = 100
    ) -> list[AuditEntry]:
        """The newest entries, newest first; of one target, or before an entry's id."""
        query = select(audit).order_by(audit.c.id.desc()).limit(count)
        if target is not None:
            query = query.where(audit.c.target == target)
        if before is not None:
            query = query.where(audit.c.id < before)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return [
                AuditEntry(row.id, row.at, row.actor, row.action, row.target, json.loads(row.detail)) for row in rows
            ]

    async def forget(self, *, before: int) -> None:
        """Drop what happened before a time, in Unix seconds."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(audit).where(audit.c.at < before))
