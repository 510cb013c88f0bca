"""Photos of the page's visitors: who may bring one, whose the avatar is, how many there may be and for how long."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_kit import Running, Start
from test_open_api import BUILT, ask
from test_page import PROXY
from test_photo_jobs import PNG, creations, runner

from avatarkit.clock import VirtualClock
from avatarkit.server.library.job_failure import JobFailure
from avatarkit.server.library.jobs import JobRunner
from avatarkit.server.library.photo import Progress
from avatarkit.server.library.visitors import forget_visitors
from avatarkit.server.page import photos
from avatarkit.server.store.database import Store
from avatarkit.server.store.records import Job

WEEK_H = 168


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs wait for the test; what photos need counts as installed."""
    monkeypatch.setattr(JobRunner, "start", lambda _self: None)
    monkeypatch.setattr(photos, "missing_packages", tuple)


@contextmanager
def visitor(server: Running) -> Iterator[httpx.AsyncClient]:
    """A browser with cookies of its own."""
    before = server.http.cookies
    server.http.cookies = httpx.Cookies()
    yield server.http
    server.http.cookies = before


def problem(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["errors"][0]["code"]


async def bring(server: Running, query: str = "name=Robin&consent=true", **more: Any) -> httpx.Response:
    sent: dict[str, Any] = {"content": PNG, "headers": {"Content-Type": "image/png"}} | more
    return await server.http.post(f"/v1/page/avatars?{query}", **sent)


async def develop(_picture: Path, bundle: Path, _name: str, _tell: Progress) -> None:
    await asyncio.to_thread(shutil.copy, BUILT, bundle)


async def mine(server: Running) -> list[str]:
    answer = (await server.http.get("/v1/page/avatars")).json()
    return [avatar["id"] for avatar in answer["avatars"]]


async def have_one_made(server: Running) -> str:
    job = (await bring(server)).json()["job"]
    photographer = await runner(server, photograph=develop)
    while await photographer.run_one():
        pass
    done = (await server.http.get(f"/v1/page/avatar-jobs/{job['id']}")).json()["job"]
    assert done["status"] == "succeeded"
    return str(done["avatar"]["id"])


async def test_a_photo_becomes_a_character_that_only_its_visitor_is_shown(server: Running) -> None:
    made = await bring(server)
    cookie = made.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/v1/page"))
    job = made.json()["job"]
    assert (job["status"], job["name"], job["ahead"], job["avatar"]) == ("queued", "Robin", 0, None)
    (waiting,) = (await server.http.get("/v1/page/avatars")).json()["jobs"]
    assert waiting["id"] == job["id"]

    assert await (await runner(server, photograph=develop)).run_one()
    avatar = (await server.http.get(f"/v1/page/avatar-jobs/{job['id']}")).json()["job"]["avatar"]
    assert await mine(server) == [avatar["id"]]

    # It can be loaded and talked to by whoever was told its id,
    app = {"X-App-ID": server.credentials.app_id}
    shown = (await server.http.get(f"/v1/client/avatars/{avatar['id']}", headers=app)).json()
    assert shown["sha256"] == avatar["sha256"]
    session = (await server.http.post("/v1/page/session")).json()
    query = {"id": avatar["id"], "appId": session["appId"], "sessionKey": session["sessionToken"]}
    assert (await server.http.get("/v1/client/session", params=query)).status_code == 204
    # and is on no list, nor its job.
    listed = (await server.http.get("/v1/client/avatars", headers=app)).json()["avatars"]
    for avatars in (listed, session["avatars"], (await ask(server, "GET", "/avatars")).json()["avatars"]):
        assert [one["id"] for one in avatars] == ["ada", "default"]
    assert (await ask(server, "GET", "/avatar-jobs")).json()["jobs"] == []

    with visitor(server) as other:
        assert await mine(server) == []
        assert (await other.get(f"/v1/page/avatar-jobs/{job['id']}")).status_code == 404
        assert (await other.delete(f"/v1/page/avatars/{avatar['id']}")).status_code == 404


async def test_a_visitor_deletes_ones_own_and_nothing_else(server: Running) -> None:
    avatar_id = await have_one_made(server)
    assert (await server.http.delete("/v1/page/avatars/ada")).status_code == 404
    assert (await server.http.delete(f"/v1/page/avatars/{avatar_id}")).status_code == 204
    assert await mine(server) == []
    assert (await server.http.delete(f"/v1/page/avatars/{avatar_id}")).status_code == 404
    store = await server.services.store()
    assert await store.avatars.get(avatar_id) is None
    actions = [(entry.action, entry.actor.partition(":")[0]) for entry in await store.audit.list(target=avatar_id)]
    assert actions == [("avatar.delete", "visitor")]


async def test_a_refused_photo_says_why_and_is_not_counted(server: Running) -> None:
    async def refuse(*_: Any) -> None:
        raise JobFailure("image_quality_rejected", "The eyes are shut. Open them. [eyes_closed]")

    job = (await bring(server)).json()["job"]
    await (await runner(server, photograph=refuse)).run_one()
    failed = (await server.http.get(f"/v1/page/avatar-jobs/{job['id']}")).json()["job"]
    assert failed["error"] == {
        "code": "image_quality_rejected",
        "message": "The eyes are shut. Open them.",
        "detail": "eyes_closed",
    }
    assert await creations(server) == 0
    assert (await server.http.get("/v1/page/avatars")).json()["jobs"] == []


@pytest.mark.parametrize(
    ("headers", "page_demo"),
    [
        (PROXY, "local"),
        ({"Host": "rebound.example:8700"}, "local"),
        ({"Origin": "https://elsewhere.example"}, "everyone"),
        ({"Sec-Fetch-Site": "same-site"}, "everyone"),
        ({}, "nobody"),
    ],
    ids=str,
)
async def test_others_than_guests_on_our_own_page_are_refused(
    start: Start, headers: dict[str, str], page_demo: str
) -> None:
    async with start(page_demo=page_demo) as server:
        sent = {"Content-Type": "image/png"} | headers
        assert (await bring(server, headers=sent)).status_code == 403
        for method, path in (("GET", "avatars"), ("DELETE", "avatars/av_1"), ("GET", "avatar-jobs/job_1")):
            reply = await server.http.request(method, f"/v1/page/{path}", headers=headers)
            assert reply.status_code == 403, path
        assert await creations(server) == 0


async def test_what_is_no_photo_or_not_agreed_to_makes_no_job(server: Running) -> None:
    assert problem(await bring(server, "name=Me")) == (400, "consentNeeded")
    assert problem(await bring(server, "name=Me&consent=yes")) == (400, "consentNeeded")
    assert problem(await bring(server, content=b"GIF89a" + bytes(50))) == (400, "invalidImage")
    assert (await bring(server, content=PNG + bytes(5 * 2**20))).status_code == 413
    assert (await bring(server, headers={"Content-Type": "text/plain"})).status_code == 415
    zipped = {"Content-Type": "image/png", "Content-Encoding": "gzip"}
    assert (await bring(server, headers=zipped)).status_code == 415
    assert await creations(server) == 0


@pytest.mark.parametrize(
    ("name", "kept"), [("", "Me"), ("%20%00%0a", "Me"), ("A%00%20%20B", "A B"), ("x" * 99, "x" * 60)]
)
async def test_names_are_made_fit(server: Running, name: str, kept: str) -> None:
    assert (await bring(server, f"name={name}&consent=true")).json()["job"]["name"] == kept


async def test_a_cookie_that_is_none_of_ours_is_replaced(server: Running) -> None:
    for forged in ("", "x", "../../etc/passwd", "a" * 5000):
        server.http.cookies = httpx.Cookies({photos.COOKIE: forged})
        assert await mine(server) == []
    server.http.cookies = httpx.Cookies({photos.COOKIE: "short"})
    given = (await bring(server)).headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert len(given) == 43


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_visitor_may_have_three_and_all_together_so_many(start: Start) -> None:
    async with start(page_photos=4) as server:
        for _ in range(2):
            await have_one_made(server)
        assert (await bring(server)).status_code == 200  # waiting ones count too
        assert problem(await bring(server)) == (409, "tooMany")
        with visitor(server):
            await have_one_made(server)
        with visitor(server):
            assert problem(await bring(server)) == (503, "full")
        await server.http.delete(f"/v1/page/avatars/{(await mine(server))[0]}")
        with visitor(server):
            assert (await bring(server)).status_code == 200


async def test_photos_of_one_address_are_limited_however_many_visitors_it_plays(start: Start) -> None:
    async with start(clock=VirtualClock()) as server:
        replies = []
        for _ in range(11):
            with visitor(server):
                replies.append(await bring(server, content=b"no photo"))
        assert [reply.status_code for reply in replies] == [400] * 10 + [429]
        assert int(replies[-1].headers["retry-after"]) > 60


async def test_the_limits_of_the_demo_app_hold(server: Running) -> None:
    store = await server.services.store()
    await store.apps.set_quotas(server.credentials.app_id, {"max_creations": 0})
    assert problem(await bring(server)) == (503, "full")


async def test_they_are_gone_after_a_while(server: Running) -> None:
    avatar_id = await have_one_made(server)
    store: Store = await server.services.store()
    record = await store.avatars.get(avatar_id)
    assert record is not None

    async def forget(after_h: float) -> None:
        now = int(server.services.unix_time() + after_h * 3600)
        await forget_visitors(store, server.services.assets, hours=WEEK_H, now=now)

    await forget(WEEK_H - 1)
    assert await mine(server) == [avatar_id]
    await forget(WEEK_H + 1)
    assert await mine(server) == []
    assert server.services.assets.path(record.sha256) is None
    assert await store.avatars.get("ada") is not None


async def test_a_server_that_cannot_make_them_says_so(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    async with start(page_photos=0) as server:
        offer = (await server.http.get("/v1/page/avatars")).json()["offer"]
        assert (offer["isPossible"], offer["code"]) == (False, "photosOff")
        assert problem(await bring(server)) == (503, "photosOff")
    monkeypatch.setattr(photos, "missing_packages", lambda: ("mediapipe", "scipy"))
    async with start() as server:
        offer = (await server.http.get("/v1/page/avatars")).json()["offer"]
        assert (offer["isPossible"], offer["code"]) == (False, "photosMissing")
        assert "mediapipe, scipy" in offer["reason"]
        assert problem(await bring(server)) == (503, "photosMissing")


async def test_a_visitor_is_told_how_many_come_before(server: Running) -> None:
    store, now = await server.services.store(), int(server.services.unix_time())
    for age_s in (20, 10):
        made = await store.jobs.create(server.credentials.app_id, "Bo", now=now - age_s, spec="{}")
        assert isinstance(made, Job)
    assert (await bring(server)).json()["job"]["ahead"] == 2
    assert await store.jobs.take(now=now) is not None
    (job,) = (await server.http.get("/v1/page/avatars")).json()["jobs"]
    assert job["ahead"] == 2  # one is being made, one waits
