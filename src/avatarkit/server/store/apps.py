"""Apps and their quotas."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.server.store.records import App, Quotas, Usage
from avatarkit.server.store.schema import api_keys, apps, avatar_grants, avatars, jobs, sessions
from avatarkit.server.store.sessions import credit_used_ms
from avatarkit.server.store.writing import writing

MAX_NAME_CHARACTERS = 128
MAX_QUOTA = 2**31 - 1


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

    async def create(self, name: str, *, now: int, quotas: Quotas | None = None) -> App:
        """Make an app; raises like :func:`check_name`."""
        app = App(f"app_{secrets.token_hex(8)}", check_name(name), now, None, quotas or Quotas())
        async with writing(self._engine) as connection:
            row = {"id": app.id, "name": app.name, "created_at": app.created_at}
            await connection.execute(insert(apps).values(**row, **_checked(asdict(app.quotas))))
        return app

    async def list(self) -> list[App]:
        """All apps, oldest first."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(apps).order_by(apps.c.created_at, apps.c.id))
            return [_app(row) for row in rows]

    async def get(self, app_id: str) -> App:
        """One app. Raises ``AvatarError`` (``appIDUnrecognized``)."""
        async with self._engine.connect() as connection:
            return _app(await _row(connection, app_id))

    async def exists(self, app_id: str) -> bool:
        """Whether there is such an app, and it is not disabled."""
        if not app_id.isprintable():  # PostgreSQL refuses NUL
            return False
        query = select(apps.c.id).where(apps.c.id == app_id, apps.c.disabled_at.is_(None))
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    async def usage(self, app_id: str, *, now_ms: int) -> Usage:
        """What an app has used. Raises ``AvatarError`` (``appIDUnrecognized``)."""
        async with self._engine.connect() as connection:
            row = await _row(connection, app_id)
            query = select(func.count()).where(sessions.c.app_id == app_id, sessions.c.ended_at_ms.is_(None))
            count = int(await connection.scalar(query) or 0)
            return Usage(count, await credit_used_ms(connection, app_id, now_ms) / 1000, row.creations)

    async def has_credits(self, app_id: str, *, now_ms: int) -> bool:
        """Whether an app may use any more seconds. Raises ``AvatarError`` (``appIDUnrecognized``)."""
        async with self._engine.connect() as connection:
            limit_s = (await _row(connection, app_id)).credit_limit_s
            return limit_s is None or await credit_used_ms(connection, app_id, now_ms) < limit_s * 1000

    async def rename(self, app_id: str, name: str) -> App:
        """Give an app another name. Raises ``AvatarError``."""
        return await self._change(app_id, name=check_name(name))

    async def set_quotas(self, app_id: str, changes: dict[str, int | None]) -> App:
        """Change some quotas, named as in :class:`Quotas`; ``None`` is the server's own limit.

        Raises:
            AvatarError: ``appIDUnrecognized``; ``configurationInvalid`` for a number out of range.
        """
        return await self._change(app_id, **_checked(changes))

    async def set_disabled(self, app_id: str, *, at: int | None) -> App:
        """Disable an app from ``at`` on, or enable it with ``None``. Raises ``AvatarError``."""
        return await self._change(app_id, disabled_at=at)

    async def delete(self, app_id: str) -> None:
        """Remove an app with its keys, jobs, grants and session records.

        Raises:
            AvatarError: ``appIDUnrecognized``; ``configurationInvalid`` while it has open sessions or avatars.
        """
        async with writing(self._engine) as connection:
            await _row(connection, app_id, for_update=True)
            has_open = select(sessions.c.id).where(sessions.c.app_id == app_id, sessions.c.ended_at_ms.is_(None))
            if await connection.scalar(has_open.limit(1)) is not None:
                raise error(ErrorCode.CONFIGURATION_INVALID, "The app has open sessions.", hint="Disable it first.")
            if await connection.scalar(select(avatars.c.id).where(avatars.c.owner == app_id).limit(1)) is not None:
                raise error(ErrorCode.CONFIGURATION_INVALID, "The app owns avatars.", hint="Delete them first.")
            for table in (api_keys, jobs, avatar_grants, sessions):
                await connection.execute(delete(table).where(table.c.app_id == app_id))
            await connection.execute(delete(apps).where(apps.c.id == app_id))

    async def _change(self, app_id: str, **values: object) -> App:
        async with writing(self._engine) as connection:
            await _row(connection, app_id, for_update=True)
            if values:
                await connection.execute(update(apps).where(apps.c.id == app_id).values(**values))
            return _app(await _row(connection, app_id))


async def _row(connection: AsyncConnection, app_id: str, *, for_update: bool = False) -> Any:
    query = select(apps).where(apps.c.id == app_id)
    row = (await connection.execute(query.with_for_update() if for_update else query)).first()
    if row is None:
        raise no_app(app_id)
    return row


def no_app(app_id: str) -> AvatarError:
    """The error for an app that does not exist."""
    return error(ErrorCode.APP_ID_UNRECOGNIZED, f"There is no app '{app_id}'.", hint="")


def _checked(changes: dict[str, Any]) -> dict[str, int | None]:
    known = asdict(Quotas())
    for name, value in changes.items():
        if name not in known:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no quota '{name}'.")
        is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_QUOTA
        if value is not None and not is_number:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"{name} is a whole number from 0 to {MAX_QUOTA}, or none.")
    return changes


def _app(row: Any) -> App:
    quotas = Quotas(**{name: getattr(row, name) for name in asdict(Quotas())})
    return App(row.id, row.name, row.created_at, row.disabled_at, quotas)
