"""Local bundles, the size of the cache, and two downloads of one file at once."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest

from avatarkit import AvatarError, AvatarManager, AvatarSDK, Configuration, ErrorCode
from avatarkit._cache import AvatarCache
from avatarkit._partial import open_partial
from avatarkit.avatars import builtin
from avatarkit.transport.metadata import AvatarMetadata


@pytest.fixture
async def manager(tmp_path: Path) -> AvatarManager:
    await AvatarSDK.initialize("app", Configuration(endpoint="http://avatars.test", cache_dir=tmp_path))
    return AvatarManager()


def keep(cache: AvatarCache, avatar_id: str, content: bytes) -> Path:
    sha256 = hashlib.sha256(content).hexdigest()
    with cache.new_bundle(sha256) as file:
        file.write(content)
    metadata = AvatarMetadata(avatar_id, avatar_id, 1, "http://avatars.test/x", sha256, len(content), None)
    return cache.record(metadata, is_from_cache=False).asset_path


async def test_derive_a_local_bundle(manager: AvatarManager) -> None:
    path = builtin.default_path()
    avatar = await manager.derive(path)
    assert avatar.asset_path == path.resolve()
    assert avatar.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert avatar.id.startswith("local-")
    assert (await manager.derive(str(path), "someone")).id == "someone"


async def test_derive_what_is_none(manager: AvatarManager, tmp_path: Path) -> None:
    with pytest.raises(AvatarError) as caught:
        await manager.derive(tmp_path / "missing.glb")
    assert caught.value.code is ErrorCode.AVATAR_ASSET_MISSING
    (tmp_path / "text.glb").write_text("no bundle")
    with pytest.raises(AvatarError) as caught:
        await manager.derive(tmp_path / "text.glb")
    assert caught.value.code is ErrorCode.UNSUPPORTED_AVATAR_ASSET


async def test_cache_size_and_trim(manager: AvatarManager, tmp_path: Path) -> None:
    cache = AvatarCache(tmp_path, "http://avatars.test\0app")
    for number, name in enumerate(("oldest", "middle", "newest")):
        keep(cache, name, name.encode() * 10)
        os.utime(cache._record_path(name), (number, number))
    keep(AvatarCache(tmp_path, "another app"), "foreign", b"foreign")
    assert manager.cache_size("oldest") == 60
    assert manager.cache_size("unknown") == 0
    assert manager.cache_size() == 180
    manager.clear_lru(2)
    assert [manager.retrieve(name) is not None for name in ("oldest", "middle", "newest")] == [False, True, True]
    assert manager.cache_size() == 120
    manager.clear_lru(0)
    assert manager.cache_size() == 0
    assert AvatarCache(tmp_path, "another app").find("foreign") is not None
    with pytest.raises(AvatarError):
        manager.clear_lru(-1)


async def test_an_avatar_that_was_loaded_lately_survives_the_trim(manager: AvatarManager, tmp_path: Path) -> None:
    cache = AvatarCache(tmp_path, "http://avatars.test\0app")
    for name in ("first", "second"):
        keep(cache, name, name.encode())
        os.utime(cache._record_path(name), (1, 1))
    keep(cache, "first", b"first")
    manager.clear_lru(1)
    assert manager.retrieve("first") is not None
    assert manager.retrieve("second") is None


def test_two_downloads_of_one_file_never_mix(tmp_path: Path) -> None:
    place, done = tmp_path / ".part-x", tmp_path / "x"
    with open_partial(place) as first, open_partial(place) as second:
        first.file.write(b"of the first")
        second.file.write(b"of the second")
        assert first.is_kept
        assert not second.is_kept
        second.become(done)
        assert done.read_bytes() == b"of the second"
        first.become(done)
    assert done.read_bytes() == b"of the first"
    assert list(tmp_path.iterdir()) == [done]


def test_a_download_that_broke_off_is_gone_on_with(tmp_path: Path) -> None:
    cache = AvatarCache(tmp_path, "scope")

    def break_off() -> None:
        with cache.new_bundle("a" * 64) as file:
            file.write(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        break_off()
    with cache.new_bundle("a" * 64) as file:
        assert file.read() == b"half"
        file.write(b" and half")
    assert cache.bundle_path("a" * 64).read_bytes() == b"half and half"


async def test_two_processes_may_load_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from avatarkit._cache import AvatarCache\n"
        "cache = AvatarCache(Path(sys.argv[1]), 's')\n"
        "for i in range(40):\n"
        "    with cache.new_bundle('b' * 64) as file:\n"
        "        file.seek(0); file.truncate(); file.write(b'whole' * 1000)\n"
        "    assert cache.bundle_path('b' * 64).read_bytes() == b'whole' * 1000\n"
    )
    import sys

    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path)) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == ["b" * 64 + ".glb"]
