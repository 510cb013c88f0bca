"""The characters that come with the package: their specs are TOML files in ``people/``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from avatarkit.avatars import write_bundle
from avatarkit.studio.character.build import build
from avatarkit.studio.character.spec import CharacterSpec

BUILT_IN: Final = {"default": "ada", "marco": "marco", "nia": "nia"}
"""Avatar ids, which are the names of the built files, and the specs they are built from."""

PEOPLE: Final = Path(__file__).parent / "people"


def built_in_spec(avatar_id: str) -> CharacterSpec:
    """The spec of a character that comes with the package; raises ``KeyError`` for any other id."""
    return CharacterSpec.from_toml(PEOPLE / f"{BUILT_IN[avatar_id]}.toml")


def build_one(avatar_id: str, folder: Path, key: str) -> str:
    """Build one of the package's characters into a folder; says what came out."""
    started = time.monotonic()
    target = folder / f"{avatar_id}.glb"
    size = write_bundle(build(built_in_spec(avatar_id)), target)
    (folder / f"{avatar_id}.key").write_text(key)
    return f"{target}: {size / 1e6:.2f} MB in {time.monotonic() - started:.1f} s"
