"""kill -9 in the middle of work loses nothing that was acknowledged, and no credit second older than one."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import httpx

from avatarkit.backend import BackendClient
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.store.database import Store
from avatarkit.server.store.sessions import STALE_MS

from .real_server import Server, start

SPOKEN_S = 2.5


def kill(server: Server) -> None:
    server.process.kill()
    server.process.wait(20)
    assert server.process.stdout is not None
    server.process.stdout.close()


async def credit_used_s(data: Path, app_id: str) -> float:
    """What the app has used, asked as of a moment at which a killed server counts as dead."""
    store = await Store.open(data, "")
    try:
        return (await store.apps.usage(app_id, now_ms=int(time.time() * 1000) + 2 * STALE_MS)).credit_used_s
    finally:
        await store.close()


async def test_apps_keys_avatars_and_the_seconds_of_a_running_session_survive(tmp_path: Path) -> None:
    server = await asyncio.to_thread(start, tmp_path)
    keys = server.ready
    admin = {"X-Admin-Key": keys["admin_key"]}
    acknowledged: dict[str, str] = {}
    stopped = threading.Event()
    creating = threading.Thread(target=_create_apps, args=(server.url, admin, acknowledged, stopped))
    async with BackendClient(server.url, keys["app_id"], keys["api_key"]) as backend:
        session = backend.session("default")
        await session.start()
        confirmed_s = time.monotonic()
        creating.start()
        await session.wait_motion(await session.send_audio(bytes(32_000), end=True))
        await asyncio.sleep(SPOKEN_S)
        await asyncio.to_thread(kill, server)  # in the middle of creating the next app
        spoken_s = time.monotonic() - confirmed_s
        reason = await session.wait_closed()
    stopped.set()
    await asyncio.to_thread(creating.join, 20)
    assert isinstance(reason, AvatarError)
    assert reason.code is ErrorCode.WEBSOCKET_CLOSED_ABNORMALLY
    assert acknowledged

    again = await asyncio.to_thread(start, tmp_path)
    try:
        used_s = await credit_used_s(tmp_path, keys["app_id"])
        assert spoken_s - 1.0 <= used_s <= spoken_s + 0.5
        async with httpx.AsyncClient(base_url=again.url, headers=admin) as http:
            assert set(acknowledged) <= {app["id"] for app in (await http.get("/v1/admin/apps")).json()["apps"]}
            for api_key in acknowledged.values():
                reply = await http.post("/v1/console/session-tokens", headers={"X-Api-Key": api_key}, json={})
                assert reply.status_code == 200
        # The same key and avatar serve at once: the dead session holds no place that a new one needs.
        async with (
            BackendClient(again.url, keys["app_id"], keys["api_key"]) as backend,
            backend.session("default") as session,
        ):
            await session.wait_motion(await session.send_audio(bytes(6_400), end=True))
    finally:
        await asyncio.to_thread(kill, again)


def _create_apps(url: str, admin: dict[str, str], acknowledged: dict[str, str], stopped: threading.Event) -> None:
    with httpx.Client(base_url=url, headers=admin) as http:
        while not stopped.wait(0.05):
            try:
                reply = http.post("/v1/admin/apps", json={"name": "survivor"})
            except httpx.HTTPError:
                return
            if reply.status_code == 201:
                body = reply.json()
                acknowledged[body["id"]] = body["api_key"]
