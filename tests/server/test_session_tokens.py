from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from server_kit import Running

from avatarkit.server.console.session_tokens import PATHS
from avatarkit.server.console.tokens import TokenClaims, TokenFault, TokenSigner
from avatarkit.server.store.records import SigningKey

HOUR = 3600


async def ask(server: Running, body: Any = None, *, key: str | None = None, path: str = PATHS[0]) -> httpx.Response:
    headers = {"X-Api-Key": server.credentials.api_key if key is None else key}
    return await server.http.post(path, headers=headers, json=body)


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_answers_with_the_token_under_both_names(server: Running, path: str) -> None:
    expires = int(time.time()) + HOUR

    reply = await ask(server, {"expireAt": expires}, path=path)

    answer = reply.json()
    assert reply.status_code == 200
    assert answer["sessionToken"] == answer["session_token"] != ""
    assert (answer["expireAt"], answer["appId"]) == (expires, server.credentials.app_id)
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_token_says_its_app_and_expiry(server: Running) -> None:
    expires = int(time.time()) + HOUR
    answer = (await ask(server, {"expireAt": expires})).json()

    claims = (await server.services.signer()).check(answer["sessionToken"], now=time.time())

    assert isinstance(claims, TokenClaims)
    assert (claims.app_id, claims.expires_at) == (server.credentials.app_id, expires)
    assert server.credentials.api_key.startswith(claims.options.key_prefix)


@pytest.mark.parametrize("body", [None, {}, {"expire_at": int(time.time()) + 1800}])
async def test_expiry_may_be_left_out_or_be_spelled_otherwise(server: Running, body: Any) -> None:
    reply = await ask(server, body)

    assert reply.status_code == 200
    assert time.time() < reply.json()["expireAt"] <= time.time() + HOUR + 1


@pytest.mark.parametrize("ahead", [0, -10, 24 * HOUR + 60])
async def test_an_expiry_in_the_past_or_over_a_day_ahead_is_refused(server: Running, ahead: int) -> None:
    reply = await ask(server, {"expireAt": int(time.time()) + ahead})

    assert reply.status_code == 400
    assert "expireAt" in reply.json()["errors"][0]["detail"]


@pytest.mark.parametrize("value", ["tomorrow", 1.5, True, [], "1795393977"])
async def test_an_expiry_that_is_no_whole_number_is_refused(server: Running, value: Any) -> None:
    assert (await ask(server, {"expireAt": value})).status_code == 400


@pytest.mark.stores("sqlite", "postgresql")
@pytest.mark.parametrize("key", ["", "ak_00000000_" + "x" * 43, "x" * 5000, "ak_é"])
async def test_an_unknown_key_is_refused_in_the_shape_that_clients_parse(server: Running, key: str) -> None:
    reply = await server.http.post(PATHS[0], headers={"X-Api-Key": key.encode()}, json={})

    error = reply.json()["errors"][0]
    assert reply.status_code == 401
    assert (error["status"], error["title"]) == (401, "Invalid API key")
    assert {"id", "code", "detail"} <= set(error)
    assert "unauthorized" not in reply.text.lower()


async def test_a_key_with_one_character_changed_is_refused(server: Running) -> None:
    key = server.credentials.api_key

    assert (await ask(server, {}, key=key[:-1] + ("A" if key[-1] != "A" else "B"))).status_code == 401


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_revoked_key_is_refused(server: Running) -> None:
    store = await server.services.store()
    assert await store.keys.revoke(server.credentials.api_key[:11], now=1)

    assert (await ask(server, {})).status_code == 401


async def test_naming_the_keys_app_is_fine_and_another_is_refused(server: Running) -> None:
    assert (await ask(server, {"appId": server.credentials.app_id})).status_code == 200
    assert (await ask(server, {"app_id": server.credentials.app_id})).status_code == 200
    reply = await ask(server, {"appId": "app_other"})
    assert (reply.status_code, reply.json()["errors"][0]["title"]) == (403, "App ID unrecognized")


@pytest.mark.parametrize("content", [b"{", b"[]", b"7", b"\xff", b"[" * 5000])
async def test_a_body_that_is_no_json_object_is_refused(server: Running, content: bytes) -> None:
    reply = await server.http.post(PATHS[0], headers={"X-Api-Key": server.credentials.api_key}, content=content)

    assert reply.status_code == 400


