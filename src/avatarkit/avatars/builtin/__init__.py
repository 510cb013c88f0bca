"""The characters that come with the package."""

from __future__ import annotations

from pathlib import Path

from avatarkit.errors import ErrorCode, error


def folder() -> Path:
    """Where the built-in characters are kept."""
    return Path(__file__).parent


def default_path() -> Path:
    """The file of the default character. Raises ``AvatarError`` (``avatarAssetMissing``) when it was not built."""
    path = folder() / "default.glb"
    if not path.is_file():
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING,
            "The default character has not been built.",
            retryable=False,
            hint="Build it with: python -m avatarkit.studio.character",
        )
    return path
