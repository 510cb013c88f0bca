"""Avatars in the library: their descriptions; the bundles lie in the asset folder."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.server.store.records import AvatarRecord
from avatarkit.server.store.schema import avatars
from avatarkit.types import Camera


class Avatars:
    """The ``avatars`` table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, record: AvatarRecord) -> AvatarRecord:
        """Add an avatar, or replace the one of that id: same content keeps its version, other content gets
        the next one."""
        async with self._engine.begin() as connection:
            old = (await connection.execute(select(avatars).where(avatars.c.id == record.id))).first()
            row = asdict(record) | {"camera": json.dumps(asdict(record.camera))}
            if old is None:
                row["version"] = 1
                await connection.execute(insert(avatars).values(**row))
            else:
                row["version"] = old.version + (old.sha256 != record.sha256)
                row["created_at"] = old.created_at
                await connection.execute(update(avatars).where(avatars.c.id == record.id).values(**row))
            kept = (await connection.execute(select(avatars).where(avatars.c.id == record.id))).one()
        return _record(kept)

    async def get(self, avatar_id: str) -> AvatarRecord | None:
        """One avatar, or ``None``."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(avatars).where(avatars.c.id == avatar_id))).first()
        return None if row is None else _record(row)

    async def list(self) -> list[AvatarRecord]:
        """All avatars, by id."""
        async with self._engine.connect() as connection:
            return [_record(row) for row in await connection.execute(select(avatars).order_by(avatars.c.id))]

    async def has_asset(self, sha256: str) -> bool:
        """Whether an avatar uses that bundle."""
        query = select(avatars.c.id).where(avatars.c.sha256 == sha256).limit(1)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None


def _record(row: Row[Any]) -> AvatarRecord:
    values = dict(row._mapping)
    camera = json.loads(values.pop("camera"))
    return AvatarRecord(
        **values,
        camera=Camera(tuple(camera["position"]), tuple(camera["target"]), camera["vertical_fov_deg"]),
    )
