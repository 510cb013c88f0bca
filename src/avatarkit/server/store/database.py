"""Opening the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from avatarkit.server.store.apps import Apps
from avatarkit.server.store.avatars import Avatars
from avatarkit.server.store.keys import Keys
from avatarkit.server.store.migrate import migrate
from avatarkit.server.store.secrets import Secrets

DATABASE_NAME: Final = "avatarkit.db"


class Store:
    """An open store. Several processes may hold the same one (SQLite in write-ahead mode)."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.apps = Apps(engine)
        self.keys = Keys(engine)
        self.avatars = Avatars(engine)
        self.secrets = Secrets(engine)

    @classmethod
    async def open(cls, data: Path) -> Store:
        """Open the database in ``data``, making and migrating it as needed.

        The folder and the file are for their owner only.

        Raises:
            AvatarError: ``configurationInvalid`` when the database is newer than this release.
            OSError: The folder cannot be made or written.
        """
        path = _prepare(data)
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        event.listen(engine.sync_engine, "connect", _set_pragmas)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(migrate)
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine)

    async def close(self) -> None:
        """Let go of every connection. Idempotent."""
        await self._engine.dispose()


def _prepare(data: Path) -> Path:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = data / DATABASE_NAME
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    return path


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
