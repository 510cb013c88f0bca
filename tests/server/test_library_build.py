"""A spec from outside becomes the character that the builder knows, or is refused by name."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("scipy")

from avatarkit import avatars
from avatarkit.errors import AvatarError
from avatarkit.server.library import build
from avatarkit.studio import character
from avatarkit.studio.character import CharacterSpec, random_spec
from avatarkit.studio.character.spec_toml import write_spec


def test_every_field_of_a_character_may_be_asked_for() -> None:
    assert {*build.FIELDS, "name"} == {field.name for field in fields(CharacterSpec)}


@pytest.mark.parametrize("seed", range(5))
def test_every_random_person_passes(seed: int) -> None:
    import tomllib

    spec = tomllib.loads(write_spec(random_spec(seed)))
    del spec["name"]
    assert build.check_spec(spec) == spec


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[CharacterSpec]:
    made: list[CharacterSpec] = []
    monkeypatch.setattr(character, "build", made.append)
    monkeypatch.setattr(avatars, "write_bundle", lambda bundle, path: path.write_bytes(b"glb"))
    return made


def _main(folder: Path, spec: dict[str, Any]) -> int:
    (folder / "spec.json").write_text(json.dumps({"name": "Bo", "spec": spec}))
    return build.main([str(folder / "spec.json"), str(folder / "bo.glb")])


def test_the_child_builds_what_was_asked_for(built: list[CharacterSpec], tmp_path: Path) -> None:
    spec = {"hair_style": "crop", "skin": "#c4786f", "face": {"nose/nose-hump-decr|incr": 0.3}, "seed": 7}
    assert _main(tmp_path, spec) == 0
    (made,) = built
    assert (made.name, made.hair_style, made.seed) == ("Bo", "crop", 7)
    assert made.face == (("nose/nose-hump-decr|incr", 0.3),)
    assert made.skin == pytest.approx((196 / 255, 120 / 255, 111 / 255))
    assert (tmp_path / "bo.glb").exists()


def test_the_child_names_what_there_is_not(
    built: list[CharacterSpec], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _main(tmp_path, {"hair_style": "mohawk"}) == 1
    assert "hair_style" in capsys.readouterr().err
    assert built == []


def test_the_child_says_which_library_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "avatarkit.studio.character")
    monkeypatch.setitem(sys.modules, "scipy", None)
    for name in [name for name in sys.modules if name.startswith(("avatarkit.studio.character.", "scipy."))]:
        monkeypatch.delitem(sys.modules, name)
    assert _main(tmp_path, {}) == 1
    assert capsys.readouterr().err == "This needs the library 'scipy', which is not installed.\n"


def test_what_no_character_has_is_refused_at_once() -> None:
    with pytest.raises(AvatarError, match="there is no 'shape'"):
        build.check_spec({"shape": {}})
