"""Loading avatars: shared, checked, kept."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from client_fakes import InstantClock

from avatarkit import (
    Avatar,
    AvatarError,
    AvatarManager,
    AvatarSDK,
    Configuration,
    ErrorCode,
    LoadProgress,
    LoadProgressType,
)

BUNDLE = bytes(range(256)) * 1000
ENDPOINT = "http://avatars.test"


class Library:
    """A server's avatar library, in memory."""

    def __init__(self) -> None:
        self.bundle = BUNDLE
        self.fields: dict[str, Any] = {}
        self.status = 200
        self.asset_status = 200
        self.asked: list[str] = []
        self.headers: list[httpx.Headers] = []
        self.offline = False
        self.gate: asyncio.Event | None = None
        self.downloading = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        self.headers.append(request.headers)
        if self.offline:
            raise httpx.ConnectError("unreachable")
        if "/assets/" in request.url.path:
            self.downloading.set()
            if self.gate is not None:
                await self.gate.wait()
            return httpx.Response(self.asset_status, content=self.bundle)
        if self.status != 200:
            return httpx.Response(self.status, json={"errors": [{"title": "something"}]})
        sha256 = hashlib.sha256(BUNDLE).hexdigest()
        document = {
            "id": "x",
            "name": "Someone",
            "version": 3,
            "bundleUrl": f"/v1/client/assets/{sha256}",
            "sha256": sha256,
            "size": len(BUNDLE),
            "minimumSdkVersion": "0.1.0",
            "camera": None,
        }
        return httpx.Response(200, content=json.dumps(document | self.fields))

    @property
    def downloads(self) -> int:
        return sum("/assets/" in path for path in self.asked)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def library() -> Library:
    return Library()


@pytest.fixture
async def manager(library: Library, tmp_path: Path) -> AvatarManager:
    await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT, cache_dir=tmp_path))
    return AvatarManager(http_transport=httpx.MockTransport(library), clock=InstantClock())


async def test_load_downloads_checks_and_tells(manager: AvatarManager, library: Library) -> None:
    progress: list[LoadProgress] = []
    avatar = await manager.load("someone", progress.append)
    assert avatar.asset_path.read_bytes() == BUNDLE
    assert (avatar.id, avatar.name, avatar.version, avatar.is_from_cache) == ("someone", "Someone", 3, False)
    assert progress[0] == LoadProgress(LoadProgressType.DOWNLOADING, 0.0)
    assert progress[-1] == LoadProgress(LoadProgressType.COMPLETED, 1.0)
    shares = [p.progress for p in progress if p.progress is not None]
    assert shares == sorted(shares)
    assert all(headers["x-app-id"] == "app" for headers in library.headers)


async def test_a_hit_downloads_nothing_and_tells_nothing(manager: AvatarManager, library: Library) -> None:
    await manager.load("someone")
    progress: list[LoadProgress] = []
    avatar = await manager.load("someone", progress.append)
    assert avatar.is_from_cache
    assert progress == []
    assert library.downloads == 1


async def test_a_hit_still_learns_what_changed_on_the_server(manager: AvatarManager, library: Library) -> None:
    await manager.load("someone")
    library.fields = {"name": "Renamed", "version": 4}
    avatar = await manager.load("someone")
    assert (avatar.name, avatar.version, avatar.is_from_cache) == ("Renamed", 4, True)


async def test_two_loads_share_one_download(manager: AvatarManager, library: Library) -> None:
    library.gate = asyncio.Event()
    progress: list[LoadProgress] = []
    one = asyncio.create_task(manager.load("someone"))
    two = asyncio.create_task(manager.load("someone", progress.append))
    await asyncio.sleep(0)
    library.gate.set()
    assert await one == await two
    assert library.downloads == 1
    assert progress[-1].type is LoadProgressType.COMPLETED


async def test_one_who_gives_up_does_not_stop_the_other(manager: AvatarManager, library: Library) -> None:
    library.gate = asyncio.Event()
    one = asyncio.create_task(manager.load("someone"))
    two = asyncio.create_task(manager.load("someone"))
    await library.downloading.wait()
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    library.gate.set()
    assert (await two).id == "someone"


