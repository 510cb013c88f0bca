"""Avatars in the library: their versions and who sees them; the bundles lie in the asset storage."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.server.store.records import AvatarRecord, AvatarState, Visibility
from avatarkit.server.store.schema import apps, avatar_grants, avatar_versions, avatars
from avatarkit.server.store.writing import insert_new, writing
from avatarkit.types import Camera

_SHOWN: Final = ("id", "name", "version", "owner", "state", "visibility", "created_at", "updated_at", "visitor")
_CONTENT: Final = ("sha256", "size", "minimum_sdk", "license", "author", "camera")


class Avatars:
    """The tables ``avatars``, ``avatar_versions`` and ``avatar_grants``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def put(self, record: AvatarRecord) -> AvatarRecord:
        """Add an avatar, or a version of the one of that id: the shown version's content changes nothing but
        name and terms, other content becomes the next version and is shown.

        Owner, state and visibility are taken over for a new avatar only.
        """
        async with writing(self._engine) as connection:
            row = {name: getattr(record, name) for name in _SHOWN} | {"version": 1}
            # Of several servers that add the same, as on a first start, one inserts and the others wait for it.
            if await insert_new(connection, avatars, **row):
                await _add_version(connection, record, 1)
            else:
                query = select(avatars.c.version).where(avatars.c.id == record.id).with_for_update()
                await _replace(connection, record, (await connection.execute(query)).scalar_one())
            return await _get(connection, record.id)

    async def get(self, avatar_id: str) -> AvatarRecord | None:
        """One avatar as it is shown, or ``None``."""
        if not avatar_id.isprintable():  # PostgreSQL refuses NUL
            return None
        async with self._engine.connect() as connection:
            return await _find(connection, avatars.c.id == avatar_id)

    async def visible(self, avatar_id: str, app_id: str) -> AvatarRecord | None:
        """One avatar, if the app may use it: published and for everyone or granted to it, or its own draft."""
        if not (avatar_id.isprintable() and app_id.isprintable()):
            return None
        async with self._engine.connect() as connection:
            return await _find(connection, and_(avatars.c.id == avatar_id, _may_see(app_id)))

    async def list(self) -> list[AvatarRecord]:
        """All avatars, by id."""
        return [*await self._list(_shown())]

    async def list_visible(self, app_id: str) -> Sequence[AvatarRecord]:
        """The avatars that an app may use, by id; not those of visitors."""
        return await self._list(_shown().where(_is_listed(app_id)))

    async def page_visible(self, app_id: str, *, after: str, count: int) -> tuple[Sequence[AvatarRecord], int]:
        """``count`` avatars of :meth:`list_visible` after an id (``""`` is the first), and how many it has in all."""
        query = _shown().where(_is_listed(app_id), avatars.c.id > after).limit(count)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(avatars).where(_is_listed(app_id)))
            return [_record(row) for row in await connection.execute(query)], int(total or 0)

    async def of_visitor(self, visitor: str) -> Sequence[AvatarRecord]:
        """The avatars of a visitor of the page, by id."""
        return await self._list(_shown().where(avatars.c.visitor == visitor))

    async def visitors_before(self, created_before: int) -> Sequence[AvatarRecord]:
        """The avatars of all visitors that were made before a time (Unix seconds)."""
        return await self._list(_shown().where(avatars.c.visitor.is_not(None), avatars.c.created_at < created_before))

    async def versions(self, avatar_id: str) -> Sequence[AvatarRecord]:
        """Every version of an avatar, newest first; empty when there is no such avatar."""
        query = (
            _joined(avatars.c.id == avatar_versions.c.avatar_id)
            .where(avatars.c.id == avatar_id)
            .order_by(avatar_versions.c.version.desc())
        )
        return await self._list(query)

    async def show_version(self, avatar_id: str, version: int, *, now: int) -> AvatarRecord:
        """Show another version from now on. Raises ``AvatarError`` (``avatarIDUnrecognized``)."""
        async with writing(self._engine) as connection:
            there = select(avatar_versions.c.version).where(
                avatar_versions.c.avatar_id == avatar_id, avatar_versions.c.version == version
            )
            if await connection.scalar(there) is None:
                raise _no_avatar(f"{avatar_id} version {version}")
            await _change(connection, avatar_id, version=version, updated_at=now)
            return await _get(connection, avatar_id)

    async def set_state(self, avatar_id: str, state: AvatarState, *, now: int) -> AvatarRecord:
        """Publish, withdraw, or make a draft again. Raises ``AvatarError`` (``avatarIDUnrecognized``)."""
        return await self._set(avatar_id, state=state.value, updated_at=now)

    async def set_visibility(self, avatar_id: str, visibility: Visibility, *, now: int) -> AvatarRecord:
        """For everyone, or for those it is granted to. Raises ``AvatarError`` (``avatarIDUnrecognized``)."""
        return await self._set(avatar_id, visibility=visibility.value, updated_at=now)

    async def grant(self, avatar_id: str, app_id: str) -> None:
        """Let an app use the avatar. Raises ``AvatarError`` when one of them does not exist. Idempotent."""
        async with writing(self._engine) as connection:
            await _get(connection, avatar_id)
            if await connection.scalar(select(apps.c.id).where(apps.c.id == app_id)) is None:
                raise error(ErrorCode.APP_ID_UNRECOGNIZED, f"There is no app '{app_id}'.", hint="")
            await insert_new(connection, avatar_grants, avatar_id=avatar_id, app_id=app_id)

    async def revoke_grant(self, avatar_id: str, app_id: str) -> bool:
        """Take a grant back; whether there was one."""
        query = delete(avatar_grants).where(avatar_grants.c.avatar_id == avatar_id, avatar_grants.c.app_id == app_id)
        async with writing(self._engine) as connection:
            return (await connection.execute(query)).rowcount == 1

    async def grants(self, avatar_id: str) -> Sequence[str]:
        """App IDs that the avatar is granted to."""
        query = select(avatar_grants.c.app_id).where(avatar_grants.c.avatar_id == avatar_id)
        async with self._engine.connect() as connection:
            return sorted(await connection.scalars(query))

    async def delete(self, avatar_id: str) -> Sequence[str]:
        """Remove an avatar with all versions; hashes of the bundles that no other avatar uses.

        Raises ``AvatarError`` (``avatarIDUnrecognized``).
        """
        async with writing(self._engine) as connection:
            await _get(connection, avatar_id)
            mine = avatar_versions.c.avatar_id == avatar_id
            hashes = set(await connection.scalars(select(avatar_versions.c.sha256).where(mine)))
            for table in (avatar_grants, avatar_versions):
                await connection.execute(delete(table).where(table.c.avatar_id == avatar_id))
            await connection.execute(delete(avatars).where(avatars.c.id == avatar_id))
            return [sha256 for sha256 in sorted(hashes) if not await _is_used(connection, sha256)]

    async def _set(self, avatar_id: str, **values: object) -> AvatarRecord:
        async with writing(self._engine) as connection:
            await _change(connection, avatar_id, **values)
            return await _get(connection, avatar_id)

    async def _list(self, query: Select[Any]) -> Sequence[AvatarRecord]:
        async with self._engine.connect() as connection:
            return [_record(row) for row in await connection.execute(query)]