async def test_a_large_body_is_refused_whether_or_not_its_size_is_declared(server: Running) -> None:
    async def stream() -> Any:
        for _ in range(70):
            yield b" " * 1024

    for content in (b" " * 70_000, stream()):
        reply = await server.http.post(PATHS[0], headers={"X-Api-Key": server.credentials.api_key}, content=content)
        assert reply.status_code == 413


async def test_other_methods_and_paths_are_refused_in_the_same_shape(server: Running) -> None:
    assert (await server.http.get(PATHS[0])).json()["errors"][0]["status"] == 405
    assert (await server.http.get("/nowhere")).json()["errors"][0]["status"] == 404


class TestSigner:
    signer = TokenSigner([SigningKey("a", b"k" * 32, 0, None)])

    def test_a_token_expires_at_its_second(self) -> None:
        token = self.signer.issue("app", expires_at=200, now=100)

        claims = self.signer.check(token, now=199.9)
        assert isinstance(claims, TokenClaims)
        assert (claims.app_id, claims.expires_at, claims.issued_at_ms) == ("app", 200, 100_000)
        assert self.signer.check(token, now=200) is TokenFault.EXPIRED

    def test_two_tokens_of_the_same_moment_differ(self) -> None:
        assert self.signer.issue("app", expires_at=2, now=1) != self.signer.issue("app", expires_at=2, now=1)

    @pytest.mark.parametrize("expires_at", [100, 99, 100 + 24 * HOUR + 1])
    def test_it_issues_for_a_day_at_most(self, expires_at: int) -> None:
        with pytest.raises(ValueError, match="24 hours"):
            self.signer.issue("app", expires_at=expires_at, now=100)

    def test_another_key_another_algorithm_and_garbage_are_invalid(self) -> None:
        other = TokenSigner([SigningKey("a", b"o" * 32, 0, None)]).issue("app", expires_at=200, now=100)
        unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhcHAiLCJleHAiOjIwMH0."

        for token in (other, unsigned, "", "x", "a.b.c", "x" * 5000, "\x00é"):
            assert self.signer.check(token, now=100) is TokenFault.INVALID

    def test_a_changed_claim_is_invalid(self) -> None:
        head, _, tail = self.signer.issue("app", expires_at=200, now=100).split(".")
        claims = self.signer.issue("other", expires_at=200, now=100).split(".")[1]

        assert self.signer.check(f"{head}.{claims}.{tail}", now=100) is TokenFault.INVALID

    def test_a_short_key_is_refused(self) -> None:
        with pytest.raises(ValueError, match="32 bytes"):
            TokenSigner([SigningKey("a", b"short", 0, None)])


async def test_keys_that_another_server_made_count_here(server: Running) -> None:
    elsewhere = (await server.services.store()).signing_keys
    now = int(time.time())
    old = await server.token()
    await elsewhere.rotate(now=now)
    foreign = TokenSigner(await elsewhere.valid(now=now)).issue("app", expires_at=now + 60, now=now)

    claims = await server.services.check_token(foreign)
    assert isinstance(claims, TokenClaims)
    assert claims.app_id == "app"
    assert isinstance(await server.services.check_token(old), TokenClaims)
    await elsewhere.rotate(now=now, drop_old=True)
    server.services._keys_read_s -= 31
    assert await server.services.check_token(old) is TokenFault.INVALID


@pytest.mark.parametrize(
    "option",
    [
        {"singleUse": "yes"},
        {"single_use": 1},
        {"avatarId": ""},
        {"avatar_id": 5},
        {"maxSeconds": 0},
        {"max_seconds": True},
        {"maxSeconds": 10**9},
    ],
)
async def test_a_bad_option_is_refused(server: Running, option: dict[str, Any]) -> None:
    assert (await ask(server, option)).status_code == 400


async def test_options_are_in_the_token(server: Running) -> None:
    reply = await ask(server, {"singleUse": True, "avatarId": "ada", "maxSeconds": 30})

    claims = await server.services.check_token(reply.json()["sessionToken"])
    assert isinstance(claims, TokenClaims)
    assert (claims.options.single_use, claims.options.avatar_id, claims.options.max_seconds) == (True, "ada", 30)
