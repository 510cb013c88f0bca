"""Ten views at once on two simulated processors: what is shown is in time, and every view gets its share."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client_fakes import AVATAR, bundle
from inline_draw import InlineDraw
from test_an_hour import TONGUE, Server, Watcher
from virtual_loop import LoopClock, VirtualLoop

import avatarkit._draw_gate
import avatarkit._session
import avatarkit._view
from avatarkit import AvatarSDK, AvatarView, Configuration
from avatarkit.frames import Pose
from avatarkit.types import Camera

PROCESSORS, VIEWS, LASTS_S = 2, 10, 9.0


class Processors:
    """Work that is shared out evenly, as an operating system does it."""

    def __init__(self) -> None:
        self._left: dict[asyncio.Future[None], float] = {}
        self._settled_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def spend(self, seconds: float) -> None:
        self._settle()
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left[done] = seconds
        self._plan()
        await done

    @property
    def _share(self) -> float:
        return min(1.0, PROCESSORS / len(self._left))

    def _settle(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._left:
            worked_s = (now_s - self._settled_s) * self._share
            self._left = {done: left_s - worked_s for done, left_s in self._left.items()}
        self._settled_s = now_s

    def _plan(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for done in [done for done, left_s in self._left.items() if left_s <= 1e-9]:
            del self._left[done]
            if not done.done():
                done.set_result(None)
        if self._left:
            wait_s = min(self._left.values()) / self._share
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    def _tick(self) -> None:
        self._settle()
        self._plan()


class SimulatedThread(InlineDraw):
    """A draw thread whose drawing takes processor time: mostly much the same, now and then three times as much."""

    processors: Processors
    chance: random.Random
    draw_s: float

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        if getattr(work, "__name__", "") == "draw":
            seconds = self.draw_s * self.chance.uniform(0.7, 1.3) * (3.0 if self.chance.random() < 0.02 else 1.0)
            await self.processors.spend(seconds)
        return await super().run(work, *args)


class MarkedWatcher(Watcher):
    """Compares the frame that is handed over, not the one drawn last."""

    frame_rate = 25.0

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[Any]]:
        return np.full((1, 1, 4), pose.weights[TONGUE], np.float32)

    def present(self, image: Any, time_s: float) -> None:
        self.shown_s = float(image[0, 0, 0]) * 255 / 25
        super().present(image, time_s)


async def talk(number: int) -> tuple[list[float], float]:
    """Open a view, let it say a round, and tell its offsets and how many frames a second it showed."""
    await asyncio.sleep(number * 0.037)
    watcher = MarkedWatcher()
    view = AvatarView(AVATAR, watcher, speaker="silent", renderer=watcher, seed=number, clock=LoopClock())
    await view.mounted()
    watcher.view = view
    began_s = asyncio.get_running_loop().time()
    await view.controller.start()
    await asyncio.sleep(1.0 + number * 0.05)
    view.controller.send(b"\1\2" * 96000, end=True)
    await asyncio.sleep(LASTS_S)
    report = view.controller.report()
    return watcher.offsets_s, report.frames_drawn / (asyncio.get_running_loop().time() - began_s)


async def ten_views(folder: Path) -> tuple[list[float], list[float]]:
    avatarkit._session.open_websocket = Server().connect
    SimulatedThread.processors, SimulatedThread.chance = Processors(), random.Random(1)
    await AvatarSDK.cleanup()
    await AvatarSDK.initialize("app", Configuration(endpoint="http://server.test", cache_dir=folder))
    AvatarSDK.set_session_token("token")
    results = await asyncio.gather(*(talk(number) for number in range(VIEWS)))
    await AvatarSDK.cleanup()
    return [abs(offset) for offsets, _ in results for offset in offsets], [rate for _, rate in results]


@pytest.mark.parametrize(("draw_ms", "slowest"), [(7.0, 20.0), (12.0, 9.0)])
def test_what_is_shown_is_in_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, draw_ms: float, slowest: float
) -> None:
    """At 7 ms the processors are busy for 7 eighths of the time; at 12 they cannot show every frame."""
    monkeypatch.setattr(avatarkit._session, "open_websocket", None)  # put back afterwards
    monkeypatch.setattr(avatarkit._view, "DrawThread", SimulatedThread)
    monkeypatch.setattr(avatarkit._view, "read_bundle", lambda path: bundle())
    monkeypatch.setattr(avatarkit._draw_gate, "processors", lambda: PROCESSORS)
    monkeypatch.setattr(SimulatedThread, "draw_s", draw_ms / 1000, raising=False)

    def run() -> tuple[list[float], list[float]]:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            return runner.run(ten_views(tmp_path))

    with ThreadPoolExecutor(1) as thread:  # where no other loop is
        offsets_s, rates = thread.submit(run).result()

    assert len(offsets_s) > VIEWS * 40
    assert np.percentile(offsets_s, 95) <= 0.01
    assert max(offsets_s) <= 0.02
    assert min(rates) >= slowest
    assert max(rates) < 1.6 * min(rates)  # nobody is served at the cost of another
