"""Avatars that visitors of the page made: each is on no list, and gone after some time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from avatarkit.errors import AvatarError
from avatarkit.server.library.add import remove_avatar

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store

_HOUR_S: Final = 3600
_RATED_S: Final = 24 * _HOUR_S
"""Jobs count for the rates of their app that long."""


async def forget_visitors(store: Store, assets: AssetFolder, *, hours: int, now: int) -> None:
    """Remove what visitors made more than so many hours ago, and what is known of its making.

    Args:
        store: Where avatars and jobs are.
        assets: Where their bundles lie.
        hours: How long avatars are kept.
        now: Unix seconds.
    """
    before = now - hours * _HOUR_S
    for avatar in await store.avatars.visitors_before(before):
        with contextlib.suppress(AvatarError):  # its visitor, or another server, was faster
            await remove_avatar(store, assets, avatar.id)
            await store.audit.note("server", "avatar.expire", avatar.id, now=now)
    await store.jobs.forget_visitors(before=min(before, now - _RATED_S))
