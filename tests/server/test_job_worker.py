"""Jobs survive what happens to servers: a stop, a pause, a kill; and no creation is lost or counted twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import OpenStore
from test_open_api import BUILT

from avatarkit.clock import VirtualClock
from avatarkit.server.library.add import add_avatar
from avatarkit.server.library.assets import AssetFolder
from avatarkit.server.library.child import ChildError, ChildTimeout, run_child
from avatarkit.server.library.jobs import JobRunner
from avatarkit.server.library.photo import Progress, make_apart
from avatarkit.server.store.database import Store
from avatarkit.server.store.records import Job, JobStatus

HERE = Path(__file__).parent
PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
Photograph = Callable[[Path, Path, str, Progress], Awaitable[None]]


class Bench:
    """Servers' job runners on one store, with a clock that stands until it is moved."""

    def __init__(self, store: Store, folder: Path, app_id: str) -> None:
        self.store = store
        self.assets = AssetFolder(folder / "assets")
        self.app_id = app_id
        self.clock = VirtualClock(1000.0)

    def runner(self, photograph: Photograph) -> JobRunner:
        return JobRunner(self.store, self.assets, self.clock.now, photograph=photograph, clock=self.clock)

    async def queue(self) -> str:
        spec = json.dumps({"picture": True})
        job = await self.store.jobs.create(self.app_id, "Me", now=self.now, spec=spec, picture=PNG)
        assert isinstance(job, Job)
        return job.id

    async def job(self, job_id: str) -> Job:
        job = await self.store.jobs.get(job_id, self.app_id)
        assert job is not None
        return job

    async def state(self, job_id: str) -> tuple[str, int, int]:
        """Status, attempts, and creations that are counted."""
        job = await self.job(job_id)
        return job.status.value, job.attempts, (await self.store.apps.usage(self.app_id, now_ms=0)).creations

    async def avatars(self) -> list[str]:
        return [avatar.id for avatar in await self.store.avatars.list()]

    def stand_still(self, seconds: float) -> None:
        """Time passes while no server says that it lives, as when their machines stand still."""
        self.clock._now_s += seconds

    @property
    def now(self) -> int:
        return int(self.clock.now())


@pytest.fixture
async def bench(any_store: Store, tmp_path: Path) -> Bench:
    return Bench(any_store, tmp_path, (await any_store.apps.create("shop", now=1)).id)


async def develop(_picture: Path, bundle: Path, _name: str, tell: Progress) -> None:
    """A photographer who is done at once."""
    tell(50, "shape and texture")
    await asyncio.to_thread(shutil.copy, BUILT, bundle)


