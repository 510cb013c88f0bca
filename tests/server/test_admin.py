from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx
import pytest
from server_kit import BUNDLE, Running, Start

from avatarkit.clock import VirtualClock
from avatarkit.server.console.admin import OPERATIONS
from avatarkit.server.console.claims import TokenClaims, TokenFault, TokenOptions

ROUTES = [(operation.method, operation.path) for operation in OPERATIONS]


async def ask(server: Running, method: str, path: str, **more: object) -> httpx.Response:
    headers = {"X-Admin-Key": server.credentials.admin_key}
    return await server.http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_wants_the_admin_key_and_no_other(server: Running, method: str, path: str) -> None:
    for key in ("", "adm_wrong", server.credentials.api_key, "x" * 1000):
        reply = await server.http.request(
            method, path.replace("{", "").replace("}", ""), headers={"X-Admin-Key": key}
        )
        assert reply.status_code == 401


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_new_app_comes_with_a_key_that_works(server: Running) -> None:
    made = (await ask(server, "POST", "/v1/admin/apps", json={"name": "shop"})).json()

    token = await server.http.post("/v1/console/session-tokens", headers={"X-Api-Key": made["api_key"]})
    listed = (await ask(server, "GET", "/v1/admin/apps")).json()["apps"]

    assert token.json()["appId"] == made["id"]
    (shop,) = [app for app in listed if app["id"] == made["id"]]
    assert (shop["name"], shop["created_at"]) == ("shop", made["created_at"])
    assert made["api_key"] not in str(listed)


async def test_further_keys_for_an_app(server: Running) -> None:
    app_id = server.credentials.app_id
    made = await ask(server, "POST", f"/v1/admin/apps/{app_id}/keys")
    missing = await ask(server, "POST", "/v1/admin/apps/app_none/keys")

    reply = await server.http.post("/v1/console/session-tokens", headers={"X-Api-Key": made.json()["api_key"]})
    assert (made.status_code, reply.status_code, missing.status_code) == (201, 200, 404)


@pytest.mark.parametrize("body", [{}, {"name": 5}, {"name": ""}, {"name": "x" * 200}])
async def test_a_bad_name_is_refused(server: Running, body: dict[str, object]) -> None:
    assert (await ask(server, "POST", "/v1/admin/apps", json=body)).status_code == 400


async def test_what_is_no_bundle_is_refused_with_the_reason_and_leaves_nothing(server: Running) -> None:
    reply = await ask(server, "PUT", "/v1/admin/avatars/new", content=BUNDLE)

    assert reply.status_code == 400
    assert reply.json()["errors"][0]["title"]
    assert (await ask(server, "GET", "/v1/admin/avatars/new")).status_code == 404
    assert list(server.services.assets.incoming().iterdir()) == []


@pytest.mark.parametrize("avatar_id", ["-x", "a%20b", "x" * 65, "%2e%2e"])
async def test_a_malformed_avatar_id_is_refused(server: Running, avatar_id: str) -> None:
    assert (await ask(server, "PUT", f"/v1/admin/avatars/{avatar_id}", content=BUNDLE)).status_code in (400, 404)


@pytest.mark.stores("sqlite", "postgresql")
async def test_quotas_are_set_shown_and_taken_back(server: Running) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}"
    await ask(server, "PATCH", path, json={"quotas": {"max_sessions": 3, "credit_limit_s": 60}})
    changed = (await ask(server, "PATCH", path, json={"quotas": {"max_sessions": None}, "name": "New"})).json()

    assert changed["name"] == "New"
    assert changed["quotas"] == {
        "max_sessions": None,
        "max_session_s": None,
        "credit_limit_s": 60,
        "max_creations": None,
    }
    assert changed["usage"] == {"open_sessions": 0, "credit_used_s": 0.0, "creations": 0}


@pytest.mark.parametrize(
    "body",
    [
        {"quotas": {"max_sessions": -1}},
        {"quotas": {"max_sessions": 2**40}},
        {"quotas": {"x": 1}},
        {"disabled": "yes"},
    ],
)
async def test_a_bad_change_is_refused(server: Running, body: dict[str, object]) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}"
    assert (await ask(server, "PATCH", path, json=body)).status_code == 400


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_disabled_app_gets_no_token_until_it_is_enabled(server: Running) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}"
    statuses = []
    for disabled in (True, False):
        await ask(server, "PATCH", path, json={"disabled": disabled})
        headers = {"X-Api-Key": server.credentials.api_key}
        statuses.append((await server.http.post("/v1/console/session-tokens", headers=headers)).status_code)

    assert statuses == [401, 200]


