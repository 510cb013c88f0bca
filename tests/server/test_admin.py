from __future__ import annotations

import httpx
import pytest
from server_kit import BUNDLE, Running

ROUTES = [
    ("GET", "/v1/admin/apps"),
    ("POST", "/v1/admin/apps"),
    ("POST", "/v1/admin/apps/app_x/keys"),
    ("GET", "/v1/admin/avatars"),
    ("GET", "/v1/admin/avatars/ada"),
    ("PUT", "/v1/admin/avatars/new"),
]


async def ask(server: Running, method: str, path: str, **more: object) -> httpx.Response:
    headers = {"X-Admin-Key": server.credentials.admin_key}
    return await server.http.request(method, path, headers=headers, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_every_route_wants_the_admin_key_and_no_other(server: Running, method: str, path: str) -> None:
    for key in ("", "adm_wrong", server.credentials.api_key, "x" * 1000):
        reply = await server.http.request(method, path, headers={"X-Admin-Key": key})
        assert reply.status_code == 401


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
