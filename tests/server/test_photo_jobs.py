"""Photo avatars by the Open API: consent, jobs and their codes, quota, and servers that die."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest
from server_kit import Running, Start, ended
from test_open_api import BUILT, ask, code

from avatarkit.server.library import photo
from avatarkit.server.library.child import ChildError, ChildTimeout
from avatarkit.server.library.job_failure import JobFailure
from avatarkit.server.library.jobs import JobRunner
from avatarkit.server.library.photo import Progress
from avatarkit.server.store.database import Store

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)
IMAGE = {"Content-Type": "image/png"}


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobRunner, "wake", lambda _self: None)


async def runner(server: Running, **more: Any) -> JobRunner:
    return JobRunner(await server.services.store(), server.services.assets, server.services.unix_time, **more)


async def creations(server: Running) -> int:
    store: Store = await server.services.store()
    return (await store.apps.usage(server.credentials.app_id, now_ms=0)).creations


async def upload(server: Running) -> str:
    made = await ask(server, "POST", "/avatars?name=Me&consent=true", content=PNG, headers=IMAGE)
    assert made.status_code == 200, made.text
    return str(made.json()["jobId"])


async def test_consent_is_needed_unless_the_operator_has_it(start: Start, idle: None) -> None:
    body = {"imageUrl": "https://example.org/me.jpg"}
    async with start() as server:
        assert code(await ask(server, "POST", "/avatars", json=body)) == (400, "invalid_request")
        assert code(await ask(server, "POST", "/avatars", content=PNG, headers=IMAGE)) == (400, "invalid_request")
        assert (await ask(server, "POST", "/avatars", json=body | {"consent": True})).status_code == 200
    async with start(photo_consent=False) as server:
        assert (await ask(server, "POST", "/avatars", json=body)).status_code == 200


async def test_an_upload_becomes_an_avatar_and_is_forgotten(server: Running, idle: None) -> None:
    async def photograph(picture: Path, bundle: Path, name: str, _tell: Progress) -> None:
        assert (await asyncio.to_thread(picture.read_bytes), name) == (PNG, "Me")
        await asyncio.to_thread(shutil.copy, BUILT, bundle)

    job_id = await upload(server)
    store = await server.services.store()
    assert (await store.jobs.picture(job_id), await creations(server)) == (PNG, 1)
    await (await runner(server, photograph=photograph)).run_one()
    job = (await ask(server, "GET", f"/avatar-jobs/{job_id}")).json()["job"]
    assert (job["status"], job["error"]) == ("succeeded", None)
    assert (await store.jobs.picture(job_id), await creations(server)) == (None, 1)


async def test_what_is_no_picture_or_too_large_makes_no_job(server: Running) -> None:
    for content, status in ((b"text", 400), (PNG + bytes(5 * 2**20), 413)):
        reply = await ask(server, "POST", "/avatars?consent=true", content=content, headers=IMAGE)
        assert reply.status_code == status
    assert await creations(server) == 0


@pytest.mark.parametrize(
    ("said", "expected", "is_retryable"),
    [
        (ChildError("invalid_image: Damaged. [unreadable]"), "invalid_image", False),
        (ChildError("image_quality_rejected: None. [no_face]"), "image_quality_rejected", False),
        (ChildError("preprocess_failed: Missing."), "preprocess_failed", False),
        (ChildError("it ended with status -9"), "avatar_generation_failed", False),
        (ChildTimeout("it took longer"), "avatar_generation_failed", True),
    ],
)
async def test_a_failure_has_its_code_and_costs_nothing(
    server: Running, idle: None, monkeypatch: pytest.MonkeyPatch, said: ChildError, expected: str, is_retryable: bool
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise said

    monkeypatch.setattr(photo, "run_child", fail)
    job_id = await upload(server)
    await (await runner(server)).run_one()
    job = (await ask(server, "GET", f"/avatar-jobs/{job_id}")).json()["job"]
    assert (job["error"]["code"], job["error"]["retryable"]) == (expected, is_retryable)
    assert await creations(server) == 0


async def test_a_url_that_fails_says_so(server: Running, idle: None) -> None:
    async def download(_url: str) -> bytes:
        raise JobFailure("source_download_failed", "gone", is_retryable=True)

    body = {"imageUrl": "https://example.org/me.jpg", "consent": True}
    job_id = (await ask(server, "POST", "/avatars", json=body)).json()["jobId"]
    await (await runner(server, download=download)).run_one()
    assert (await ended(server, job_id)).error_code == "source_download_failed"


@pytest.mark.stores("sqlite", "postgresql")
async def test_a_job_whose_server_died_is_begun_once_more(server: Running, idle: None) -> None:
    jobs, now = (await server.services.store()).jobs, int(server.services.unix_time())
    await upload(server)
    for later in (0, 100):
        assert await jobs.give_up_stale(now=now + later, after_s=60, upload_after_s=600) == 0
        assert await jobs.take(now=now + later) is not None
    assert await jobs.give_up_stale(now=now + 200, after_s=60, upload_after_s=600) == 1
    assert await creations(server) == 0


@pytest.mark.skipif(importlib.util.find_spec("mediapipe") is None, reason="MediaPipe's models are not installed")
async def test_a_portrait_becomes_an_avatar_end_to_end(server: Running) -> None:
    from avatarkit.server.library.cover import draw_cover

    picture = await asyncio.to_thread(draw_cover, BUILT)
    made = await ask(server, "POST", "/avatars?name=Me&consent=true", content=picture, headers=IMAGE)
    job = await ended(server, made.json()["jobId"])
    assert (job.status.value, job.error_message) == ("succeeded", None)
