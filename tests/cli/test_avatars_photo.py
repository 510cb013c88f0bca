"""`avatarkit avatars create`: what it refuses before any work, and what it leaves behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarkit.avatars import encode_bundle, read_bundle
from avatarkit.avatars.builtin import default_path
from avatarkit.cli.app import run


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "me.png"
    Image.new("RGB", (400, 400), (128, 128, 128)).save(path)
    return path


def test_without_consent_nothing_is_made(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["avatars", "create", str(photo), "-o", str(photo.with_name("me.glb"))]) != 0
    assert "--i-have-consent" in capsys.readouterr().err
    assert not photo.with_name("me.glb").exists()


@pytest.mark.parametrize("option", ["--out", "--preview", "--cover", "--background"])
def test_a_folder_that_is_not_there_is_told_first(
    photo: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    missing = photo.parent / "nowhere" / "x.png"
    assert run(["avatars", "create", str(photo), "--i-have-consent", option, str(missing)]) != 0
    assert "nowhere" in capsys.readouterr().err


def test_all_files_that_were_asked_for_are_written(
    photo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = read_bundle(default_path())

    def create(source: Path, name: str, *, consent: bool, background: Path | None = None, **_: object) -> object:
        assert source == photo
        assert consent
        assert background is not None
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(background)
        return made

    monkeypatch.setattr("avatarkit.studio.photo.create", create)
    out, plate = photo.with_name("me.glb"), photo.with_name("plate.png")
    asked = ["--name", "Me", "--i-have-consent", "-o", str(out), "--background", str(plate), "--json"]
    assert run(["avatars", "create", str(photo), *asked]) == 0
    assert json.loads(capsys.readouterr().out)["bytes"] == out.stat().st_size == len(encode_bundle(made))
    assert plate.is_file()