def _joined(condition: ColumnElement[bool]) -> Select[Any]:
    shown = [avatars.c[name] for name in _SHOWN if name != "version"]
    content = [avatar_versions.c[name] for name in ("version", *_CONTENT)]
    return select(*shown, *content).select_from(avatars.join(avatar_versions, condition))


def _shown() -> Select[Any]:
    return _joined(
        and_(avatars.c.id == avatar_versions.c.avatar_id, avatars.c.version == avatar_versions.c.version)
    ).order_by(avatars.c.id)


def _may_see(app_id: str) -> ColumnElement[bool]:
    granted = exists().where(avatar_grants.c.avatar_id == avatars.c.id, avatar_grants.c.app_id == app_id)
    published = and_(
        avatars.c.state == AvatarState.PUBLISHED.value,
        or_(avatars.c.visibility == Visibility.EVERYONE.value, granted),
    )
    own = and_(avatars.c.owner == app_id, avatars.c.state != AvatarState.WITHDRAWN.value)
    return or_(published, own)


def _is_listed(app_id: str) -> ColumnElement[bool]:
    return and_(_may_see(app_id), avatars.c.visitor.is_(None))


async def _find(connection: AsyncConnection, condition: ColumnElement[bool]) -> AvatarRecord | None:
    row = (await connection.execute(_shown().where(condition))).first()
    return None if row is None else _record(row)


async def _get(connection: AsyncConnection, avatar_id: str) -> AvatarRecord:
    record = await _find(connection, avatars.c.id == avatar_id)
    if record is None:
        raise _no_avatar(avatar_id)
    return record


async def _change(connection: AsyncConnection, avatar_id: str, **values: object) -> None:
    query = update(avatars).where(avatars.c.id == avatar_id).values(**values)
    if (await connection.execute(query)).rowcount == 0:
        raise _no_avatar(avatar_id)


async def _add_version(connection: AsyncConnection, record: AvatarRecord, version: int) -> None:
    row = {name: getattr(record, name) for name in _CONTENT} | {"camera": json.dumps(asdict(record.camera))}
    more = {"avatar_id": record.id, "version": version, "created_at": record.updated_at}
    await connection.execute(insert(avatar_versions).values(**row, **more))


async def _replace(connection: AsyncConnection, record: AvatarRecord, shown: int) -> None:
    mine = avatar_versions.c.avatar_id == record.id
    current = (
        await connection.execute(select(avatar_versions).where(mine, avatar_versions.c.version == shown))
    ).one()
    version = shown
    if current.sha256 == record.sha256:
        terms = {name: getattr(record, name) for name in ("minimum_sdk", "license", "author")}
        query = update(avatar_versions).where(mine, avatar_versions.c.version == shown).values(**terms)
        await connection.execute(query)
    else:
        version = int(await connection.scalar(select(func.max(avatar_versions.c.version)).where(mine)) or 0) + 1
        await _add_version(connection, record, version)
    await _change(connection, record.id, name=record.name, version=version, updated_at=record.updated_at)


async def _is_used(connection: AsyncConnection, sha256: str) -> bool:
    query = select(avatar_versions.c.version).where(avatar_versions.c.sha256 == sha256).limit(1)
    return await connection.scalar(query) is not None


def _record(row: Any) -> AvatarRecord:
    values = dict(row._mapping)
    camera = json.loads(values["camera"])
    return AvatarRecord(
        **values
        | {
            "camera": Camera(tuple(camera["position"]), tuple(camera["target"]), camera["vertical_fov_deg"]),
            "state": AvatarState(values["state"]),
            "visibility": Visibility(values["visibility"]),
        }
    )


def _no_avatar(avatar_id: str) -> AvatarError:
    return error(ErrorCode.AVATAR_ID_UNRECOGNIZED, f"There is no avatar '{avatar_id}'.", hint="")
