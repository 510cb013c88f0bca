"""The making of avatars: each creation is a job, whether it is built later or was uploaded whole."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from sqlalchemy import Update, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from avatarkit.server.store.apps import no_app
from avatarkit.server.store.records import Job, JobStatus
from avatarkit.server.store.schema import apps, avatars, jobs
from avatarkit.server.store.writing import writing

WINDOWS: Final = ((60, 20), (3600, 200), (24 * 3600, 2000))
"""Most creations of one app: in so many seconds, so many."""
MAX_RUNNING: Final = 10
"""Most unfinished jobs of one app."""
MAX_ATTEMPTS: Final = 2
"""A job whose server died is begun anew that often in all, then it is failed: it may be what killed the server."""
_SHOWN: Final = tuple(column for column in jobs.c if column.name != "picture")
"""Pictures are megabytes, so they are read alone."""
_UNFINISHED: Final = (JobStatus.QUEUED.value, JobStatus.PROCESSING.value)


class CreationRefusal(Enum):
    """Why an app may make no further avatar now."""

    QUOTA = "quota"
    RATE = "rate"
    CONCURRENCY = "concurrency"
    VISITOR = "visitor"
    """The visitor has as many as one may have."""
    PLACES = "places"
    """All visitors together have as many as they may have."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor of the page, on whose behalf an avatar is made."""

    id: str
    """As in ``AvatarRecord.visitor``."""
    most: int
    """Avatars that one visitor may have, those that are being made included."""
    most_in_all: int
    """Avatars that all visitors may have together, likewise."""


