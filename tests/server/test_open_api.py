"""The Open API, as an app's backend uses it."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_kit import Running, Start, add_plain_avatar

from avatarkit.clock import VirtualClock
from avatarkit.server.library.child import ChildError
from avatarkit.server.library.jobs import JobRunner
from avatarkit.server.store.records import AvatarRecord, AvatarState, Scope, Visibility
from avatarkit.types import Camera

BUILT = Path(__file__).parents[2] / "src/avatarkit/avatars/builtin/default.glb"


async def ask(
    server: Running, method: str, path: str, *, key: str = "", app_id: str = "", **more: Any
) -> httpx.Response:
    headers = {"X-API-Key": key or server.credentials.api_key, "X-App-ID": app_id or server.credentials.app_id}
    return await server.http.request(method, f"/v1/open{path}", headers=headers | more.pop("headers", {}), **more)


def code(reply: httpx.Response) -> tuple[int, str]:
    error = reply.json()["error"]
    assert set(error) == {"code", "message", "request_id"}
    assert error["request_id"] == reply.headers["x-request-id"]
    return reply.status_code, error["code"]


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_page_of_avatars_and_the_next(server: Running) -> None:
    for name in ("b1", "b2", "b3"):
        await server.add_avatar(name)

    first = (await ask(server, "GET", "/avatars", params={"pagination.pageSize": 3})).json()
    token = first["pagination"]["nextPageToken"]
    second = (
        await ask(server, "GET", "/avatars", params={"pagination.pageSize": 3, "pagination.pageToken": token})
    ).json()

    assert [one["id"] for one in first["avatars"] + second["avatars"]] == ["ada", "b1", "b2", "b3", "default"]
    assert first["pagination"]["totalCount"] == 5
    assert second["pagination"] == {"nextPageToken": "", "totalCount": 5}
    assert set(first["avatars"][0]) == {"id", "name", "coverUrl", "backgroundImageUrl", "createdAt", "updatedAt"}


@pytest.mark.parametrize(
    "query", ["pageSize=0", "pageSize=-1", "pageSize=x", "pageToken=%00", "pageToken=!!!", "pageToken=/w=="]
)
async def test_a_bad_page_is_refused(server: Running, query: str) -> None:
    assert code(await ask(server, "GET", f"/avatars?pagination.{query}")) == (400, "invalid_request")


async def test_a_page_has_at_most_100(server: Running) -> None:
    assert (await ask(server, "GET", "/avatars?pagination.pageSize=5000")).status_code == 200


@pytest.mark.stores("sqlite", "postgresql")
async def test_key_and_app_are_both_needed_and_the_scope_too(server: Running) -> None:
    store = await server.services.store()
    reader = await store.keys.create(server.credentials.app_id, now=1, scopes=[Scope.AVATARS_READ])

    assert code(await ask(server, "GET", "/avatars", key="ak_wrong")) == (401, "unauthorized")
    assert code(await ask(server, "GET", "/avatars", app_id="app_other")) == (403, "forbidden")
    assert (await ask(server, "GET", "/avatars", key=reader.text)).status_code == 200
    assert code(await ask(server, "DELETE", "/avatars/ada", key=reader.text)) == (403, "forbidden")
    token = await server.http.post("/v1/console/session-tokens", headers={"X-Api-Key": reader.text})
    assert token.status_code == 403


async def test_forty_requests_at_once_and_twenty_a_second(start: Start) -> None:
    clock = VirtualClock()
    async with start(clock=clock) as server:
        replies = [await ask(server, "GET", "/avatars") for _ in range(41)]
        await clock.advance(1.0)
        later = [await ask(server, "GET", "/avatars") for _ in range(21)]

    assert [reply.status_code for reply in replies] == [200] * 40 + [429]
    assert code(replies[-1]) == (429, "rate_limit_exceeded")
    assert replies[-1].headers["retry-after"] == "1"
    assert [reply.status_code for reply in later] == [200] * 20 + [429]


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/videos", (404, "not_found")),
        ("PUT", "/avatars", (405, "invalid_request")),
        ("GET", "/avatars/%00", (404, "not_found")),
        ("GET", "/avatar-jobs?statuses=lost", (400, "invalid_request")),
    ],
)
async def test_every_refusal_has_the_documented_shape(
    server: Running, method: str, path: str, expected: tuple[int, str]
) -> None:
    assert code(await ask(server, method, path)) == expected


async def test_a_failure_of_ours_has_it_too(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr((await server.services.store()).avatars, "page_visible", fail)

    reply = await ask(server, "GET", "/avatars")

    assert code(reply) == (500, "internal_error")
    assert "disk" not in reply.text


@pytest.mark.stores("sqlite", "postgresql")
async def test_an_uploaded_bundle_is_the_apps_own(server: Running) -> None:
    store = await server.services.store()
    other = await store.apps.create("other", now=1)
    other_key = await store.keys.create(other.id, now=1)

    headers = {"Content-Type": "model/gltf-binary"}
    made = await ask(server, "POST", "/avatars?name=Mine", content=BUILT.read_bytes(), headers=headers)
    avatar_id = made.json()["avatarId"]

    assert made.json()["status"] == "succeeded"
    shown = (await ask(server, "GET", f"/avatars/{avatar_id}")).json()["avatar"]
    assert (shown["id"], shown["name"]) == (avatar_id, "Mine")
    theirs = {"key": other_key.text, "app_id": other.id}
    assert code(await ask(server, "GET", f"/avatars/{avatar_id}", **theirs)) == (404, "not_found")
    assert code(await ask(server, "DELETE", f"/avatars/{avatar_id}", **theirs)) == (404, "not_found")
    job = (await ask(server, "GET", f"/avatar-jobs/{made.json()['jobId']}")).json()["job"]
    assert (job["status"], job["avatarId"], job["error"]) == ("succeeded", avatar_id, None)
    record = await store.avatars.get(avatar_id)
    assert record is not None
    assert (await ask(server, "DELETE", f"/avatars/{avatar_id}")).status_code == 200
    assert server.services.assets.path(record.sha256) is None
    assert [entry.action for entry in await store.audit.list(target=avatar_id)] == ["avatar.delete", "avatar.add"]


async def test_avatars_of_the_operator_are_not_deleted(server: Running) -> None:
    assert code(await ask(server, "DELETE", "/avatars/ada")) == (403, "forbidden")


async def test_a_refused_bundle_is_a_failed_job_and_costs_nothing(server: Running) -> None:
    headers = {"Content-Type": "application/octet-stream"}

    assert code(await ask(server, "POST", "/avatars", content=b"no bundle", headers=headers)) == (
        400,
        "invalid_request",
    )

    (job,) = (await ask(server, "GET", "/avatar-jobs?statuses=failed")).json()["jobs"]
    assert job["error"]["code"] == "avatar_generation_failed"
    usage = await (await server.services.store()).apps.usage(server.credentials.app_id, now_ms=0)
    assert usage.creations == 0


async def test_a_compressed_upload_is_refused(server: Running) -> None:
    headers = {"Content-Type": "model/gltf-binary", "Content-Encoding": "gzip"}

    assert (await ask(server, "POST", "/avatars", content=b"x" * 100, headers=headers)).status_code == 415


async def test_an_upload_over_the_limit_is_refused(start: Start) -> None:
    async with start(upload_limit=1000) as server:
        headers = {"Content-Type": "model/gltf-binary"}
        assert (await ask(server, "POST", "/avatars", content=b"x" * 1001, headers=headers)).status_code == 413


@pytest.mark.parametrize(
    "spec",
    [
        {"face": {"../../secret": 1}},
        {"face": {"nose/nose-point-down|up": 99}},
        {"face": {"nose/nose-point-down|up": True}},
        {"hair_style": "../crop"},
        {"age": 12},
        {"skin": [1, 2]},
        {"skin": [0.1, 0.2, 1e999]},
        {"seed": -1},
        {"rest": {"../x": 1}},
        {"unknown": 1},
    ],
)
async def test_a_spec_is_checked_before_anything_is_built(server: Running, spec: dict[str, Any]) -> None:
    reply = await ask(server, "POST", "/avatars", content=json.dumps({"spec": spec}))

    assert code(reply) == (400, "invalid_request")
    assert (await ask(server, "GET", "/avatar-jobs")).json()["pagination"]["totalCount"] == 0


async def test_a_spec_is_queued_and_who_asked_for_it_is_noted(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobRunner, "wake", lambda _self: None)

    made = (await ask(server, "POST", "/avatars", json={"name": "Bo", "spec": {"seed": 7}})).json()

    assert set(made) == {"jobId", "status", "createdAt"}
    job = (await ask(server, "GET", f"/avatar-jobs/{made['jobId']}")).json()["job"]
    assert (job["status"], job["name"], job["avatarId"]) == ("queued", "Bo", None)
    (entry,) = await (await server.services.store()).audit.list(target=made["jobId"])
    assert (entry.actor, entry.action) == (f"key:{server.credentials.api_key[:11]}", "job.create")


async def make_runner(server: Running, build: Any) -> JobRunner:
    return JobRunner(await server.services.store(), server.services.assets, server.services.unix_time, build)


async def queue(server: Running) -> str:
    store = await server.services.store()
    job = await store.jobs.create(server.credentials.app_id, "Bo", now=int(server.services.unix_time()), spec="{}")
    return job.id  # type: ignore[union-attr]


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_spec_becomes_an_avatar_of_the_app(server: Running) -> None:
    async def build(spec: Path, bundle: Path) -> None:
        assert json.loads(await asyncio.to_thread(spec.read_text)) == {"name": "Bo", "spec": {}}
        await asyncio.to_thread(shutil.copy, BUILT, bundle)

    job_id = await queue(server)
    assert await (await make_runner(server, build)).run_one()

    job = (await ask(server, "GET", f"/avatar-jobs/{job_id}")).json()["job"]
    assert job["status"] == "succeeded"
    record = await (await server.services.store()).avatars.get(job["avatarId"])
    assert record is not None
    assert (record.owner, record.visibility) == (server.credentials.app_id, Visibility.GRANTED)


async def test_a_build_that_fails_says_why_and_is_not_counted(server: Running) -> None:
    async def build(_spec: Path, _bundle: Path) -> None:
        raise ChildError("the head data is not installed")

    job_id = await queue(server)
    await (await make_runner(server, build)).run_one()

    job = (await ask(server, "GET", f"/avatar-jobs/{job_id}")).json()["job"]
    assert job["error"] == {
        "code": "avatar_generation_failed",
        "message": "the head data is not installed",
        "retryable": False,
    }
    usage = await (await server.services.store()).apps.usage(server.credentials.app_id, now_ms=0)
    assert usage.creations == 0


@pytest.mark.stores("sqlite", "postgresql")
async def test_creations_are_limited_by_quota_and_by_how_many_run(server: Running) -> None:
    store = await server.services.store()
    body = {"spec": {}}
    for _ in range(10):
        await queue(server)
    assert code(await ask(server, "POST", "/avatars", json=body)) == (429, "concurrency_limit_exceeded")

    await store.apps.set_quotas(server.credentials.app_id, {"max_creations": 10})

    assert code(await ask(server, "POST", "/avatars", json=body)) == (402, "insufficient_avatar_units")


@pytest.mark.stores("sqlite", "postgresql")
async def test_twenty_creations_a_minute(server: Running) -> None:
    store, now = await server.services.store(), int(server.services.unix_time())
    for _ in range(20):
        job_id = await queue(server)
        await store.jobs.succeed(job_id, "av_x", now=now)

    assert code(await ask(server, "POST", "/avatars", json={"spec": {}})) == (429, "rate_limit_exceeded")


@pytest.mark.stores("sqlite", "postgresql")
async def test_who_sees_which_avatar(server: Running) -> None:
    store = await server.services.store()
    mine, other = server.credentials.app_id, (await store.apps.create("other", now=1)).id
    await add_plain_avatar(store, server.services.assets, "shared")
    draft = AvatarRecord(
        "draft",
        "D",
        1,
        "1" * 64,
        1,
        "0.1.0",
        "CC0",
        "Us",
        Camera(),
        1,
        1,
        mine,
        AvatarState.DRAFT,
        Visibility.GRANTED,
    )
    await store.avatars.put(draft)
    await store.avatars.set_visibility("shared", Visibility.GRANTED, now=2)

    async def seen_by(app_id: str) -> set[str]:
        return {one.id for one in await store.avatars.list_visible(app_id)} - {"ada", "default"}

    assert (await seen_by(mine), await seen_by(other)) == ({"draft"}, set())
    await store.avatars.grant("shared", other)
    assert (await seen_by(mine), await seen_by(other)) == ({"draft"}, {"shared"})
    await store.avatars.set_state("shared", AvatarState.WITHDRAWN, now=3)
    assert await seen_by(other) == set()
    headers = {"X-App-ID": mine}
    assert (await server.http.get("/v1/client/avatars/shared", headers=headers)).status_code == 404
    assert (await server.http.get("/v1/client/avatars/draft", headers=headers)).status_code == 200
