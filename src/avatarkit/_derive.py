"""Avatars made of a bundle that lies on this machine."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import avatarkit
from avatarkit.avatars import decode_bundle
from avatarkit.errors import ErrorCode, error
from avatarkit.transport.metadata import MAX_BUNDLE_BYTES
from avatarkit.types import Avatar


def derived_avatar(path: Path, avatar_id: str | None) -> Avatar:
    """See ``AvatarManager.derive``."""
    try:
        if path.stat().st_size > MAX_BUNDLE_BYTES:
            raise error(ErrorCode.UNSUPPORTED_AVATAR_ASSET, f"{path} is over {MAX_BUNDLE_BYTES} bytes.")
        content = path.read_bytes()
    except OSError as exc:
        raise error(
            ErrorCode.AVATAR_ASSET_MISSING,
            f"The bundle {path} cannot be read: {exc.strerror or type(exc).__name__}.",
            hint="Give the path of a binary glTF file.",
        ) from exc
    info = decode_bundle(content).info
    sha256 = hashlib.sha256(content).hexdigest()
    return Avatar(avatar_id or f"local-{sha256[:16]}", info.name, 1, sha256, path.resolve(), is_from_cache=False)


def check_minimum_sdk(version: str, subject: str) -> None:
    """Raise ``AvatarError`` (``unsupportedAvatarAsset``) when ``subject`` needs a newer SDK than this one."""
    if _numbers(version) > _numbers(avatarkit.__version__):
        raise error(
            ErrorCode.UNSUPPORTED_AVATAR_ASSET,
            f"{subject} needs SDK {version[:40]}; this is {avatarkit.__version__}.",
        )


def _numbers(version: str) -> tuple[int, ...]:
    """The leading dotted numbers of a version, at most nine digits each."""
    return tuple(int(number) for number in re.findall(r"(?:^|\.)(\d{1,9})(?=[^\d]|$)", version)[:4])
