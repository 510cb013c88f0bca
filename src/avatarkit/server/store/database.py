"""Opening the store."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from avatarkit.errors import AvatarError, ErrorCode, error, missing_dependency
from avatarkit.server.store.apps import Apps
from avatarkit.server.store.audit import Audit
from avatarkit.server.store.avatars import Avatars
from avatarkit.server.store.jobs import Jobs
from avatarkit.server.store.keys import Keys
from avatarkit.server.store.migrate import migrate
from avatarkit.server.store.secrets import Secrets
from avatarkit.server.store.session_log import SessionLog
from avatarkit.server.store.sessions import Sessions
from avatarkit.server.store.signing_keys import SigningKeys
from avatarkit.server.store.tokens import Tokens
from avatarkit.server.store.writing import listen_to_begin, writing

DATABASE_NAME: Final = "avatarkit.db"
_PRAGMAS: Final = (
    "busy_timeout = 5000",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # people's pictures are among what is deleted
)
_POOL: Final = 8
_MIGRATION_LOCK: Final = 0x41764B69
"""PostgreSQL advisory lock: of several servers that start at once, one migrates."""


class Store:
    """An open store. Several processes may hold the same one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.apps = Apps(engine)
        self.keys = Keys(engine)
        self.signing_keys = SigningKeys(engine)
        self.tokens = Tokens(engine)
        self.sessions = Sessions(engine)
        self.session_log = SessionLog(engine)
        self.avatars = Avatars(engine)
        self.jobs = Jobs(engine)
        self.audit = Audit(engine)
        self.secrets = Secrets(engine)

    @classmethod
    async def open(cls, data: Path, url: str = "") -> Store:
        """Open the database, making and migrating it as needed.

        Args:
            data: The server's folder, which holds the SQLite database when ``url`` is empty; made when missing, for
                its owner only.
            url: ``postgresql://user:password@host/database`` for PostgreSQL.

        Raises:
            AvatarError: ``configurationInvalid`` when the URL cannot be used, the database does not answer, or it
                is newer than this release.
            OSError: The folder cannot be made or written.
        """
        engine = _open_engine(data, url)
        try:
            async with writing(engine) as connection:
                await connection.run_sync(_migrate_alone)
        except BaseException as exc:
            await engine.dispose()
            if url and not isinstance(exc, AvatarError) and isinstance(exc, OSError | SQLAlchemyError):
                raise _unreachable(url, exc) from exc
            raise
        if url:
            _tell_outages(engine)
        return cls(engine)

    async def close(self) -> None:
        """Let go of every connection. Idempotent."""
        await self._engine.dispose()


def _open_engine(data: Path, url: str) -> AsyncEngine:
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _open_postgresql(url) if url else _open_sqlite(data)


def _open_sqlite(data: Path) -> AsyncEngine:
    path = data / DATABASE_NAME
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    listen_to_begin(engine)
    return engine


def _open_postgresql(url: str) -> AsyncEngine:
    try:
        parts = make_url(url)
    except ArgumentError:
        raise _no_url() from None
    if parts.drivername not in ("postgresql", "postgres", "postgresql+asyncpg"):
        raise _no_url()
    try:
        return create_async_engine(
            parts.set(drivername="postgresql+asyncpg"), pool_size=_POOL, max_overflow=0, pool_pre_ping=True
        )
    except ModuleNotFoundError as exc:
        raise missing_dependency(exc.name or "asyncpg", "postgres") from None


def _tell_outages(engine: AsyncEngine) -> None:
    """Have a database that was there and answers no more be known by its own error (``serverError``), which is
    answered with 503 and is one line in the log."""

    def connect(dialect: Any, _record: Any, arguments: Any, named: Any) -> Any:
        try:
            return dialect.connect(*arguments, **named)
        except (OSError, dialect.loaded_dbapi.Error) as exc:
            raise error(ErrorCode.SERVER_ERROR, "The database does not answer.", hint="Try again soon.") from exc

    event.listen(engine.sync_engine, "do_connect", connect)


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions of its own; see writing.py
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _migrate_alone(connection: Connection) -> bool:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATION_LOCK})
    return migrate(connection)


def _no_url() -> AvatarError:
    return error(
        ErrorCode.CONFIGURATION_INVALID,
        "The database URL must be like postgresql://user:password@host/database.",
        hint="Leave it out for SQLite in the data folder.",
    )


def _unreachable(url: str, exc: Exception) -> AvatarError:
    parts = make_url(url)
    reason = str(getattr(exc, "orig", None) or exc).splitlines()[0:1]
    return error(
        ErrorCode.CONFIGURATION_INVALID,
        f"The database {parts.database or ''} on {parts.host or 'this machine'} cannot be used: {''.join(reason)}",
        hint="Is it running, and are user, password and database name right?",
    )
