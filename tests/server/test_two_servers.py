"""Two real server processes on one PostgreSQL share what is counted or used up, and what is revoked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from postgres_kit import Cluster
from server_kit import RawClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from avatarkit.protocol import avatarkit_pb2 as pb

COMMAND = [sys.executable, "-m", "avatarkit.cli", "serve", "--port", "0", "--engine", "envelope", "--json"]


class Pair:
    """Two servers, and what the first start of either printed."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.urls = [event["url"] for event in events]
        self.first_starts = [event for event in events if event.get("api_key")]
        self.sockets: list[ClientConnection] = []

    async def admin(self, server: int, method: str, path: str, **body: Any) -> Any:
        headers = {"X-Admin-Key": self.first_starts[0]["admin_key"]}
        async with httpx.AsyncClient(base_url=self.urls[server], headers=headers) as http:
            reply = await http.request(method, "/v1/admin" + path, **body)
        assert reply.is_success, reply.text
        return reply.json() if reply.content else None

    async def token(self, server: int, api_key: str, **body: Any) -> str:
        async with httpx.AsyncClient(base_url=self.urls[server], headers={"X-API-Key": api_key}) as http:
            reply = await http.post("/v1/console/session-tokens", json=body)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["sessionToken"])

    async def open(self, server: int, app_id: str, token: str) -> tuple[str, RawClient | None]:
        """How a session opens: ``open``, the HTTP status, or the number of the error."""
        url = self.urls[server].replace("http", "ws", 1) + "/websocket?id=default"
        headers = {"X-App-ID": app_id, "X-Session-Key": token}
        try:
            socket = await connect(url, additional_headers=headers, open_timeout=30)
        except InvalidStatus as refused:
            return str(refused.response.status_code), None
        self.sockets.append(socket)
        client = RawClient(socket)
        await client.configure()
        answer = await client.next()
        if answer.type == pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION:
            return "open", client
        return str(answer.server_error.code), client

    async def race(self, app_id: str, token: str, each: int) -> Counter[str]:
        """That many sessions opened at the same time on both."""
        tries = [self.open(server, app_id, token) for server in (0, 1) for _ in range(each)]
        return Counter(outcome for outcome, _ in await asyncio.gather(*tries))


def start_process(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, env=environment)


@contextlib.asynccontextmanager
async def two_servers(data: Path, database_url: str) -> AsyncIterator[Pair]:
    environment = {**os.environ, "AVATARKIT_DATABASE_URL": database_url, "AVATARKIT_DATA": str(data)}
    processes = [start_process(environment) for _ in range(2)]
    try:
        lines = [await asyncio.to_thread(process.stdout.readline) for process in processes]  # type: ignore[union-attr]
        pair = Pair([json.loads(line) for line in lines])
        yield pair
        for socket in pair.sockets:
            await socket.close()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await asyncio.to_thread(process.communicate)
    assert [process.returncode for process in processes] == [0, 0]


async def test_quotas_single_use_and_revocation_hold_across_both(
    cluster: Cluster, migrated: str, tmp_path: Path
) -> None:
    async with two_servers(tmp_path, cluster.new_database(like=migrated)) as pair:
        # Both found an empty store: one made the first app and keys, and each avatar is there once.
        assert len(pair.first_starts) == 1
        avatars = (await pair.admin(1, "GET", "/avatars"))["avatars"]
        assert "default" in [avatar["id"] for avatar in avatars]
        assert {avatar["version"] for avatar in avatars} == {1}

        app = await pair.admin(0, "POST", "/apps", json={"name": "shop", "quotas": {"max_sessions": 5}})
        places = await pair.race(app["id"], await pair.token(1, app["api_key"]), 8)
        assert places == {"open": 5, "4003": 11}

        other = await pair.admin(1, "POST", "/apps", json={"name": "kiosk"})
        once = await pair.token(0, other["api_key"], singleUse=True)
        assert await pair.race(other["id"], once, 4) == {"open": 1, "400": 7}

        token = await pair.token(0, other["api_key"])
        outcome, client = await pair.open(1, other["id"], token)
        assert (outcome, client is not None) == ("open", True)
        await pair.admin(0, "POST", "/revoked-tokens", json={"token": token, "end_sessions": True})
        assert [(await pair.open(server, other["id"], token))[0] for server in (0, 1)] == ["400", "400"]
        assert client is not None
        assert (await client.closed())[0] == 4010  # by the other process, within its next beat

        key = await pair.admin(1, "POST", f"/apps/{other['id']}/keys", json={})
        bought = await pair.token(0, key["api_key"])
        await pair.admin(0, "POST", "/signing-keys", json={})  # both go on, whichever signs
        assert (await pair.open(1, other["id"], bought))[0] == "open"
        assert (await pair.open(1, other["id"], await pair.token(0, key["api_key"])))[0] == "open"
        await pair.admin(1, "DELETE", f"/keys/{key['api_key_prefix']}")
        assert (await pair.open(0, other["id"], bought))[0] == "400"
