"""Assets in a storage that servers share (fsspec's in-memory one), and what of them is kept compressed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from server_kit import Running, Start

from avatarkit.errors import AvatarError
from avatarkit.server.library.assets import BUNDLE, COMPRESSED, COVER, AssetFolder, open_assets
from avatarkit.server.library.child import ChildError, run_child

fsspec = pytest.importorskip("fsspec")
DENSE = random.Random(2).randbytes(4000)
SPARSE = b"face " * 1000


@pytest.fixture
def storage() -> Iterator[str]:
    url = f"memory://{uuid4().hex}"
    yield url
    fsspec.filesystem("memory").store.clear()


def added(assets: AssetFolder, folder: Path, content: bytes) -> str:
    source = folder / "source.glb"
    source.write_bytes(content)
    return assets.add(source)[0]


def content_of(assets: AssetFolder, sha256: str, kind: str = BUNDLE) -> bytes | None:
    path = assets.path(sha256, kind)
    return None if path is None else path.read_bytes()


def test_what_one_server_adds_another_has(storage: str, tmp_path: Path) -> None:
    one, two = open_assets(tmp_path / "one", storage), open_assets(tmp_path / "two", storage)

    sha256 = added(one, tmp_path, SPARSE)
    one.add_cover(sha256, b"picture")

    assert content_of(two, sha256) == SPARSE
    assert gzip.decompress(content_of(two, sha256, COMPRESSED) or b"") == SPARSE
    assert content_of(two, sha256, COVER) == b"picture"
    assert two.path("0" * 64) is None


def test_what_the_storage_holds_under_a_wrong_name_is_not_given_out(storage: str, tmp_path: Path) -> None:
    files = fsspec.filesystem("memory")
    root = storage.removeprefix("memory://")
    sha256 = "ab" + "0" * 62
    files.pipe(f"/{root}/ab/{sha256}.glb", b"forged")

    assert open_assets(tmp_path, storage).path(sha256) is None


def test_removing_removes_it_there_too(storage: str, tmp_path: Path) -> None:
    one = open_assets(tmp_path / "one", storage)
    sha256 = added(one, tmp_path, SPARSE)

    one.remove(sha256)
    one.remove("../../x")

    assert one.path(sha256) is None
    assert open_assets(tmp_path / "two", storage).path(sha256) is None


def test_a_storage_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(AvatarError, match="asset storage"):
        open_assets(tmp_path, "nonsense://x")


@pytest.mark.parametrize("kind", ["..", "/etc/passwd", ".exe"])
def test_only_known_kinds_are_files(tmp_path: Path, kind: str) -> None:
    assert AssetFolder(tmp_path).path("0" * 64, kind) is None


def test_content_that_does_not_shrink_is_not_kept_twice(tmp_path: Path) -> None:
    assets = AssetFolder(tmp_path)

    assert assets.path(added(assets, tmp_path, DENSE), COMPRESSED) is None
    assert assets.path(added(assets, tmp_path, SPARSE), COMPRESSED) is not None


async def test_a_bundle_is_sent_compressed_to_those_who_take_it(server: Running) -> None:
    record = await server.add_avatar("sparse", SPARSE)
    path = f"/v1/client/assets/{record.sha256}"

    packed = await server.http.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    plain = await server.http.get(path, headers={"Accept-Encoding": "gzip;q=0, identity"})
    part = await server.http.get(path, headers={"Accept-Encoding": "gzip", "Range": "bytes=5-9"})
    known = await server.http.get(path, headers={"If-None-Match": packed.headers["etag"], "Accept-Encoding": "gzip"})

    assert packed.content == plain.content == SPARSE
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < len(SPARSE) / 10
    assert "content-encoding" not in plain.headers
    assert packed.headers["etag"] != plain.headers["etag"]
    assert (part.status_code, part.content) == (206, SPARSE[5:10])
    assert "content-encoding" not in part.headers
    assert known.status_code == 304
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


async def test_a_server_serves_from_the_shared_storage(start: Start, storage: str) -> None:
    async with start(asset_storage=storage) as server:
        record = await server.add_avatar("sparse", SPARSE)
        local = server.services.assets.path(record.sha256)
        assert local is not None
        local.unlink()

        reply = await server.http.get(f"/v1/client/assets/{record.sha256}", headers={"Accept-Encoding": "identity"})

        assert reply.content == SPARSE


async def test_a_storage_that_fails_is_told_from_a_file_that_is_not_there(
    start: Start, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class LibraryError(Exception):
        """Of no kind that we know, as those of S3's library."""

    def fail(*_arguments: object, **_more: object) -> None:
        raise LibraryError("no route to the storage")

    async with start(asset_storage=storage) as server:
        absent = await server.http.get(f"/v1/client/assets/{'0' * 64}")
        monkeypatch.setattr(fsspec.filesystem("memory"), "get_file", fail)
        failed = await server.http.get(f"/v1/client/assets/{'0' * 64}")

    assert (absent.status_code, failed.status_code) == (404, 503)
    assert "route" not in failed.text


async def test_a_child_that_fails_or_hangs_ends_with_its_reason() -> None:
    with pytest.raises(ChildError, match="avatar file") as caught:
        await run_child("avatarkit.server.library.cover", "/nonexistent.glb", "/nonexistent.png", timeout_s=60)
    assert "Traceback" not in str(caught.value)
    with pytest.raises(ChildError, match=r"longer than 0\.01 s"):
        await run_child("timeit", "-n", "1000000000", timeout_s=0.01)


async def test_the_picture_of_what_is_no_bundle_cannot_be_drawn(server: Running) -> None:
    record = await server.add_avatar("plain")

    reply = await server.http.get(f"/v1/client/covers/{record.sha256}", timeout=60)

    assert reply.status_code == 503
    assert (await server.http.get(f"/v1/client/covers/{'0' * 64}")).status_code == 404
