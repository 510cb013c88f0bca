"""Putting a bundle into the library."""

from __future__ import annotations

import asyncio
import re
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from avatarkit.errors import ErrorCode, error
from avatarkit.server.library.check import check_apart, check_here
from avatarkit.server.store.records import AvatarRecord, Visibility

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MAX_TEXT: Final = 2000


def new_avatar_id() -> str:
    """An id for an avatar that an app made."""
    return f"av_{secrets.token_hex(8)}"


async def add_avatar(
    store: Store,
    assets: AssetFolder,
    avatar_id: str,
    path: Path,
    *,
    now: int,
    owner: str | None = None,
    name: str | None = None,
    visitor: str | None = None,
    is_trusted: bool = False,
) -> AvatarRecord:
    """Check a bundle and take it into the library; an avatar of that id gets it as its next version.

    Args:
        store: Where its description goes.
        assets: Where its file goes.
        avatar_id: 1 to 64 of letters, digits, dot, dash and underscore, beginning with a letter or digit.
        path: The bundle, binary glTF; it is copied, or made into one of ours where another program wrote it.
        now: Unix seconds.
        owner: The app that makes it: it alone sees the avatar then, until that is changed.
        name: For people; default: the bundle's own.
        visitor: The visitor of the page for whom the app makes it: it is on no list then.
        is_trusted: The file is of our own making. Any other is read in a child process, within limits.

    Raises:
        AvatarError: The id is malformed (``configurationInvalid``) or the bundle is refused, with the reason.
        OSError: The file cannot be read.
    """
    if _ID.fullmatch(avatar_id) is None:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            "An avatar id is 1 to 64 letters, digits, dots, dashes or underscores and begins with a letter or digit.",
        )
    with tempfile.TemporaryDirectory(dir=assets.incoming()) as folder:
        adopted = Path(folder) / "adopted.glb"
        if is_trusted:
            info, source = await asyncio.to_thread(check_here, path, adopted)
        else:
            async with assets.reading:
                info, source = await check_apart(path, adopted)
        sha256, size = await asyncio.to_thread(assets.add, source)
        record = AvatarRecord(
            id=avatar_id,
            name=(name or info["name"])[:128] or avatar_id,
            version=1,
            sha256=sha256,
            size=size,
            minimum_sdk=info["minimum_sdk"][:32],
            license=info["license"][:_MAX_TEXT],
            author=info["author"][:_MAX_TEXT],
            camera=info["camera"],
            created_at=now,
            updated_at=now,
            owner=owner,
            visibility=Visibility.EVERYONE if owner is None else Visibility.GRANTED,
            visitor=visitor,
        )
        kept = await store.avatars.put(record)
        # Another process may just have removed the same content together with the last avatar that used it.
        if await asyncio.to_thread(assets.path, sha256) is None:
            await asyncio.to_thread(assets.add, source)
    return kept


async def remove_avatar(store: Store, assets: AssetFolder, avatar_id: str) -> None:
    """Remove an avatar with all versions, and the bundles that no other avatar uses.

    Raises ``AvatarError`` (``avatarIDUnrecognized``).
    """
    for sha256 in await store.avatars.delete(avatar_id):
        await asyncio.to_thread(assets.remove, sha256)
