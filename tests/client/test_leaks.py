"""After many lifetimes nothing is left: no task, thread, file, socket or growing heap."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from pathlib import Path

import pytest
from client_fakes import AVATAR, FakeRenderer, FakeServer, FakeSurface, bundle, speech

import avatarkit._session
import avatarkit._view
from avatarkit import AvatarSDK, AvatarView, Configuration

LIFETIMES = 200


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


async def lifetime(number: int, folder: Path) -> None:
    """Start to end, left at another moment each time."""
    await AvatarSDK.initialize("app", Configuration(endpoint="http://server.test", cache_dir=folder))
    AvatarSDK.set_session_token("token")
    view = AvatarView(AVATAR, FakeSurface(), speaker="silent", renderer=FakeRenderer(), seed=number)
    if number % 5 != 1:
        await view.mounted()
        with view.controller.record(folder / "a.avkt"):
            events = view.controller.events()
            await view.controller.start()
            view.controller.send(speech(0.5), end=number % 2 == 0)
            await anext(events)
        if number % 5 == 2:
            view.controller.interrupt()
    if number % 5 == 3:
        starting = asyncio.create_task(view.controller.close())
        await view.dispose()
        await starting
    await AvatarSDK.cleanup()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files as Linux shows them")
async def test_two_hundred_lifetimes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server = FakeServer()
    monkeypatch.setattr(avatarkit._session, "open_websocket", server.connect)
    monkeypatch.setattr(avatarkit._view, "read_bundle", lambda path: bundle())
    counts = []
    for number in range(LIFETIMES):
        await lifetime(number, tmp_path)
        assert all(connection.closed for connection in server.connections)
        server.connections.clear()
        if number in {39, LIFETIMES - 1}:
            gc.collect()
            for _ in range(3):  # streams of events that nobody reads any more close themselves
                await asyncio.sleep(0)
            counts.append((len(asyncio.all_tasks()), threading.active_count(), open_files(), len(gc.get_objects())))
    early, late = counts
    assert late[:3] == early[:3]
    assert late[0] == 1, asyncio.all_tasks()
    assert late[3] - early[3] < 1000
