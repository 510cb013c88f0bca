"""``avatarkit serve`` on PostgreSQL, killed in the middle of a session, and another in its place at once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from postgres_kit import Cluster

from avatarkit.backend import BackendClient

SPOKEN_S = 1.5


@contextlib.contextmanager
def serving(data: Path, database_url: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The process and what it announced; killed in the end."""
    environment = {**os.environ, "AVATARKIT_DATABASE_URL": database_url, "AVATARKIT_ENGINE": "envelope"}
    command = [sys.executable, "-m", "avatarkit.cli", "serve", "--port", "0", "--data", str(data), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.wait(20)
        process.stdout.close()


async def speak(event: dict[str, Any], keys: dict[str, Any], for_s: float) -> None:
    async with (
        BackendClient(event["url"], keys["app_id"], keys["api_key"]) as backend,
        backend.session("default") as session,
    ):
        await session.wait_motion(await session.send_audio(bytes(6_400), end=True))
        await asyncio.sleep(for_s)


async def test_nothing_is_lost_and_no_second_is_made_up(cluster: Cluster, migrated: str, tmp_path: Path) -> None:
    database_url = cluster.new_database(like=migrated)
    with serving(tmp_path, database_url) as (process, first):
        admin = {"X-Admin-Key": first["admin_key"]}
        async with httpx.AsyncClient(base_url=first["url"], headers=admin) as http:
            made = (await http.post("/v1/admin/apps", json={"name": "survivor"})).json()
        async with (
            BackendClient(first["url"], made["id"], made["api_key"]) as backend,
            backend.session("default"),
        ):
            confirmed_s = time.monotonic()
            await asyncio.sleep(SPOKEN_S)
            process.kill()
            spoken_s = time.monotonic() - confirmed_s

    with serving(tmp_path, database_url) as (_, second):
        async with httpx.AsyncClient(base_url=second["url"], headers=admin) as http:
            # Whether or not the dead server was missed yet.
            app = (await http.get(f"/v1/admin/apps/{made['id']}")).json()
            assert spoken_s - 1.0 <= app["usage"]["credit_used_s"] <= spoken_s + 1.0
            ids = {entry["id"] for entry in (await http.get("/v1/admin/apps")).json()["apps"]}
            assert {first["app_id"], made["id"]} <= ids
        await speak(second, {"app_id": made["id"], "api_key": made["api_key"]}, 0.0)
