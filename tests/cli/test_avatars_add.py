"""Adding somebody else's avatar from the command line: it is credited, and what it lacks is said."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("PIL")
sys.path.append(str(Path(__file__).parents[1] / "avatars"))

from foreign import face_file

from avatarkit.avatars import adopt_file
from avatarkit.cli.app import run
from avatarkit.frames import ARKIT_NAMES


@pytest.fixture
def friend(tmp_path: Path) -> Path:
    file = face_file([name for name in ARKIT_NAMES if not name.startswith("eyeLook")])
    file.document["asset"]["extras"] = {"author": "Mx Other", "title": "Friend"}
    path = tmp_path / "friend.glb"
    path.write_bytes(file.bytes())
    return path


def test_a_friend_is_added_with_what_it_lacks(
    friend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["avatars", "add", str(friend), "--data", str(tmp_path / "data")]) == 0
    out = capsys.readouterr().out
    assert "Mx Other" in out
    assert "No eye looks: eyes will not move." in out
    assert "does not say its licence" in out


def test_what_the_file_does_not_say_can_be_said(
    friend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    said = ["--license", "CC-BY-4.0", "--name", "Fred", "--json"]
    assert run(["avatars", "add", str(friend), "--data", str(data), *said]) == 0
    made = json.loads(capsys.readouterr().out)
    assert (made["name"], made["license"], made["author"]) == ("Fred", "CC-BY-4.0", "Mx Other")
    assert made["notes"] == ["No eye looks: eyes will not move."]
    (kept,) = data.rglob(f"{made['sha256']}.glb")
    adopted = adopt_file(kept)
    assert adopted.ours
    assert adopted.bundle.info.license == "CC-BY-4.0"


def test_a_hostile_file_is_refused_with_the_reason(
    friend: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    friend.write_bytes(friend.read_bytes()[:-100])
    assert run(["avatars", "add", str(friend), "--data", str(tmp_path / "data")]) == 1
    assert "The avatar file cannot be used" in capsys.readouterr().err
