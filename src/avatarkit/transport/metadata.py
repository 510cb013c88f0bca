"""What the server says about an avatar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.protocol.limits import MAX_ID_CHARACTERS

MAX_BUNDLE_BYTES: Final = 64 * 1024 * 1024
"""Largest bundle that is downloaded; a built character has about 2.5 MB."""

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_MAX_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class AvatarMetadata:
    """The fields of ``GET /v1/client/avatars/{id}`` that a client needs."""

    id: str
    name: str
    version: int
    bundle_url: str
    """Absolute."""
    sha256: str
    size: int
    """Bytes."""
    minimum_sdk: str | None


def parse_metadata(avatar_id: str, document: object, *, base_url: str) -> AvatarMetadata:
    """Read a decoded JSON document. Optional fields may be null or absent, unknown ones are ignored.

    Raises:
        AvatarError: ``invalidAvatarMetadata``, naming the field; the bundle's URL must be http(s), its hash 64
            lower-case hexadecimal digits and its size 1 byte to :data:`MAX_BUNDLE_BYTES`.
    """
    if not isinstance(document, dict):
        raise _invalid("is no object")
    sha256 = document.get("sha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _invalid("has no valid sha256")
    size = document.get("size")
    if not isinstance(size, int) or not 1 <= size <= MAX_BUNDLE_BYTES:
        raise _invalid(f"has no size of 1..{MAX_BUNDLE_BYTES} bytes")
    version = document.get("version")
    return AvatarMetadata(
        id=avatar_id,
        name=(_text(document, "name") or avatar_id)[:_MAX_NAME],
        version=version if isinstance(version, int) and version > 0 else 1,
        bundle_url=_bundle_url(document, base_url),
        sha256=sha256,
        size=size,
        minimum_sdk=_text(document, "minimumSdkVersion"),
    )


def check_avatar_id(avatar_id: str) -> None:
    """Raise ``AvatarError`` (``avatarIDUnrecognized``) for an id that no avatar can have."""
    if not avatar_id.strip() or len(avatar_id) > MAX_ID_CHARACTERS or not avatar_id.isprintable():
        raise error(
            ErrorCode.AVATAR_ID_UNRECOGNIZED,
            f"An avatar id has 1 to {MAX_ID_CHARACTERS} printable characters.",
        )


def _bundle_url(document: dict[str, Any], base_url: str) -> str:
    url = _text(document, "bundleUrl")
    if url is None:
        raise _invalid("has no bundleUrl")
    absolute = urljoin(base_url + "/", url)
    try:
        parts = urlsplit(absolute)
    except ValueError:
        raise _invalid("has no valid bundleUrl") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _invalid("has a bundleUrl that is not http(s)")
    return absolute


def _text(document: dict[str, Any], key: str) -> str | None:
    value = document.get(key)
    return value if isinstance(value, str) and value else None


def _invalid(what: str) -> AvatarError:
    return error(ErrorCode.INVALID_AVATAR_METADATA, f"The avatar's description {what}.")
