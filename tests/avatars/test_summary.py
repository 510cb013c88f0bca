"""What a person is told about an avatar, and about one that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarkit.avatars import Bundle, builtin, describe
from avatarkit.errors import AvatarError, ErrorCode


def test_summary_counts_and_names(bundle: Bundle) -> None:
    summary = describe(bundle, 1234)
    assert summary.info.license == "CC0-1.0"
    assert summary.vertices == 26
    assert summary.triangles == 28
    assert summary.shapes_present == ("eyeLookUpLeft", "jawOpen", "mouthSmileLeft")
    assert len(summary.shapes_missing) == 49
    assert summary.joints == ("root", "neck", "head")
    assert summary.textures == ((32, 32),)
    assert summary.size_bytes == 1234
    assert [mesh.kind for mesh in summary.meshes] == ["skin", "eye"]


def test_default_character_that_was_not_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(builtin, "folder", lambda: tmp_path)
    with pytest.raises(AvatarError) as caught:
        builtin.default_path()
    assert caught.value.code is ErrorCode.AVATAR_ASSET_MISSING
    assert "python -m avatarkit.studio.character" in caught.value.hint
    (tmp_path / "default.glb").write_bytes(b"x")
    assert builtin.default_path() == tmp_path / "default.glb"
