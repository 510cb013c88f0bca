"""Building avatars one after the other, behind the requests that asked for them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from avatarkit.errors import AvatarError
from avatarkit.server.library.add import add_avatar, new_avatar_id, remove_avatar
from avatarkit.server.library.child import ChildError, ChildTimeout, run_child
from avatarkit.server.library.job_failure import JobFailure
from avatarkit.server.library.photo import make_apart

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store
    from avatarkit.server.store.records import Job

_log: Final = logging.getLogger(__name__)

TIMEOUT_S: Final = 300.0
"""Longest that building one avatar of a spec may take."""
_ALIVE_S: Final = 15
"""So often it is noted that a job is being worked on."""
_STALE_S: Final = 60
"""Nobody works on a job any more that was not noted for so long."""
_UPLOAD_STALE_S: Final = 600
_LOOK_AGAIN_S: Final = 10.0
"""So often a runner looks whether the server died that has the last jobs."""

Build = Callable[[Path, Path], Awaitable[None]]
"""Builds the spec in the first file into the second; raises :class:`ChildError`."""
Photograph = Callable[[Path, Path, str], Awaitable[None]]
"""Makes of the picture in the first file a bundle in the second, of that name; raises :class:`JobFailure`."""
Download = Callable[[str], Awaitable[bytes]]
"""Fetches the picture at a URL; raises :class:`JobFailure`."""


class JobRunner:
    """Builds queued jobs, of every app, one at a time.

    Args:
        store: Where the jobs are.
        assets: Where bundles go.
        unix_time: Calendar time in Unix seconds.
        build: How specs are built; default: in a child process.
        photograph: How avatars are made of pictures; default: in a child process.
        download: How pictures are fetched; default: from public addresses, or any with ``private_sources``.
        private_sources: Pictures may be fetched from private addresses.
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
    ) -> None:
        self._store = store
        self._assets = assets
        self._unix_time = unix_time
        self._build = build or _build_in_child
        self._photograph = photograph or make_apart
        self._download = download or (lambda url: _download(url, private_sources))
        self._taken: str | None = None
        self._has_work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There is a new job. The first one starts the runner; a server without jobs has none."""
        self._has_work.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; a job that is being built is queued again. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        if self._taken is not None:
            await self._store.jobs.put_back(self._taken, now=self._now())
            self._taken = None

    async def run_one(self) -> bool:
        """Build the oldest queued job; whether there was one."""
        jobs = self._store.jobs
        await jobs.give_up_stale(now=self._now(), after_s=_STALE_S, upload_after_s=_UPLOAD_STALE_S)
        job = await jobs.take(now=self._now())
        if job is None:
            return False
        self._taken = job.id
        sign_of_life = asyncio.create_task(self._show_life(job.id))
        try:
            avatar_id = await self._make(job)
        except (JobFailure, ChildError, AvatarError) as exc:
            failure = _failure_of(exc)
            _log.warning("job %s failed: %s: %s", job.id, failure.code, failure.message)
            await jobs.fail(job.id, failure.code, failure.message, retryable=failure.is_retryable, now=self._now())
        else:
            if not await jobs.succeed(job.id, avatar_id, now=self._now()):  # another server held this one for dead
                await remove_avatar(self._store, self._assets, avatar_id)
        finally:
            sign_of_life.cancel()
        self._taken = None
        return True

    async def _make(self, job: Job) -> str:
        avatar_id, wanted = new_avatar_id(), json.loads(job.spec or "{}")
        with tempfile.TemporaryDirectory(dir=self._assets.incoming()) as folder:
            source, bundle = Path(folder) / "source", Path(folder) / "bundle.glb"
            if is_picture(wanted):
                await asyncio.to_thread(source.write_bytes, await self._picture(job, wanted))
                await self._photograph(source, bundle, job.name or "Avatar")
            else:
                text = json.dumps({"name": job.name or "Avatar", "spec": wanted})
                await asyncio.to_thread(source.write_text, text)
                await self._build(source, bundle)
            await add_avatar(
                self._store, self._assets, avatar_id, bundle, now=self._now(), owner=job.app_id, is_trusted=True
            )
        return avatar_id

    async def _picture(self, job: Job, wanted: dict[str, Any]) -> bytes:
        if "imageUrl" in wanted:
            return await self._download(wanted["imageUrl"])
        picture = await self._store.jobs.picture(job.id)
        if picture is None:
            raise JobFailure("internal_error", "The picture is not there any more.", is_retryable=True)
        return picture

    async def _show_life(self, job_id: str) -> None:
        while True:
            await asyncio.sleep(_ALIVE_S)
            try:
                await self._store.jobs.touch(job_id, now=self._now())
            except Exception:  # the store may be back next time
                _log.exception("the store could not be told that a job is being worked on")

    async def _run(self) -> None:
        while True:
            self._has_work.clear()
            look_again_s: float | None = _LOOK_AGAIN_S
            try:
                while await self.run_one():
                    pass
                if not await self._store.jobs.has_unfinished():
                    look_again_s = None
            except Exception:  # the store may be back then
                _log.exception("avatars cannot be built")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(look_again_s):
                    await self._has_work.wait()

    def _now(self) -> int:
        return int(self._unix_time())


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