@pytest.mark.stores("sqlite", "postgresql")
async def test_keys_are_listed_by_prefix_with_their_use_and_revoked(server: Running) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}/keys"
    made = (await ask(server, "POST", path, json={"name": "ci", "scopes": ["tokens"]})).json()
    await server.http.post("/v1/console/session-tokens", headers={"X-Api-Key": made["api_key"]})

    listed = await ask(server, "GET", path)
    (key,) = [one for one in listed.json()["keys"] if one["prefix"] == made["api_key_prefix"]]
    revoked = [await ask(server, "DELETE", f"/v1/admin/keys/{key['prefix']}") for _ in range(2)]
    refused = await server.http.post("/v1/console/session-tokens", headers={"X-Api-Key": made["api_key"]})

    assert (key["name"], key["scopes"], key["revoked_at"]) == ("ci", ["tokens"], None)
    assert key["last_used_at"] is not None
    assert made["api_key"] not in listed.text
    assert [reply.status_code for reply in revoked] == [204, 404]
    assert refused.status_code == 401


@pytest.mark.stores("sqlite", "postgresql")
async def test_an_app_with_avatars_or_sessions_is_not_deleted(server: Running) -> None:
    made = (await ask(server, "POST", "/v1/admin/apps", json={"name": "shop"})).json()
    path = f"/v1/admin/apps/{made['id']}"
    store = await server.services.store()
    record = await store.avatars.get("ada")
    assert record is not None
    await store.avatars.put(replace(record, id="own", owner=made["id"]))

    assert (await ask(server, "DELETE", path)).status_code == 409
    await ask(server, "DELETE", "/v1/admin/avatars/own")
    assert (await ask(server, "DELETE", path)).status_code == 204
    assert (await ask(server, "GET", path)).status_code == 404


@pytest.mark.stores("sqlite", "postgresql")
async def test_tokens_are_made_limited_and_revoked(server: Running) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}/tokens"
    body = {"lifetime_s": 60, "single_use": True, "avatar_id": "ada", "max_seconds": 9}
    made = (await ask(server, "POST", path, json=body)).json()
    claims = await server.services.check_token(made["sessionToken"])
    assert isinstance(claims, TokenClaims)
    revoked = await ask(server, "POST", "/v1/admin/revoked-tokens", json={"token": made["sessionToken"]})

    assert claims.options == TokenOptions(single_use=True, avatar_id="ada", max_seconds=9)
    assert revoked.json()["id"] == claims.id
    assert await (await server.services.store()).tokens.is_revoked(claims.id)
    assert (await ask(server, "POST", "/v1/admin/revoked-tokens", json={"token": "x"})).status_code == 400
    assert (await ask(server, "DELETE", path)).status_code == 204


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_rotated_key_still_verifies_and_a_dropped_one_does_not(server: Running) -> None:
    async def fault(token: str) -> bool:
        return isinstance(await server.services.check_token(token), TokenFault)

    old = await server.token()
    keys = (await ask(server, "POST", "/v1/admin/signing-keys", json={})).json()["signing_keys"]
    new = await server.token()
    assert [key["retired_at"] is None for key in keys] == [True, False]
    assert [await fault(old), await fault(new)] == [False, False]

    keys = (await ask(server, "POST", "/v1/admin/signing-keys", json={"drop_old": True})).json()["signing_keys"]

    assert len(keys) == 1
    assert [await fault(old), await fault(new), await fault(await server.token())] == [True, True, False]


@pytest.mark.stores("sqlite", "postgresql")
async def test_versions_can_be_gone_back_to(server: Running) -> None:
    await server.add_avatar("ada", b"other content")
    shown = (await ask(server, "GET", "/v1/admin/avatars/ada")).json()
    back = (await ask(server, "PATCH", "/v1/admin/avatars/ada", json={"version": 1})).json()
    missing = await ask(server, "PATCH", "/v1/admin/avatars/ada", json={"version": 9})

    assert (shown["version"], [one["version"] for one in shown["versions"]]) == (2, [2, 1])
    assert (back["version"], back["size"]) == (1, len(BUNDLE))
    assert missing.status_code == 404


