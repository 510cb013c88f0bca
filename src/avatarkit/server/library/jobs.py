"""Building avatars one after the other, behind the requests that asked for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from avatarkit.clock import Clock, RealClock
from avatarkit.errors import AvatarError
from avatarkit.server.failures import logged
from avatarkit.server.library.add import add_avatar, remove_avatar
from avatarkit.server.library.child import ChildError, ChildTimeout, run_child
from avatarkit.server.library.job_failure import JobFailure
from avatarkit.server.library.photo import Progress, make_apart

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store
    from avatarkit.server.store.records import Job

_log: Final = logging.getLogger(__name__)

TIMEOUT_S: Final = 300.0
"""Longest that building one avatar of a spec may take."""
_ALIVE_S: Final = 5.0
"""So often it is noted that a job is being worked on."""
_STALE_S: Final = 30
"""Nobody works on a job any more that was not noted for so long."""
_UPLOAD_STALE_S: Final = 600
_LOOK_AGAIN_S: Final = 5.0
"""So often a runner looks whether the server died that has the last jobs,"""
_LOOK_S: Final = 15.0
"""and so often, where nobody has any, whether there is one."""
_USUAL_S: Final = 12.0
"""How long an avatar of a picture takes, before any was made here."""

Build = Callable[[Path, Path], Awaitable[None]]
"""Builds the spec in the first file into the second; raises :class:`ChildError`."""
Photograph = Callable[[Path, Path, str, Progress], Awaitable[None]]
"""Makes of the picture in the first file a bundle in the second, of that name, and tells how far it is; raises
:class:`JobFailure`."""
Download = Callable[[str], Awaitable[bytes]]
"""Fetches the picture at a URL; raises :class:`JobFailure`."""


class JobRunner:
    """Builds queued jobs, of every app, one at a time.

    A job belongs to the latest attempt to do it. A server that was held for dead, and is not, finds that out when it
    says that it lives, and lets go.

    Args:
        store: Where the jobs are.
        assets: Where bundles go.
        unix_time: Calendar time in Unix seconds.
        build: How specs are built; default: in a child process.
        photograph: How avatars are made of pictures; default: in a child process.
        download: How pictures are fetched; default: from public addresses, or any with ``private_sources``.
        private_sources: Pictures may be fetched from private addresses.
        clock: Source of durations.
    """

    def __init__(
        self,
        store: Store,
        assets: AssetFolder,
        unix_time: Callable[[], float],
        build: Build | None = None,
        *,
        photograph: Photograph | None = None,
        download: Download | None = None,
        private_sources: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self._store = store
        self._assets = assets
        self._unix_time = unix_time
        self._build = build or _build_in_child
        self._photograph = photograph or make_apart
        self._download = download or (lambda url: _download(url, private_sources))
        self._clock = clock or RealClock()
        self._taken: Job | None = None
        self._has_work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.usual_s = _USUAL_S
        """How long an avatar of a picture took last, in seconds."""

    def start(self) -> None:
        """Begin to work: on what there is, and on what other servers leave when they die."""
        self._task = asyncio.create_task(self._run())

    def wake(self) -> None:
        """There is a new job."""
        self._has_work.set()

    async def stop(self) -> None:
        """Stop; a job that is being built is queued again. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._taken is not None:
            await self._store.jobs.put_back(self._taken.id, self._taken.attempts, now=self._now())
            self._taken = None

    async def run_one(self) -> bool:
        """Build the oldest queued job; whether there was one."""
        jobs = self._store.jobs
        await jobs.give_up_stale(now=self._now(), after_s=_STALE_S, upload_after_s=_UPLOAD_STALE_S)
        job = await jobs.take(now=self._now())
        if job is None:
            return False
        self._taken = job
        making = asyncio.create_task(self._make(job))
        sign_of_life = asyncio.create_task(self._show_life(job, making))
        try:
            avatar_id = await making
        except asyncio.CancelledError:
            if _is_stopping() or not sign_of_life.done():
                raise
            _log.warning("job %s was begun anew by another server", job.id)
        except (JobFailure, ChildError, AvatarError) as exc:
            await self._fail(job, _failure_of(exc))
        except Exception:
            _log.exception("job %s failed", job.id)
            await self._fail(job, JobFailure("internal_error", "The server could not do it.", is_retryable=True))
        else:
            if not await jobs.succeed(job.id, avatar_id, attempt=job.attempts, now=self._now()):
                await remove_avatar(self._store, self._assets, avatar_id)
        finally:
            making.cancel()
            sign_of_life.cancel()
            await asyncio.gather(making, sign_of_life, return_exceptions=True)
        self._taken = None
        return True

    async def _fail(self, job: Job, failure: JobFailure) -> None:
        _log.warning("job %s failed: %s: %s", job.id, failure.code, failure.message)
        await self._store.jobs.fail(
            job.id,
            failure.code,
            failure.message,
            retryable=failure.is_retryable,
            attempt=job.attempts,
            now=self._now(),
        )

    async def _make(self, job: Job) -> str:
        avatar_id = _avatar_id(job.id, job.attempts)
        await self._clear(job)
        wanted = json.loads(job.spec or "{}")
        with tempfile.TemporaryDirectory(dir=self._assets.incoming(), prefix=f"{job.id}-") as folder:
            source, bundle = Path(folder) / "source", Path(folder) / "bundle.glb"
            if is_picture(wanted):
                await asyncio.to_thread(source.write_bytes, await self._picture(job, wanted))
                await self._make_of_picture(job, source, bundle)
            else:
                text = json.dumps({"name": job.name or "Avatar", "spec": wanted})
                await asyncio.to_thread(source.write_text, text)
                await self._build(source, bundle)
            whose = {"owner": job.app_id, "visitor": job.visitor}
            await add_avatar(self._store, self._assets, avatar_id, bundle, now=self._now(), **whose, is_trusted=True)
        return avatar_id

    async def _make_of_picture(self, job: Job, source: Path, bundle: Path) -> None:
        begun_s = self._clock.now()
        told: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        noting = asyncio.create_task(self._note_progress(job, told))
        try:
            await self._photograph(source, bundle, job.name or "Avatar", lambda *so_far: told.put_nowait(so_far))
        finally:
            noting.cancel()
            await asyncio.gather(noting, return_exceptions=True)
        self.usual_s = self._clock.now() - begun_s

    async def _note_progress(self, job: Job, told: asyncio.Queue[tuple[int, str]]) -> None:
        while True:
            percent, stage = await told.get()
            with logged(_log, "the store could not be told how far a job is"):
                await self._store.jobs.touch(job.id, job.attempts, now=self._now(), percent=percent, stage=stage)

    async def _clear(self, job: Job) -> None:
        """Remove what attempts left whose server died: files, and an avatar that the job was not yet told of."""
        for folder in self._assets.incoming().glob(f"{job.id}-*"):
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        for attempt in range(1, job.attempts + 1):
            with contextlib.suppress(AvatarError):  # as a rule there is none
                await remove_avatar(self._store, self._assets, _avatar_id(job.id, attempt))

    async def _picture(self, job: Job, wanted: dict[str, Any]) -> bytes:
        if "imageUrl" in wanted:
            return await self._download(wanted["imageUrl"])
        picture = await self._store.jobs.picture(job.id)
        if picture is None:
            raise JobFailure("internal_error", "The picture is not there any more.", is_retryable=True)
        return picture

    async def _show_life(self, job: Job, making: asyncio.Task[str]) -> None:
        """Returns, and ends the making, when the job is another server's."""
        is_ours = True
        while is_ours:
            await self._clock.sleep_until(self._clock.now() + _ALIVE_S)
            with logged(_log, "the store could not be told that a job is being worked on"):
                is_ours = await self._store.jobs.touch(job.id, job.attempts, now=self._now())
        making.cancel()

    async def _run(self) -> None:
        while True:
            self._has_work.clear()
            look_again_s = _LOOK_AGAIN_S
            with logged(_log, "avatars cannot be built"):
                while await self.run_one():
                    pass
                if not await self._store.jobs.has_unfinished():
                    look_again_s = _LOOK_S
            woken = asyncio.create_task(self._has_work.wait())
            rested = asyncio.ensure_future(self._clock.sleep_until(self._clock.now() + look_again_s))
            try:
                await asyncio.wait((woken, rested), return_when=asyncio.FIRST_COMPLETED)
            finally:
                woken.cancel()
                rested.cancel()

    def _now(self) -> int:
        return int(self._unix_time())


def _is_stopping() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _avatar_id(job_id: str, attempt: int) -> str:
    """What an attempt calls the avatar that it makes: it can be found again when the server dies before the end."""
    name = f"av_{job_id.removeprefix('job_')}"
    return name if attempt == 1 else f"{name}_{attempt}"


def is_picture(wanted: dict[str, Any]) -> bool:
    """Whether a job's spec asks for an avatar of a picture: of ``imageUrl``, or of the one kept with the job."""
    return not wanted.keys().isdisjoint(("imageUrl", "picture"))


def _failure_of(exc: JobFailure | ChildError | AvatarError) -> JobFailure:
    if isinstance(exc, JobFailure):
        return exc
    reason = exc.message if isinstance(exc, AvatarError) else str(exc)
    return JobFailure("avatar_generation_failed", reason, is_retryable=isinstance(exc, ChildTimeout))


async def _download(url: str, private_sources: bool) -> bytes:
    from avatarkit.server.library.download import download_picture  # noqa: PLC0415 - loads the HTTP client

    return await download_picture(url, allow_private=private_sources)


async def _build_in_child(spec: Path, bundle: Path) -> None:
    await run_child("avatarkit.server.library.build", str(spec), str(bundle), timeout_s=TIMEOUT_S)