class Slow:
    """A photographer who begins, and is done when told."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.done = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, picture: Path, bundle: Path, name: str, tell: Progress) -> None:
        self.begun.set()
        try:
            await self.done.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        await develop(picture, bundle, name, tell)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 - another task's doing, or another process's
        await asyncio.sleep(0.005)


async def ended(bench: Bench, job_id: str) -> Job:
    async def is_over() -> bool:
        return (await bench.job(job_id)).completed_at is not None

    await until(is_over)
    return await bench.job(job_id)


async def test_a_server_that_is_stopped_in_mid_job_leaves_it_to_the_next_start(bench: Bench) -> None:
    slow = Slow()
    stopped = bench.runner(slow)
    stopped.start()
    job_id = await bench.queue()
    stopped.wake()
    await slow.begun.wait()
    assert await bench.state(job_id) == ("processing", 1, 1)

    await stopped.stop()

    assert slow.was_cancelled
    assert await bench.state(job_id) == ("queued", 0, 1)  # no attempt is lost, the creation stays reserved
    assert await bench.store.jobs.picture(job_id) == PNG
    assert list(bench.assets.incoming().iterdir()) == []
    await stopped.stop()

    started = bench.runner(develop)
    started.start()
    job = await ended(bench, job_id)
    assert await bench.state(job_id) == ("succeeded", 1, 1)
    assert await bench.avatars() == [job.avatar_id]
    assert await bench.store.jobs.picture(job_id) is None
    await started.stop()


async def test_a_job_whose_server_is_silent_is_another_servers_and_ends_once(bench: Bench) -> None:
    slow = Slow()
    job_id = await bench.queue()
    silent = asyncio.create_task(bench.runner(slow).run_one())
    await slow.begun.wait()

    bench.stand_still(31)
    other = bench.runner(develop)
    assert await other.run_one()
    assert await bench.state(job_id) == ("succeeded", 2, 1)
    (avatar_id,) = await bench.avatars()

    slow.done.set()  # and now it goes on, and is done too
    assert await silent
    assert (await bench.job(job_id)).avatar_id == avatar_id
    assert await bench.avatars() == [avatar_id]
    assert await bench.state(job_id) == ("succeeded", 2, 1)


async def test_a_server_that_finds_its_job_taken_over_lets_go_of_it(bench: Bench) -> None:
    slow = Slow()
    job_id = await bench.queue()
    silent = asyncio.create_task(bench.runner(slow).run_one())
    await slow.begun.wait()
    assert await bench.store.jobs.give_up_stale(now=bench.now + 40, after_s=30, upload_after_s=600) == 0
    assert await bench.store.jobs.take(now=bench.now + 40) is not None

    async def beats_until_it_knows() -> bool:
        await bench.clock.advance(5)
        return slow.was_cancelled

    await until(beats_until_it_knows)
    assert await silent
    assert await bench.state(job_id) == ("processing", 2, 1)  # the other's, as before


async def test_a_job_that_is_worked_on_stays_its_servers_however_long_it_takes(bench: Bench) -> None:
    slow = Slow()
    job_id = await bench.queue()
    working = asyncio.create_task(bench.runner(slow).run_one())
    await slow.begun.wait()

    async def beat() -> bool:
        return (await bench.job(job_id)).updated_at >= bench.now - 5

    for _ in range(20):
        await bench.clock.advance(5)
        await until(beat)
        assert not await bench.runner(develop).run_one()
    slow.done.set()
    await working
    assert await bench.state(job_id) == ("succeeded", 1, 1)


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ChildTimeout("it took longer than 120 s"), "avatar_generation_failed"),
        (ChildError("it ended with status -9"), "avatar_generation_failed"),
        (OSError("no space left on the disk"), "internal_error"),
    ],
)
async def test_a_job_that_cannot_be_done_gives_its_creation_back(bench: Bench, raised: Exception, code: str) -> None:
    async def fail(*_: Any) -> None:
        raise raised

    job_id = await bench.queue()
    await bench.runner(fail).run_one()
    assert await bench.state(job_id) == ("failed", 1, 0)
    job = await bench.job(job_id)
    assert job.error_code == code
    assert "disk" not in str(job.error_message)


async def test_a_job_that_brings_its_server_down_twice_is_given_up(bench: Bench) -> None:
    job_id = await bench.queue()
    for attempt in (1, 2):
        assert await bench.store.jobs.take(now=bench.now) is not None  # and its server dies
        assert await bench.state(job_id) == ("processing", attempt, 1)
        bench.stand_still(31)
        await bench.store.jobs.give_up_stale(now=bench.now, after_s=30, upload_after_s=600)
    assert await bench.state(job_id) == ("failed", 2, 0)
    assert (await bench.job(job_id)).error_code == "internal_error"
    assert not await bench.runner(develop).run_one()


async def test_what_a_dead_server_left_is_removed_when_its_job_is_begun_anew(bench: Bench) -> None:
    job_id = await bench.queue()
    await bench.store.jobs.take(now=bench.now)
    left = bench.assets.incoming() / f"{job_id}-left"
    left.mkdir()
    (left / "source").write_bytes(PNG)
    half_done = f"av_{job_id.removeprefix('job_')}"  # it died before it could say that the avatar is made
    await add_avatar(bench.store, bench.assets, half_done, BUILT, now=bench.now, owner=bench.app_id, is_trusted=True)
    bench.stand_still(31)

    assert await bench.runner(develop).run_one()

    assert not left.exists()
    assert await bench.avatars() == [(await bench.job(job_id)).avatar_id]


async def test_an_idle_server_finds_the_jobs_of_one_that_died(bench: Bench) -> None:
    job_id = await bench.queue()
    assert await bench.store.jobs.take(now=bench.now) is not None  # by a server that dies at once
    idle = bench.runner(develop)
    idle.start()

    async def is_over() -> bool:
        await bench.clock.advance(5)
        return (await bench.job(job_id)).completed_at is not None

    await until(is_over)
    assert (await bench.job(job_id)).status is JobStatus.SUCCEEDED
    assert bench.now < 1000 + 600
    await idle.stop()


async def test_what_is_done_is_told_as_it_is_done(bench: Bench) -> None:
    told = asyncio.Event()

    async def stop_half_way(picture: Path, bundle: Path, name: str, tell: Progress) -> None:
        tell(20, "fitting the head")
        await told.wait()
        await develop(picture, bundle, name, tell)

    job_id = await bench.queue()
    working = asyncio.create_task(bench.runner(stop_half_way).run_one())

    async def is_told() -> bool:
        job = await bench.job(job_id)
        return (job.percent, job.stage) == (20, "fitting the head")

    await until(is_told)
    told.set()
    await working


async def _is(value: bool) -> bool:
    return value


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see processes")
async def test_kill_9_in_mid_job_ends_the_child_too_and_another_server_does_it_again(
    open_store: OpenStore, database_url: str, tmp_path: Path
) -> None:
    store = await open_store()
    bench = Bench(store, tmp_path, (await store.apps.create("shop", now=1)).id)
    bench.stand_still(time.time() - bench.now)
    job_id = await bench.queue()
    environment = os.environ | {"PYTHONPATH": str(HERE)}
    server = subprocess.Popen(  # noqa: ASYNC220 - it is killed, not waited for
        [sys.executable, str(HERE / "job_process.py"), str(tmp_path), database_url],
        stdout=subprocess.PIPE,
        env=environment,
    )
    try:
        assert server.stdout is not None
        worker = int(await asyncio.to_thread(server.stdout.readline))
        assert is_alive(worker)
        assert await bench.state(job_id) == ("processing", 1, 1)
    finally:
        server.kill()
        server.communicate()

    await until(lambda: _is(not is_alive(worker)))
    assert any(bench.assets.incoming().iterdir())  # the picture, in a folder that nobody cleared
    again = bench.runner(develop)
    assert not await again.run_one()  # it might live
    bench.stand_still(600)
    assert await again.run_one()
    assert await bench.state(job_id) == ("succeeded", 2, 1)
    assert len(await bench.avatars()) == 1
    assert not any(bench.assets.incoming().iterdir())


async def test_a_child_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    pids: list[int] = []
    for timeout_s in (2, 10, 40):  # a busy machine needs more until the child can say who it is
        with pytest.raises(ChildTimeout):
            await run_child("job_process", "work", timeout_s=timeout_s, on_line=lambda line: pids.append(int(line)))
        if pids:
            break
    (pid,) = pids
    assert not is_alive(pid)


async def test_a_child_says_no_more_than_it_may() -> None:
    lines: list[str] = []
    code = "print('x' * 100000); print('end'); raise SystemExit('y' * 100000)"
    with pytest.raises(ChildError) as caught:
        await run_child("timeit", "-n1", "-r1", code, timeout_s=60, on_line=lines.append)
    assert [len(line) for line in lines] == [200, 3]
    assert len(str(caught.value)) <= 2000


@pytest.mark.parametrize("mebibytes", [64, 600])
async def test_a_picture_that_takes_more_memory_than_allowed_fails_instead_of_waiting(
    tmp_path: Path, mebibytes: int
) -> None:
    pytest.importorskip("scipy")
    if mebibytes > 64:
        pytest.importorskip("numba")
        if not _can_photograph():
            pytest.skip("MediaPipe's models are not installed")
    from avatarkit.server.library.cover import draw_cover
    from avatarkit.server.library.job_failure import JobFailure

    picture = tmp_path / "portrait.png"
    picture.write_bytes(await asyncio.to_thread(draw_cover, BUILT))
    with pytest.raises(JobFailure, match="more memory") as caught:
        await make_apart(picture, tmp_path / "out.glb", "Me", memory_bytes=mebibytes * 2**20, timeout_s=100)
    assert caught.value.code == "avatar_generation_failed"


def _can_photograph() -> bool:
    from avatarkit.server.library.photo import missing_packages

    return not missing_packages()
