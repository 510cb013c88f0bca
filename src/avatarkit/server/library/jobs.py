"""Building avatars one after the other, behind the requests that asked for them."""

from __future__ import annotations

import asyncio
import json
import logging
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from avatarkit.errors import AvatarError
from avatarkit.server.library.add import add_avatar, new_avatar_id
from avatarkit.server.library.child import ChildError, run_child

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store
    from avatarkit.server.store.records import Job

_log: Final = logging.getLogger(__name__)

TIMEOUT_S: Final = 300.0
"""Longest that building one avatar may take."""

Build = Callable[[Path, Path], Awaitable[None]]
"""Builds the spec in the first file into the second; raises :class:`ChildError`."""


class JobRunner:
    """Builds queued jobs, of every app, one at a time.

    Args:
        store: Where the jobs are.
        assets: Where bundles go.
        unix_time: Calendar time in Unix seconds.
        build: How; default: in a child process.
    """

    def __init__(
        self, store: Store, assets: AssetFolder, unix_time: Callable[[], float], build: Build | None = None
    ) -> None:
        self._store = store
        self._assets = assets
        self._unix_time = unix_time
        self._build = build or _build_in_child
        self._has_work = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """There is a new job. The first one starts the runner; a server without jobs has none."""
        self._has_work.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop; a job that is being built is left to be given up or taken by another server. Idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def run_one(self) -> bool:
        """Build the oldest queued job; whether there was one."""
        await self._store.jobs.give_up_stale(now=self._now(), after_s=2 * int(TIMEOUT_S))
        job = await self._store.jobs.take(now=self._now())
        if job is None:
            return False
        try:
            avatar_id = await self._make(job)
        except (ChildError, AvatarError) as exc:
            reason = exc.message if isinstance(exc, AvatarError) else str(exc)
            _log.warning("job %s failed: %s", job.id, reason)
            await self._store.jobs.fail(job.id, "avatar_generation_failed", reason, retryable=False, now=self._now())
        else:
            await self._store.jobs.succeed(job.id, avatar_id, now=self._now())
        return True

    async def _make(self, job: Job) -> str:
        avatar_id = new_avatar_id()
        with tempfile.TemporaryDirectory(dir=self._assets.incoming()) as folder:
            spec, bundle = Path(folder) / "spec.json", Path(folder) / "bundle.glb"
            text = json.dumps({"name": job.name or "Avatar", "spec": json.loads(job.spec or "{}")})
            await asyncio.to_thread(spec.write_text, text)
            await self._build(spec, bundle)
            await add_avatar(
                self._store, self._assets, avatar_id, bundle, now=self._now(), owner=job.app_id, is_trusted=True
            )
        return avatar_id

    async def _run(self) -> None:
        while True:
            self._has_work.clear()
            try:
                while await self.run_one():
                    pass
            except Exception:  # the store may be back at the next job
                _log.exception("avatars cannot be built")
            await self._has_work.wait()

    def _now(self) -> int:
        return int(self._unix_time())


async def _build_in_child(spec: Path, bundle: Path) -> None:
    await run_child("avatarkit.server.library.build", str(spec), str(bundle), timeout_s=TIMEOUT_S)
