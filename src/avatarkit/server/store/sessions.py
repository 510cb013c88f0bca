"""Metered sessions: who may open one, and the seconds that each is charged.

This is the table; a server works with it through :class:`avatarkit.server.store.meter.SessionMeter`.

An open session is charged from its confirmation until it is closed. Nothing is written for it in between: its
server says twice a second that it lives (``servers.seen_at_ms``), and a session is charged up to the moment when
its server was last seen. So a server that is killed loses nothing that is older than its last beat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from avatarkit.server.store.metering import Beat, EndReason, Refusal, SessionGrant, SessionRequest
from avatarkit.server.store.schema import api_keys, apps, revoked_tokens, servers, sessions, used_tokens
from avatarkit.server.store.writing import insert_new, writing

BEAT_MS: Final = 500
"""How often a server with open sessions says that it lives: what a kill can lose of the count, or add to it."""
STALE_MS: Final = 10_000
"""A server that was not seen for that long is dead: its sessions hold no place any more."""


class Sessions:
    """The tables ``sessions`` and ``servers``. Times are Unix milliseconds."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def open(
        self, request: SessionRequest, *, server_id: str, host: str, now_ms: int, max_sessions: int
    ) -> SessionGrant | Refusal:
        """Reserve a place, using up a single-use token; atomic over all servers on this store.

        Args:
            request: What wants to open.
            server_id: The server that will hold it.
            host: Where that runs, for people.
            now_ms: The time.
            max_sessions: Most open sessions of an app that has no limit of its own.
        """
        async with writing(self._engine) as connection:
            await _see(connection, server_id, host, now_ms)
            # The app's row is the lock of everything that is counted for the app.
            app = (
                await connection.execute(select(apps).where(apps.c.id == request.app_id).with_for_update())
            ).first()
            if app is None or app.disabled_at is not None:
                return Refusal.APP_UNKNOWN
            if request.token_issued_at_ms < app.tokens_from_ms or await _is_revoked(connection, request):
                return Refusal.TOKEN_REVOKED
            if await _used_ms(connection, app, now_ms) >= _limit_ms(app):
                return Refusal.CREDITS_EXHAUSTED
            most = max_sessions if app.max_sessions is None else min(app.max_sessions, max_sessions)
            if await _open_count(connection, request.app_id, now_ms) >= most:
                return Refusal.CONCURRENCY_LIMIT
            if request.single_use and not await insert_new(
                connection, used_tokens, id=request.token_id, expires_at=request.token_expires_at
            ):
                return Refusal.TOKEN_USED
            await connection.execute(insert(sessions).values(**_row(request, server_id, now_ms)))
        limits = [limit for limit in (app.max_session_s, request.max_seconds) if limit is not None]
        return SessionGrant(min(limits, default=None))

    async def confirm(self, session_id: str, *, now_ms: int) -> None:
        """The session is charged from now on."""
        query = (
            update(sessions)
            .where(sessions.c.id == session_id, sessions.c.confirmed_at_ms.is_(None))
            .values(confirmed_at_ms=now_ms)
        )
        async with writing(self._engine) as connection:
            await connection.execute(query)

    async def close(self, session_id: str, *, reason: str, now_ms: int) -> int:
        """Give the place back and charge the app; milliseconds charged, 0 for one that was not open."""
        async with writing(self._engine) as connection:
            query = select(sessions).where(sessions.c.id == session_id, sessions.c.ended_at_ms.is_(None))
            rows = (await connection.execute(query)).all()
            return await _settle(connection, rows, reason, now_ms)

    async def close_many(self, reasons: Mapping[str, str], *, now_ms: int) -> None:
        """:meth:`close` for many sessions, by id with the reason of each, in one transaction."""
        async with writing(self._engine) as connection:
            query = select(sessions).where(sessions.c.id.in_(list(reasons)), sessions.c.ended_at_ms.is_(None))
            rows = (await connection.execute(query)).all()
            for reason in sorted(set(reasons.values())):
                await _settle(connection, [row for row in rows if reasons[row.id] == reason], reason, now_ms)

    async def beat(self, server_id: str, *, app_ids: Iterable[str], now_ms: int) -> Beat:
        """A server says that it lives; ``app_ids`` are those that it holds sessions of."""
        async with writing(self._engine) as connection:
            seen = update(servers).where(servers.c.id == server_id).values(seen_at_ms=now_ms)
            if (await connection.execute(seen)).rowcount == 0:
                return Beat(True, {})
            ending: dict[str, EndReason] = {}
            for app_id, reason in (await _ending_apps(connection, app_ids, now_ms)).items():
                query = select(sessions.c.id).where(_held_by(server_id), sessions.c.app_id == app_id)
                ending |= dict.fromkeys(await connection.scalars(query), reason)
            asked = select(sessions.c.id, sessions.c.end_asked).where(
                _held_by(server_id), sessions.c.end_asked.is_not(None)
            )
            ending |= {row.id: EndReason(row.end_asked) for row in await connection.execute(asked)}
        return Beat(False, ending)

    async def forget_dead_servers(self, *, now_ms: int, asker: str = "") -> int:
        """Close the sessions of servers that were not seen for :data:`STALE_MS`, charged up to their last beat;
        how many sessions that were. ``asker`` is the server that asks: it lives, however late its beat is."""
        count = 0
        async with writing(self._engine) as connection:
            is_dead = and_(servers.c.seen_at_ms < now_ms - STALE_MS, servers.c.id != asker)
            dead = select(servers).where(is_dead).with_for_update()
            for server in (await connection.execute(dead)).all():
                rows = (await connection.execute(select(sessions).where(_held_by(server.id)))).all()
                await _settle(connection, rows, "server lost", server.seen_at_ms)
                count += len(rows)
                await connection.execute(delete(servers).where(servers.c.id == server.id))
        return count

    async def leave(self, server_id: str, *, now_ms: int) -> None:
        """A server stops: what it still holds is closed."""
        async with writing(self._engine) as connection:
            rows = (await connection.execute(select(sessions).where(_held_by(server_id)))).all()
            await _settle(connection, rows, "server stopped", now_ms)
            await connection.execute(delete(servers).where(servers.c.id == server_id))

    async def forget_old(self, *, now_ms: int, keep_ms: int) -> None:
        """Drop the records of sessions that ended more than ``keep_ms`` ago, and of tokens that have expired."""
        async with writing(self._engine) as connection:
            await connection.execute(delete(sessions).where(sessions.c.ended_at_ms < now_ms - keep_ms))
            for table in (used_tokens, revoked_tokens):
                await connection.execute(delete(table).where(table.c.expires_at < now_ms // 1000))


async def credit_used_ms(connection: AsyncConnection, app_id: str, now_ms: int) -> int:
    """What an app was charged so far, its open sessions included."""
    app = (await connection.execute(select(apps).where(apps.c.id == app_id))).one()
    return await _used_ms(connection, app, now_ms)


def _row(request: SessionRequest, server_id: str, now_ms: int) -> dict[str, Any]:
    return {
        "id": request.session_id,
        "app_id": request.app_id,
        "server_id": server_id,
        "avatar_id": request.avatar_id,
        "token_id": request.token_id,
        "opened_at_ms": now_ms,
    }


def _held_by(server_id: str) -> ColumnElement[bool]:
    return and_(sessions.c.server_id == server_id, sessions.c.ended_at_ms.is_(None))


def _limit_ms(app: Any) -> float:
    return float("inf") if app.credit_limit_s is None else app.credit_limit_s * 1000


async def _is_revoked(connection: AsyncConnection, request: SessionRequest) -> bool:
    token = select(revoked_tokens.c.id).where(revoked_tokens.c.id == request.token_id)
    if await connection.scalar(token) is not None:
        return True
    if not request.key_prefix:
        return False
    key = select(api_keys.c.prefix).where(
        api_keys.c.prefix == request.key_prefix, api_keys.c.app_id == request.app_id, api_keys.c.revoked_at.is_(None)
    )
    return await connection.scalar(key) is None


async def _open_count(connection: AsyncConnection, app_id: str, now_ms: int) -> int:
    query = (
        select(func.count())
        .select_from(sessions.join(servers, servers.c.id == sessions.c.server_id))
        .where(
            sessions.c.app_id == app_id,
            sessions.c.ended_at_ms.is_(None),
            servers.c.seen_at_ms >= now_ms - STALE_MS,
        )
    )
    return int(await connection.scalar(query) or 0)


async def _used_ms(connection: AsyncConnection, app: Any, now_ms: int) -> int:
    # A server that lives is charged up to now, a dead one up to when it was last seen. Which of them one is that was
    # just seen cannot be known: it is charged up to its next beat, and so never for a second that it did not live.
    until = case((servers.c.seen_at_ms >= now_ms - BEAT_MS, now_ms), else_=servers.c.seen_at_ms + BEAT_MS)
    until = case((servers.c.seen_at_ms >= now_ms - STALE_MS, until), else_=servers.c.seen_at_ms)
    running = case((until > sessions.c.confirmed_at_ms, until - sessions.c.confirmed_at_ms), else_=0)
    query = (
        select(func.sum(running))
        .select_from(sessions.join(servers, servers.c.id == sessions.c.server_id))
        .where(sessions.c.app_id == app.id, sessions.c.ended_at_ms.is_(None), sessions.c.confirmed_at_ms.is_not(None))
    )
    return int(app.credit_used_ms) + int(await connection.scalar(query) or 0)


async def _ending_apps(connection: AsyncConnection, app_ids: Iterable[str], now_ms: int) -> dict[str, EndReason]:
    watched = or_(apps.c.disabled_at.is_not(None), apps.c.credit_limit_s.is_not(None))
    rows = (await connection.execute(select(apps).where(apps.c.id.in_(list(app_ids)), watched))).all()
    ending = {}
    for app in rows:
        if app.disabled_at is not None:
            ending[app.id] = EndReason.APP_DISABLED
        elif await _used_ms(connection, app, now_ms) >= _limit_ms(app):
            ending[app.id] = EndReason.CREDITS_EXHAUSTED
    return ending


async def _see(connection: AsyncConnection, server_id: str, host: str, now_ms: int) -> None:
    seen = update(servers).where(servers.c.id == server_id).values(seen_at_ms=now_ms)
    if (await connection.execute(seen)).rowcount == 0:
        await insert_new(connection, servers, id=server_id, host=host[:128], started_at_ms=now_ms, seen_at_ms=now_ms)


async def _settle(connection: AsyncConnection, rows: Sequence[Any], reason: str, now_ms: int) -> int:
    """Close sessions and charge their apps; milliseconds charged. Locks go from server to app to session, always."""
    for app_id in sorted({row.app_id for row in rows}):
        await connection.execute(select(apps.c.id).where(apps.c.id == app_id).with_for_update())
    total_ms = 0
    for row in rows:
        charged_ms = 0 if row.confirmed_at_ms is None else max(0, now_ms - row.confirmed_at_ms)
        ended = (
            update(sessions)
            .where(sessions.c.id == row.id, sessions.c.ended_at_ms.is_(None))
            .values(ended_at_ms=max(now_ms, row.opened_at_ms), charged_ms=charged_ms, end_reason=reason[:64])
        )
        if (await connection.execute(ended)).rowcount:
            more = {"credit_used_ms": apps.c.credit_used_ms + charged_ms}
            await connection.execute(update(apps).where(apps.c.id == row.app_id).values(**more))
            total_ms += charged_ms
    return total_ms