async def test_the_last_one_who_gives_up_stops_the_download(
    manager: AvatarManager, library: Library, tmp_path: Path
) -> None:
    library.gate = asyncio.Event()
    only = asyncio.create_task(manager.load("someone"))
    await library.downloading.wait()
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    for _ in range(20):
        await asyncio.sleep(0)
    assert manager._loads == {}
    assert files(tmp_path) == []


async def test_cleanup_cancels_loads(manager: AvatarManager, library: Library) -> None:
    library.gate = asyncio.Event()
    loading = asyncio.create_task(manager.load("someone"))
    await library.downloading.wait()
    await AvatarSDK.cleanup()
    with pytest.raises(AvatarError) as caught:
        await loading
    assert caught.value.code is ErrorCode.LOAD_CANCELLED


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bundle": BUNDLE[:-1] + b"x"}, ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS),
        ({"bundle": BUNDLE + b"x"}, ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS),
        ({"bundle": BUNDLE[:-1]}, ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS),
        ({"asset_status": 404}, ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS),
        ({"asset_status": 302}, ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS),
        ({"status": 404}, ErrorCode.AVATAR_ID_UNRECOGNIZED),
        ({"status": 403}, ErrorCode.APP_ID_UNRECOGNIZED),
        ({"status": 500}, ErrorCode.FAILED_TO_FETCH_AVATAR_METADATA),
        ({"offline": True}, ErrorCode.FAILED_TO_FETCH_AVATAR_METADATA),
        ({"fields": {"minimumSdkVersion": "99.0"}}, ErrorCode.UNSUPPORTED_AVATAR_ASSET),
        ({"fields": {"sha256": None}}, ErrorCode.INVALID_AVATAR_METADATA),
        ({"fields": {"sha256": "../../etc/passwd"}}, ErrorCode.INVALID_AVATAR_METADATA),
        ({"fields": {"size": 10**12}}, ErrorCode.INVALID_AVATAR_METADATA),
        ({"fields": {"bundleUrl": "file:///etc/passwd"}}, ErrorCode.INVALID_AVATAR_METADATA),
    ],
)
async def test_a_failure_is_told_and_not_kept(
    manager: AvatarManager, library: Library, tmp_path: Path, change: dict[str, Any], code: ErrorCode
) -> None:
    before = dict(vars(library))
    vars(library).update(change)
    progress: list[LoadProgress] = []
    with pytest.raises(AvatarError) as caught:
        await manager.load("someone", progress.append)
    assert caught.value.code is code
    assert progress[-1].type is LoadProgressType.FAILED
    assert progress[-1].error is caught.value
    assert manager.retrieve("someone") is None
    assert files(tmp_path) == []
    vars(library).update({name: before[name] for name in change})
    assert not (await manager.load("someone")).is_from_cache


@pytest.mark.parametrize(("status", "retryable"), [(500, True), (503, True), (429, True), (400, False)])
async def test_whether_a_retry_may_help(
    manager: AvatarManager, library: Library, status: int, retryable: bool
) -> None:
    library.status = status
    with pytest.raises(AvatarError) as caught:
        await manager.load("someone")
    assert caught.value.retryable is retryable


async def test_optional_fields_may_be_null(manager: AvatarManager, library: Library) -> None:
    library.fields = {"name": None, "version": None, "minimumSdkVersion": None, "licence": None, "new": [1]}
    avatar = await manager.load("someone")
    assert (avatar.name, avatar.version) == ("someone", 1)


