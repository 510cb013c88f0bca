"""Apps."""

from __future__ import annotations

import secrets

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine

from avatarkit.errors import ErrorCode, error
from avatarkit.server.store.records import App
from avatarkit.server.store.schema import apps

MAX_NAME_CHARACTERS = 128


def check_name(name: str) -> str:
    """Return a display name without outer blanks.

    Raises:
        AvatarError: ``configurationInvalid`` when it is empty, over 128 characters, or not printable.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME_CHARACTERS or not name.isprintable():
        raise error(ErrorCode.CONFIGURATION_INVALID, "A name is 1 to 128 printable characters.")
    return name


class Apps:
    """The ``apps`` table."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, name: str, *, now: int) -> App:
        """Make an app; raises like :func:`check_name`."""
        app = App(f"app_{secrets.token_hex(8)}", check_name(name), now)
        async with self._engine.begin() as connection:
            row = {"id": app.id, "name": app.name, "created_at": app.created_at}
            await connection.execute(insert(apps).values(**row))
        return app

    async def list(self) -> list[App]:
        """All apps, oldest first."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(apps).order_by(apps.c.created_at, apps.c.id))
            return [App(row.id, row.name, row.created_at) for row in rows]

    async def exists(self, app_id: str) -> bool:
        """Whether there is such an app."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(apps.c.id).where(apps.c.id == app_id)) is not None
