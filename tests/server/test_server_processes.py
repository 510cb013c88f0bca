"""Several real processes on one store: races, and the death of one of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import OpenStore

from avatarkit.server.store.database import Store

PROGRAM = Path(__file__).with_name("race_process.py")


class Rival:
    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def next(self) -> str:
        assert self.process.stdout is not None
        return str(json.loads(self.process.stdout.readline()))

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def results(self) -> list[str]:
        return list(iter(self.next, "done"))


@contextlib.contextmanager
def rivals(data: Path, url: str, app_id: str, what: str, times: int, count: int = 2) -> Iterator[list[Rival]]:
    started = [Rival(str(data), url, app_id, f"p{number}", what, str(times)) for number in range(count)]
    try:
        for rival in started:
            assert rival.next() == "ready"
        for rival in started:
            rival.go()
        yield started
    finally:
        for rival in started:
            rival.process.kill()
            rival.process.communicate()


async def race(data: Path, url: str, app_id: str, what: str, times: int) -> Counter[str]:
    def run() -> Counter[str]:
        with rivals(data, url, app_id, what, times) as running:
            results = Counter(result for rival in running for result in rival.results())
            for rival in running:
                rival.go()
                assert rival.process.wait(30) == 0
            return results

    return await asyncio.to_thread(run)


async def test_two_processes_share_an_apps_places(any_store: Store, database_url: str, tmp_path: Path) -> None:
    app = await any_store.apps.create("shop", now=1)
    await any_store.apps.set_quotas(app.id, {"max_sessions": 7})

    results = await race(tmp_path, database_url, app.id, "places", 20)

    assert results == {"opened": 7, "CONCURRENCY_LIMIT": 33}


async def test_two_processes_share_single_use_tokens(any_store: Store, database_url: str, tmp_path: Path) -> None:
    app = await any_store.apps.create("shop", now=1)

    results = await race(tmp_path, database_url, app.id, "single_use", 15)

    assert results == {"opened": 15, "TOKEN_USED": 15}


async def test_a_killed_process_loses_no_second_older_than_one(
    open_store: OpenStore, database_url: str, tmp_path: Path
) -> None:
    store = await open_store()
    app = await store.apps.create("shop", now=1)

    def live_and_die() -> tuple[float, float]:
        with rivals(tmp_path, database_url, app.id, "places", 3, count=1) as (rival,):
            opened = rival.results()
            assert opened == ["opened"] * 3
            confirmed_s = time.time()
            time.sleep(2)
            rival.process.kill()
            return confirmed_s, time.time()

    confirmed_s, killed_s = await asyncio.to_thread(live_and_die)
    later_ms = int((killed_s + 60) * 1000)
    assert await store.sessions.forget_dead_servers(now_ms=later_ms) == 3

    usage = await store.apps.usage(app.id, now_ms=later_ms)
    assert usage.open_sessions == 0
    # Three sessions ran until the kill: each is charged for all but the last second.
    assert usage.credit_used_s / 3 >= killed_s - confirmed_s - 1
    assert usage.credit_used_s / 3 <= killed_s - confirmed_s + 2


@pytest.mark.parametrize("kind", ["key", "token", "app"])
async def test_what_one_process_revokes_another_refuses(open_store: OpenStore, kind: str) -> None:
    one, two = await open_store(), await open_store()
    app = await one.apps.create("shop", now=1)
    key = await one.keys.create(app.id, now=1)
    assert await two.keys.check(key.text, now=2) is not None

    if kind == "key":
        await one.keys.revoke(key.prefix, now=2)
    elif kind == "app":
        await one.apps.set_disabled(app.id, at=2)
    else:
        await one.tokens.revoke("t", app_id=app.id, expires_at=9)

    assert (await two.keys.check(key.text, now=2) is None) is (kind != "token")
    assert await two.tokens.is_revoked("t") is (kind == "token")
