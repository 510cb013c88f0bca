"""The question that browsers ask after a refused upgrade, whose answer they cannot read."""

from __future__ import annotations

import httpx
from server_kit import Running


async def asked(server: Running, token: str, avatar: str = "ada") -> httpx.Response:
    headers = {"X-App-ID": server.credentials.app_id, "X-Session-Key": token, "Origin": "https://elsewhere.example"}
    async with httpx.AsyncClient() as client:
        return await client.get(f"{server.url}/v1/client/session", params={"id": avatar}, headers=headers)


async def test_a_good_token_is_admitted(server: Running) -> None:
    assert (await asked(server, await server.token())).status_code == 204


async def test_a_refusal_reads_as_that_of_the_upgrade(server: Running) -> None:
    reply = await asked(server, "bogus")

    assert (reply.status_code, reply.content) == (400, b'{"message":"Invalid session token"}\n')
    assert (await asked(server, await server.token(), "nobody")).json() == {"message": "Avatar not found"}


async def test_pages_of_any_origin_may_ask(server: Running) -> None:
    reply = await asked(server, "bogus")

    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    async with httpx.AsyncClient() as client:
        preflight = await client.options(f"{server.url}/v1/client/session", headers={"Origin": "https://x.example"})
    assert "X-Session-Key" in preflight.headers["Access-Control-Allow-Headers"]