class Jobs:
    """The ``jobs`` table, and ``apps.creations``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self,
        app_id: str,
        name: str,
        *,
        now: int,
        spec: str | None = None,
        picture: bytes | None = None,
        visitor: Visitor | None = None,
    ) -> Job | CreationRefusal:
        """Count a creation and make its job, queued. Atomic over all servers on this store. Spec and picture are kept
        until the job ends.

        Raises ``AvatarError`` (``appIDUnrecognized``).
        """
        job_id = f"job_{secrets.token_hex(8)}"
        async with writing(self._engine) as connection:
            refusal = await _refusal(connection, app_id, now)
            if refusal is None and visitor is not None:
                refusal = await _refusal_of(connection, visitor)
            if refusal is not None:
                return refusal
            values = {"spec": spec, "picture": picture, "created_at": now, "updated_at": now}
            if visitor is not None:
                values["visitor"] = visitor.id
            row = insert(jobs).values(id=job_id, app_id=app_id, name=name, status=JobStatus.QUEUED.value, **values)
            await connection.execute(row)
            more = {"creations": apps.c.creations + 1}
            await connection.execute(update(apps).where(apps.c.id == app_id).values(**more))
            return _job((await connection.execute(select(*_SHOWN).where(jobs.c.id == job_id))).one())

    async def take(self, *, now: int) -> Job | None:
        """The oldest queued job, taken for processing; ``None`` when there is none. No two servers take the same."""
        oldest = (
            select(jobs.c.id)
            .where(jobs.c.status == JobStatus.QUEUED.value, jobs.c.spec.is_not(None))
            .order_by(jobs.c.created_at, jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        async with writing(self._engine) as connection:
            job_id = await connection.scalar(oldest)
            if job_id is None:
                return None
            taken = {"status": JobStatus.PROCESSING.value, "attempts": jobs.c.attempts + 1, "updated_at": now}
            taken |= {"percent": 0, "stage": ""}
            await connection.execute(update(jobs).where(jobs.c.id == job_id).values(**taken))
            return _job((await connection.execute(select(*_SHOWN).where(jobs.c.id == job_id))).one())

    async def picture(self, job_id: str) -> bytes | None:
        """The picture of an unfinished job."""
        async with self._engine.connect() as connection:
            found = await connection.scalar(select(jobs.c.picture).where(jobs.c.id == job_id))
        return None if found is None else bytes(found)

    async def touch(
        self, job_id: str, attempt: int, *, now: int, percent: int | None = None, stage: str = ""
    ) -> bool:
        """The job is being worked on, and so far, if that is told. Whether it still is this attempt's: another server
        may have held its server for dead and begun it anew."""
        far = {} if percent is None else {"percent": percent, "stage": stage[:64]}
        async with writing(self._engine) as connection:
            touched = await connection.execute(_under_way(job_id, attempt).values(updated_at=now, **far))
            return bool(touched.rowcount)

    async def put_back(self, job_id: str, attempt: int, *, now: int) -> None:
        """Queue a job again whose server is being stopped; that is no attempt."""
        back = {"status": JobStatus.QUEUED.value, "attempts": jobs.c.attempts - 1, "updated_at": now}
        async with writing(self._engine) as connection:
            await connection.execute(_under_way(job_id, attempt).values(**back))

    async def has_unfinished(self) -> bool:
        """Whether any app has a job that is queued or being processed."""
        query = select(jobs.c.id).where(jobs.c.status.in_(_UNFINISHED)).limit(1)
        async with self._engine.connect() as connection:
            return await connection.scalar(query) is not None

    async def succeed(self, job_id: str, avatar_id: str, *, now: int, attempt: int | None = None) -> bool:
        """The avatar is made; whether that is news: not when the job has ended, or is not this attempt's any more."""
        return await self._finish(job_id, attempt, now, status=JobStatus.SUCCEEDED.value, avatar_id=avatar_id)

    async def fail(
        self, job_id: str, code: str, message: str, *, retryable: bool, now: int, attempt: int | None = None
    ) -> None:
        """It is not; the creation is given back to the app's quota. Nothing when that is no news."""
        values = {"error_code": code, "error_message": message[:500], "error_retryable": int(retryable)}
        await self._finish(job_id, attempt, now, gives_back=True, status=JobStatus.FAILED.value, **values)

    async def give_up_stale(self, *, now: int, after_s: int, upload_after_s: int) -> int:
        """Deal with jobs that nobody has worked on for ``after_s`` seconds, as when their server died: queue them
        again, or fail them when they were begun :data:`MAX_ATTEMPTS` times. Uploads that did not end within
        ``upload_after_s`` are failed. How many were failed."""
        is_left = (jobs.c.status == JobStatus.PROCESSING.value) & (jobs.c.updated_at < now - after_s)
        is_upload = (jobs.c.status == JobStatus.QUEUED.value) & jobs.c.spec.is_(None)
        has_failed = is_left & (jobs.c.attempts >= MAX_ATTEMPTS)
        has_failed |= is_upload & (jobs.c.updated_at < now - upload_after_s)
        again = update(jobs).where(is_left, jobs.c.attempts < MAX_ATTEMPTS)
        async with writing(self._engine) as connection:
            await connection.execute(again.values(status=JobStatus.QUEUED.value, updated_at=now))
            stale = list(await connection.scalars(select(jobs.c.id).where(has_failed)))
        for job_id in stale:
            await self.fail(job_id, "internal_error", "The server stopped meanwhile.", retryable=True, now=now)
        return len(stale)

    async def get(self, job_id: str, app_id: str) -> Job | None:
        """One job of an app."""
        query = select(*_SHOWN).where(jobs.c.id == job_id, jobs.c.app_id == app_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _job(row)

    async def page(
        self, app_id: str, *, statuses: Sequence[JobStatus], after: str, count: int
    ) -> tuple[list[Job], int]:
        """``count`` jobs of an app after an id, by id, and how many there are in all; no status means every one.
        Those of visitors are not among them."""
        mine = [jobs.c.app_id == app_id, jobs.c.visitor.is_(None)]
        if statuses:
            mine.append(jobs.c.status.in_([status.value for status in statuses]))
        query = select(*_SHOWN).where(*mine, jobs.c.id > after).order_by(jobs.c.id).limit(count)
        async with self._engine.connect() as connection:
            total = await connection.scalar(select(func.count()).select_from(jobs).where(*mine))
            return [_job(row) for row in await connection.execute(query)], int(total or 0)

    async def of_visitor(self, visitor: str) -> list[Job]:
        """The unfinished jobs of a visitor of the page, oldest first."""
        mine = (jobs.c.visitor == visitor, jobs.c.status.in_(_UNFINISHED))
        query = select(*_SHOWN).where(*mine).order_by(jobs.c.created_at, jobs.c.id)
        async with self._engine.connect() as connection:
            return [_job(row) for row in await connection.execute(query)]

    async def ahead(self, job: Job) -> int:
        """How many jobs are taken or done before a queued one."""
        older = tuple_(jobs.c.created_at, jobs.c.id) < tuple_(job.created_at, job.id)
        waits = (jobs.c.status == JobStatus.QUEUED.value) & jobs.c.spec.is_not(None) & older
        query = select(func.count()).select_from(jobs)
        query = query.where(or_(waits, jobs.c.status == JobStatus.PROCESSING.value), jobs.c.id != job.id)
        async with self._engine.connect() as connection:
            return int(await connection.scalar(query) or 0)

    async def forget_visitors(self, *, before: int) -> None:
        """Delete finished jobs of visitors that were made before a time (Unix seconds)."""
        old = (jobs.c.visitor.is_not(None), jobs.c.completed_at.is_not(None), jobs.c.created_at < before)
        async with writing(self._engine) as connection:
            await connection.execute(delete(jobs).where(*old))

    async def _finish(
        self, job_id: str, attempt: int | None, now: int, *, gives_back: bool = False, **values: object
    ) -> bool:
        query = update(jobs).where(jobs.c.id == job_id, jobs.c.status.in_(_UNFINISHED))
        if attempt is not None:
            query = _under_way(job_id, attempt)
        async with writing(self._engine) as connection:
            app_id = await connection.scalar(select(jobs.c.app_id).where(jobs.c.id == job_id))
            query = query.values(**values, spec=None, picture=None, updated_at=now, completed_at=now)
            is_news = bool((await connection.execute(query)).rowcount)
            if is_news and gives_back:
                fewer = {"creations": apps.c.creations - 1}
                await connection.execute(update(apps).where(apps.c.id == app_id).values(**fewer))
        return is_news


def _under_way(job_id: str, attempt: int) -> Update:
    """A job as long as the attempt to do it is the latest one."""
    mine = (jobs.c.id == job_id, jobs.c.status == JobStatus.PROCESSING.value, jobs.c.attempts == attempt)
    return update(jobs).where(*mine)


async def _refusal_of(connection: AsyncConnection, visitor: Visitor) -> CreationRefusal | None:
    """What the app's row, which is locked, keeps true until the job is there."""

    async def count(*, of_all: bool) -> int:
        total = 0
        for table, more in ((avatars, ()), (jobs, (jobs.c.status.in_(_UNFINISHED),))):
            whose = table.c.visitor.is_not(None) if of_all else table.c.visitor == visitor.id
            query = select(func.count()).select_from(table).where(whose, *more)
            total += int(await connection.scalar(query) or 0)
        return total

    if await count(of_all=False) >= visitor.most:
        return CreationRefusal.VISITOR
    return CreationRefusal.PLACES if await count(of_all=True) >= visitor.most_in_all else None


async def _refusal(connection: AsyncConnection, app_id: str, now: int) -> CreationRefusal | None:
    app = (await connection.execute(select(apps).where(apps.c.id == app_id).with_for_update())).first()
    if app is None:
        raise no_app(app_id)
    if app.max_creations is not None and app.creations >= app.max_creations:
        return CreationRefusal.QUOTA
    count = select(func.count()).select_from(jobs)
    running = count.where(jobs.c.app_id == app_id, jobs.c.status.in_(_UNFINISHED))
    if int(await connection.scalar(running) or 0) >= MAX_RUNNING:
        return CreationRefusal.CONCURRENCY
    for seconds, most in WINDOWS:
        recent = count.where(jobs.c.app_id == app_id, jobs.c.created_at > now - seconds)
        if int(await connection.scalar(recent) or 0) >= most:
            return CreationRefusal.RATE
    return None


def _job(row: Any) -> Job:
    values = dict(row._mapping)
    values["status"] = JobStatus(values["status"])
    values["error_retryable"] = bool(values["error_retryable"])
    return Job(**values)