@pytest.mark.parametrize("body", [b"", b"no json", b"[]", b"[" * 100_000, b" " * 2_000_000])
async def test_metadata_that_is_none(manager: AvatarManager, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(manager, "_http_transport", httpx.MockTransport(lambda _: httpx.Response(200, content=body)))
    with pytest.raises(AvatarError) as caught:
        await manager.load("someone")
    assert caught.value.code is ErrorCode.INVALID_AVATAR_METADATA


async def test_the_copy_on_disk_serves_when_the_server_is_away(manager: AvatarManager, library: Library) -> None:
    first = await manager.load("someone")
    library.offline = True
    again = await manager.load("someone")
    assert again.is_from_cache
    assert again.asset_path == first.asset_path


async def test_a_damaged_copy_is_downloaded_again(manager: AvatarManager, library: Library) -> None:
    first = await manager.load("someone")
    first.asset_path.write_bytes(b"damaged")
    again = await manager.load("someone")
    assert not again.is_from_cache
    assert again.asset_path.read_bytes() == BUNDLE


async def test_retrieve_never_asks_the_network(manager: AvatarManager, library: Library, tmp_path: Path) -> None:
    assert manager.retrieve("someone") is None
    await manager.load("someone")
    asked = len(library.asked)
    found = manager.retrieve("someone")
    assert isinstance(found, Avatar)
    assert found.is_from_cache
    assert len(library.asked) == asked
    next((tmp_path / "avatars").glob("*.json")).write_text("{damaged")
    assert manager.retrieve("someone") is None


async def test_clear_keeps_what_another_avatar_needs(manager: AvatarManager, library: Library) -> None:
    one, two = await manager.load("one"), await manager.load("two")
    assert one.asset_path == two.asset_path
    assert library.downloads == 1
    manager.clear("one")
    manager.clear("never loaded")
    assert manager.retrieve("one") is None
    assert two.asset_path.is_file()
    manager.clear("two")
    assert not two.asset_path.exists()


async def test_clear_all_leaves_other_apps_alone(manager: AvatarManager, library: Library, tmp_path: Path) -> None:
    await manager.load("someone")
    await AvatarSDK.cleanup()
    await AvatarSDK.initialize("other", Configuration(endpoint=ENDPOINT, cache_dir=tmp_path))
    assert manager.retrieve("someone") is None  # another app may have another avatar of that id
    await manager.load("someone")
    manager.clear_all()
    assert manager.retrieve("someone") is None
    await AvatarSDK.cleanup()
    await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT, cache_dir=tmp_path))
    assert manager.retrieve("someone") is not None


@pytest.mark.parametrize("avatar_id", ["", "  ", "a\nb", "x" * 200])
async def test_bad_ids_do_not_reach_the_network(manager: AvatarManager, library: Library, avatar_id: str) -> None:
    with pytest.raises(AvatarError) as caught:
        await manager.load(avatar_id)
    assert caught.value.code is ErrorCode.AVATAR_ID_UNRECOGNIZED
    assert library.asked == []


async def test_an_id_cannot_leave_its_path(manager: AvatarManager, library: Library, tmp_path: Path) -> None:
    await manager.load("../../admin?x#y")
    assert library.asked[0] == "/v1/client/avatars/..%2F..%2Fadmin%3Fx%23y"
    assert {path.parent for path in files(tmp_path)} == {tmp_path / "avatars", tmp_path / "bundles"}


async def test_the_app_id_goes_to_the_endpoint_alone(manager: AvatarManager, library: Library) -> None:
    library.fields = {"bundleUrl": "https://elsewhere.test/v1/client/assets/x"}
    await manager.load("someone")
    assert "x-app-id" not in library.headers[-1]


async def test_a_progress_callback_that_fails_breaks_nothing(manager: AvatarManager) -> None:
    def fail(_: LoadProgress) -> None:
        raise RuntimeError("the app's own mistake")

    assert (await manager.load("someone", fail)).id == "someone"


async def test_a_folder_that_cannot_be_written(library: Library, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    await AvatarSDK.initialize("app", Configuration(endpoint=ENDPOINT, cache_dir=blocked))
    with pytest.raises(AvatarError, match="cache_dir") as caught:
        await AvatarManager(http_transport=httpx.MockTransport(library), clock=InstantClock()).load("someone")
    assert caught.value.code is ErrorCode.FAILED_TO_DOWNLOAD_AVATAR_ASSETS
    assert not caught.value.retryable
