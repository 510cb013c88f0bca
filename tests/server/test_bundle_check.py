"""A bundle from outside is read in a child, within limits."""

from __future__ import annotations

from pathlib import Path

import pytest
from server_kit import Running
from test_library_add import small_bundle

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.library.check import check_apart, check_here


async def test_the_child_says_what_reading_it_here_says(tmp_path: Path) -> None:
    bundle, adopted = tmp_path / "tri.glb", tmp_path / "adopted.glb"
    small_bundle(bundle)

    assert await check_apart(bundle, adopted) == check_here(bundle, adopted)


async def test_a_refusal_comes_through_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "text.glb").write_bytes(b"no model at all")
    with pytest.raises(AvatarError) as here:
        check_here(tmp_path / "text.glb", tmp_path / "adopted.glb")

    with pytest.raises(AvatarError) as apart:
        await check_apart(tmp_path / "text.glb", tmp_path / "adopted.glb")

    assert (apart.value.code, apart.value.message, apart.value.hint) == (
        here.value.code,
        here.value.message,
        here.value.hint,
    )


@pytest.mark.parametrize("limit", [{"memory_bytes": 48 * 2**20}, {"timeout_s": 0.001}])
async def test_a_bundle_that_takes_too_much_is_refused(tmp_path: Path, limit: dict[str, float]) -> None:
    small_bundle(tmp_path / "tri.glb")

    with pytest.raises(AvatarError, match="more memory or time") as refused:
        await check_apart(tmp_path / "tri.glb", tmp_path / "adopted.glb", **limit)

    assert refused.value.code is ErrorCode.UNSUPPORTED_AVATAR_ASSET


async def test_a_file_that_is_not_there_is_no_fault_of_the_bundle(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await check_apart(tmp_path / "none.glb", tmp_path / "adopted.glb")


async def test_the_server_reads_no_upload_itself(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avatarkit.server.library.add.check_here", None)
    admin = {"X-Admin-Key": server.credentials.admin_key}

    made = await server.http.put("/v1/admin/avatars/t", headers=admin, content=small_bundle(tmp_path / "t.glb"))
    refused = await server.http.put("/v1/admin/avatars/u", headers=admin, content=b"no model at all")

    assert made.status_code == 201
    assert refused.status_code == 400
