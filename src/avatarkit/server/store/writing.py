"""Writing to either database so that what was read stays true until it is written."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

_WRITES: Final = "avatarkit_writes"
_turns: Final[WeakKeyDictionary[Engine, asyncio.Lock]] = WeakKeyDictionary()


@contextlib.asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """A transaction that may write; it commits when the block ends without an exception.

    On SQLite it takes the database's one write lock at its beginning, so that two processes cannot both read and
    then both write; writers of one process wait for their turn without holding a connection, so that readers always
    find one. On PostgreSQL lock the rows that a decision rests on (``SELECT ... FOR UPDATE``).
    """
    turn = _turn(engine) if engine.dialect.name == "sqlite" else contextlib.nullcontext()
    async with turn, engine.execution_options(**{_WRITES: True}).begin() as connection:
        yield connection


def _turn(engine: AsyncEngine) -> asyncio.Lock:
    return _turns.setdefault(engine.sync_engine, asyncio.Lock())


def begin_as_asked(connection: Connection) -> None:
    """Listener for SQLite's ``begin``: the driver itself begins nothing (see ``database.py``)."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")


def listen_to_begin(engine: AsyncEngine) -> None:
    """Have transactions on SQLite begin as :func:`writing` asks."""
    event.listen(engine.sync_engine, "begin", begin_as_asked)


async def insert_new(connection: AsyncConnection, table: Table, **row: Any) -> bool:
    """Insert a row unless its primary key is taken; whether it was inserted."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    query = dialect.insert(table).values(**row).on_conflict_do_nothing()
    return (await connection.execute(query)).rowcount == 1
