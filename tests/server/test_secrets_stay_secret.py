"""No key and no token in any log line, whatever goes right or wrong."""

from __future__ import annotations

import contextlib
import logging

import pytest
from server_kit import LoudnessEngine, RawClient, Start, tone
from websockets.asyncio.client import connect


async def test_logs_hold_no_key_and_no_token(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("websockets", "httpx", "httpcore", "hpack"):
        caplog.set_level(logging.CRITICAL, logger=name)  # the test's own client side
    caplog.set_level(logging.DEBUG)

    def fail() -> None:
        raise RuntimeError("no model")

    async with start(engine=LoudnessEngine(fail)) as server:
        keys = server.credentials
        token = await server.token()
        query = f"?id=ada&appId={keys.app_id}&sessionKey={token}"
        client = RawClient(await connect(server.ws_url + query))
        await client.configure()
        await client.next()
        await client.audio("r", tone(1.0))
        await client.closed()
        with contextlib.suppress(Exception):
            await connect(server.ws_url + query.replace("ada", "nobody"))
        with contextlib.suppress(Exception):
            await connect(server.ws_url + query + "x")
        await server.http.get("/v1/admin/apps", headers={"X-Admin-Key": keys.admin_key})
        await server.http.post("/nowhere", headers={"X-Api-Key": keys.api_key}, content=token)

    assert "the motion engine failed" in caplog.text  # the log was indeed read
    for secret in (keys.api_key, keys.admin_key, token, token.split(".")[2]):
        assert secret not in caplog.text
