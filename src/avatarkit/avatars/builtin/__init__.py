"""The characters that come with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from avatarkit.errors import ErrorCode, error

DEFAULT: Final = "default"
OTHERS: Final = ("marco", "nia")
"""Ids of the built-in characters beside the default one."""


def folder() -> Path:
    """Where the built-in characters are kept."""
    return Path(__file__).parent


def default_path() -> Path:
    """The file of the default character. Raises ``AvatarError`` (``avatarAssetMissing``) when it was not built."""
    path = folder() / f"{DEFAULT}.glb"
    if not path.is_file():
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING,
            "The default character has not been built.",
            retryable=False,
            hint="Build it with: python -m avatarkit.studio.character",
        )
    return path


def other_paths() -> dict[str, Path]:
    """The files of the other characters that are built, by their ids."""
    paths = {name: folder() / f"{name}.glb" for name in OTHERS}
    return {name: path for name, path in paths.items() if path.is_file()}
