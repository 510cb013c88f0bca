from __future__ import annotations

import hashlib

import httpx
import pytest
from server_kit import BUNDLE, Running

SHA256 = hashlib.sha256(BUNDLE).hexdigest()
ASSET = f"/v1/client/assets/{SHA256}"


async def ask(server: Running, path: str, *, app_id: str | None = None) -> httpx.Response:
    return await server.http.get(path, headers={"X-App-ID": app_id or server.credentials.app_id})


async def test_metadata_describes_the_bundle(server: Running) -> None:
    answer = (await ask(server, "/v1/client/avatars/ada")).json()

    assert answer["bundleUrl"] == ASSET
    assert (answer["sha256"], answer["size"]) == (SHA256, len(BUNDLE))
    assert (answer["id"], answer["name"], answer["version"]) == ("ada", "Ada", 1)
    assert (answer["minimumSdkVersion"], answer["license"]) == ("0.1.0", "CC0-1.0")
    assert answer["camera"] == {"position": [0.0, 0.0, 0.9], "target": [0.0, 0.0, 0.0], "verticalFovDeg": 24.0}


@pytest.mark.stores("sqlite", "postgresql")
async def test_the_list_holds_every_avatar(server: Running) -> None:
    await server.add_avatar("bob", b"another bundle")

    listed = (await ask(server, "/v1/client/avatars")).json()["avatars"]

    assert {"ada", "bob"} <= {avatar["id"] for avatar in listed}


@pytest.mark.stores("sqlite", "postgresql")
async def test_other_content_makes_a_new_version_and_the_same_content_does_not(server: Running) -> None:
    again = await server.add_avatar("ada")
    other = await server.add_avatar("ada", b"new face")

    assert (again.version, other.version) == (1, 2)
    assert (await ask(server, "/v1/client/avatars/ada")).json()["version"] == 2


@pytest.mark.stores("sqlite", "postgresql")
async def test_an_unknown_avatar_is_told_from_an_unknown_app(server: Running) -> None:
    missing = await ask(server, "/v1/client/avatars/nobody")
    stranger = await ask(server, "/v1/client/avatars/ada", app_id="app_unknown")
    nobody = await server.http.get("/v1/client/avatars")

    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "avatarIDUnrecognized")
    assert (stranger.status_code, stranger.json()["errors"][0]["code"]) == (403, "appIDUnrecognized")
    assert nobody.status_code == 403


async def test_an_asset_is_whole_immutable_and_tagged(server: Running) -> None:
    reply = await server.http.get(ASSET)

    assert reply.content == BUNDLE
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["etag"] == f'"{SHA256}"'
    assert reply.headers["content-type"] == "model/gltf-binary"
    assert reply.headers["accept-ranges"] == "bytes"


async def test_a_part_of_an_asset(server: Running) -> None:
    reply = await server.http.get(ASSET, headers={"Range": "bytes=100-199"})

    assert (reply.status_code, reply.content) == (206, BUNDLE[100:200])
    assert reply.headers["content-range"] == f"bytes 100-199/{len(BUNDLE)}"


async def test_the_rest_of_an_asset_if_it_is_still_the_same(server: Running) -> None:
    headers = {"Range": "bytes=5000-", "If-Range": f'"{SHA256}"'}

    reply = await server.http.get(ASSET, headers=headers)

    assert (reply.status_code, reply.content) == (206, BUNDLE[5000:])


async def test_a_range_outside_the_asset_is_refused(server: Running) -> None:
    reply = await server.http.get(ASSET, headers={"Range": f"bytes={len(BUNDLE)}-"})

    assert reply.status_code == 416


@pytest.mark.parametrize("tag", [f'"{SHA256}"', f'W/"{SHA256}"', f'"x", "{SHA256}"', "*"])
async def test_what_the_client_has_is_not_sent_again(server: Running, tag: str) -> None:
    reply = await server.http.get(ASSET, headers={"If-None-Match": tag})

    assert (reply.status_code, reply.content) == (304, b"")
    assert reply.headers["etag"] == f'"{SHA256}"'


@pytest.mark.parametrize("name", ["0" * 64, "short", SHA256.upper(), "..%2f..%2favatarkit.db", "../../avatarkit.db"])
async def test_what_is_no_asset_is_not_found(server: Running, name: str) -> None:
    assert (await server.http.get(f"/v1/client/assets/{name}")).status_code == 404


async def test_head_answers_without_body(server: Running) -> None:
    reply = await server.http.head(ASSET)

    assert (reply.status_code, reply.content, reply.headers["content-length"]) == (200, b"", str(len(BUNDLE)))


async def test_web_pages_of_any_origin_may_read_the_client_routes_and_no_other(server: Running) -> None:
    preflight = await server.http.options("/v1/client/avatars/ada", headers={"Origin": "https://app.example"})
    client = await ask(server, "/v1/client/avatars/ada")
    console = await server.http.post("/v1/console/session-tokens")

    assert preflight.status_code == 204
    assert "X-App-ID" in preflight.headers["access-control-allow-headers"]
    assert client.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-origin" not in console.headers


async def test_every_answer_carries_the_security_headers(server: Running) -> None:
    for path in ("/", "/healthz", "/nowhere", ASSET):
        headers = (await server.http.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_health_and_readiness(server: Running) -> None:
    assert (await server.http.get("/healthz")).json()["status"] == "ok"
    assert (await server.http.get("/readyz")).json() == {"status": "ready"}