@pytest.mark.stores("sqlite", "postgresql")
async def test_an_avatar_for_some_apps_only(server: Running) -> None:
    app_id = server.credentials.app_id

    async def status() -> int:
        return (await server.http.get("/v1/client/avatars/ada", headers={"X-App-ID": app_id})).status_code

    await ask(server, "PATCH", "/v1/admin/avatars/ada", json={"visibility": "granted"})
    statuses = [await status()]
    granted = await ask(server, "PUT", f"/v1/admin/avatars/ada/grants/{app_id}")
    statuses.append(await status())
    await ask(server, "DELETE", f"/v1/admin/avatars/ada/grants/{app_id}")
    statuses.append(await status())

    assert statuses == [404, 200, 404]
    assert granted.json()["grants"] == [app_id]


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_session_is_seen_and_ended(server: Running) -> None:
    client = await server.session()
    (one,) = (await ask(server, "GET", "/v1/admin/sessions?open=true")).json()["sessions"]

    ended = await ask(server, "DELETE", f"/v1/admin/sessions/{one['id']}")
    await client.closed()
    await until_async(lambda: is_ended(server, one["id"]))

    assert (one["app_id"], one["avatar_id"], one["end_reason"]) == (server.credentials.app_id, "ada", None)
    assert ended.status_code == 202
    assert (await ask(server, "DELETE", f"/v1/admin/sessions/{one['id']}")).status_code == 404


async def is_ended(server: Running, session_id: str) -> bool:
    return bool((await ask(server, "GET", f"/v1/admin/sessions/{session_id}")).json()["ended_at"])


async def until_async(condition: Callable[[], Awaitable[bool]]) -> None:
    while not await condition():  # noqa: ASYNC110 - the condition is another task's doing
        await asyncio.sleep(0)


@pytest.mark.stores("sqlite", "postgresql")
async def test_the_audit_log_says_who_changed_what(server: Running) -> None:
    made = (await ask(server, "POST", "/v1/admin/apps", json={"name": "shop"})).json()
    await ask(server, "PATCH", f"/v1/admin/apps/{made['id']}", json={"quotas": {"max_sessions": 1}})

    entries = (await ask(server, "GET", f"/v1/admin/audit?target={made['id']}")).json()["entries"]

    assert [(entry["actor"], entry["action"]) for entry in entries] == [
        ("admin", "app.change"),
        ("admin", "app.create"),
    ]
    assert entries[0]["detail"] == {"quotas": {"max_sessions": 1}}
    assert made["api_key"] not in str(entries)


@pytest.mark.stores("sqlite", "postgresql")
@pytest.mark.parametrize("name", ["%00", "a%2Fb", "%E2%82%AC", "x" * 65, "..%5c"])
async def test_names_in_paths_that_nothing_can_have_are_not_found(server: Running, name: str) -> None:
    for path in (f"/v1/admin/apps/{name}", f"/v1/admin/avatars/{name}", f"/v1/admin/sessions/{name}"):
        assert (await ask(server, "GET", path)).status_code == 404


async def test_the_description_names_every_operation_and_no_secret(server: Running) -> None:
    document = (await server.http.get("/v1/admin/openapi.json")).json()

    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == set(ROUTES)
    assert document["openapi"] == "3.1.0"


async def test_a_method_that_a_path_has_not_is_told_those_that_it_has(server: Running) -> None:
    reply = await ask(server, "TRACE", "/v1/admin/apps")

    assert reply.status_code == 405
    assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_a_whole_number_may_be_written_with_a_point(server: Running) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}"
    headers = {"X-Admin-Key": server.credentials.admin_key}
    replies = [
        await server.http.patch(path, headers=headers, content=f'{{"quotas": {{"max_sessions": {number}}}}}')
        for number in ("5.0", "1e1", "5.5", "1e999", "NaN")
    ]

    assert [reply.status_code for reply in replies] == [200, 200, 400, 400, 400]
    assert replies[1].json()["quotas"]["max_sessions"] == 10


@pytest.mark.parametrize(("days", "kept"), [(0, ["new", "old"]), (30, ["new"])])
async def test_the_audit_log_is_kept_as_long_as_is_set(start: Start, days: int, kept: list[str]) -> None:
    clock = VirtualClock()
    async with start(clock=clock, audit_days=days) as server:
        audit, now = (await server.services.store()).audit, int(time.time())
        await audit.note("admin", "app.change", "old", now=now - 31 * 86_400)
        await audit.note("admin", "app.change", "new", now=now - 29 * 86_400)
        await clock.advance(3600)
        while [entry.target for entry in await audit.list()] != kept:
            await clock.advance(15)
