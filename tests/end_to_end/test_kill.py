"""kill -9 in the middle of work loses nothing that was acknowledged, and no credit second older than one."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from avatarkit.backend import BackendClient
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.store.database import Store
from avatarkit.server.store.sessions import STALE_MS

SPOKEN_S = 2.5


@dataclass
class Process:
    """A server process on a data folder that outlives it."""

    popen: subprocess.Popen[str]
    event: dict[str, str]

    @property
    def url(self) -> str:
        return self.event["url"]

    def kill(self) -> None:
        self.popen.send_signal(signal.SIGKILL)
        self.popen.wait(20)
        assert self.popen.stdout is not None
        self.popen.stdout.close()


def start(data: Path) -> Process:
    command = [sys.executable, "-m", "avatarkit.cli", "serve", "--port", "0", "--data", str(data), "--json"]
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert popen.stdout is not None
    for line in popen.stdout:
        event = json.loads(line)
        if event.get("event") == "ready":
            return Process(popen, event)
    raise AssertionError(f"the server ended with {popen.wait()}")


async def credit_used_s(data: Path, app_id: str) -> float:
    """What the app has used, asked as of a moment at which a killed server counts as dead."""
    store = await Store.open(data, "")
    try:
        return (await store.apps.usage(app_id, now_ms=int(time.time() * 1000) + 2 * STALE_MS)).credit_used_s
    finally:
        await store.close()


async def test_the_seconds_of_a_running_session_survive(tmp_path: Path) -> None:
    server = await asyncio.to_thread(start, tmp_path)
    keys = server.event
    async with BackendClient(server.url, keys["app_id"], keys["api_key"]) as backend:
        session = backend.session("default")
        await session.start()
        confirmed_s = time.monotonic()
        await session.wait_motion(await session.send_audio(bytes(32_000), end=True))
        await asyncio.sleep(SPOKEN_S)
        await asyncio.to_thread(server.kill)
        spoken_s = time.monotonic() - confirmed_s
        reason = await session.wait_closed()
    assert isinstance(reason, AvatarError)
    assert reason.code is ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY

    again = await asyncio.to_thread(start, tmp_path)
    try:
        used_s = await credit_used_s(tmp_path, keys["app_id"])
        assert spoken_s - 1.0 <= used_s <= spoken_s + 0.5
        # The same key and avatar serve at once: the dead session holds no place that a new one needs.
        async with BackendClient(again.url, keys["app_id"], keys["api_key"]) as backend:
            async with backend.session("default") as session:
                await session.wait_motion(await session.send_audio(bytes(6_400), end=True))
            after_s = await credit_used_s(tmp_path, keys["app_id"])
        assert after_s >= used_s
    finally:
        await asyncio.to_thread(again.kill)


def test_whatever_was_acknowledged_is_there_after_a_kill(tmp_path: Path) -> None:
    server = start(tmp_path)
    admin = {"X-Admin-Key": server.event["admin_key"]}
    acknowledged: dict[str, str] = {}
    stopped = threading.Event()
    creating = threading.Thread(target=_create_apps, args=(server.url, admin, acknowledged, stopped))
    creating.start()
    while len(acknowledged) < 25:  # in the middle of the next write
        assert creating.is_alive()
        time.sleep(0.001)
    server.kill()
    stopped.set()
    creating.join(20)

    server = start(tmp_path)
    with httpx.Client(base_url=server.url, headers=admin) as http:
        assert set(acknowledged) <= {app["id"] for app in http.get("/v1/admin/apps").json()["apps"]}
        for api_key in acknowledged.values():
            reply = http.post("/v1/console/session-tokens", headers={"X-Api-Key": api_key}, json={})
            assert reply.status_code == 200
    server.kill()


def _create_apps(url: str, admin: dict[str, str], acknowledged: dict[str, str], stopped: threading.Event) -> None:
    with httpx.Client(base_url=url, headers=admin) as http:
        while not stopped.is_set():
            try:
                reply = http.post("/v1/admin/apps", json={"name": "survivor"})
            except httpx.HTTPError:
                return
            if reply.status_code == 201:
                body = reply.json()
                acknowledged[body["id"]] = body["api_key"]
