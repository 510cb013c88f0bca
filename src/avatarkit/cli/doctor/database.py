"""The database: there, whole, of a schema that this release knows. Nothing is changed, not even migrated."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from avatarkit.cli.doctor.finding import Finding, failed, ok
from avatarkit.server.settings import Settings
from avatarkit.server.store.database import DATABASE_NAME
from avatarkit.server.store.migrate import current_version
from avatarkit.server.store.schema import SCHEMA_VERSION

_TIMEOUT_S: Final = 10.0


def check_database(settings: Settings) -> Iterator[Finding]:
    """Look at the database that the settings name."""
    yield _postgresql(settings.database_url) if settings.database_url else _sqlite(settings.data / DATABASE_NAME)


def _sqlite(path: Path) -> Finding:
    if not path.exists():
        return ok("Database", "SQLite, none yet; the first start makes it")
    engine = create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    try:
        with engine.connect() as connection:
            version = current_version(connection)
            damage = connection.execute(text("PRAGMA quick_check(1)")).scalar()
    except SQLAlchemyError as exc:
        return failed("Database", f"{path} cannot be read: {_cause(exc)}", "Restore it from a backup.")
    finally:
        engine.dispose()
    if damage != "ok":
        return failed("Database", f"{path} is damaged: {damage}", "Restore it from a backup.")
    return _of_schema("SQLite, undamaged", version)


def _postgresql(url: str) -> Finding:
    todo = "Is it running, and are user, password and database name right?"
    try:
        version = asyncio.run(_postgresql_version(url))
    except ModuleNotFoundError as exc:
        return failed("Database", f"PostgreSQL needs '{exc.name}'", "pip install 'pyavatarkit[postgres]'")
    except TimeoutError:
        return failed("Database", f"PostgreSQL does not answer within {_TIMEOUT_S:g} s", todo)
    except (OSError, SQLAlchemyError) as exc:
        return failed("Database", f"PostgreSQL cannot be used: {_cause(exc)}", todo)
    return _of_schema("PostgreSQL", version)


async def _postgresql_version(url: str) -> str | None:
    engine = create_async_engine(make_url(url).set(drivername="postgresql+asyncpg"))
    try:
        async with asyncio.timeout(_TIMEOUT_S), engine.connect() as connection:
            return await connection.run_sync(current_version)
    finally:
        await engine.dispose()


def _of_schema(kind: str, version: str | None) -> Finding:
    if version is not None and version > SCHEMA_VERSION:
        todo = "Upgrade pyavatarkit, or name another database."
        return failed("Database", f"{kind}, its schema {version} is newer than {SCHEMA_VERSION}", todo)
    if version != SCHEMA_VERSION:
        return ok("Database", f"{kind}, schema {version or 'none'}; the next start brings it to {SCHEMA_VERSION}")
    return ok("Database", f"{kind}, schema {SCHEMA_VERSION}")


def _cause(exc: Exception) -> str:
    """The first line of what the driver said; it never quotes the password."""
    return "".join(str(getattr(exc, "orig", None) or exc).splitlines()[:1])
