"""What a server with an empty store gives itself: a demo app with a key, the admin key, the built-in avatars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from avatarkit.errors import AvatarError
from avatarkit.server.library.add import add_avatar

if TYPE_CHECKING:
    from avatarkit.server.library.assets import AssetFolder
    from avatarkit.server.store.database import Store

DEFAULT_AVATAR: Final = "default"
DEMO_APP: Final = "demo"
"""Name of the app that a first start makes, and that the server's own page uses."""
_BUILD_HINT: Final = "Build the default character with: python -m avatarkit.studio.character"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Shown once, on the first start, and never again."""

    app_id: str
    api_key: str
    admin_key: str

    def __repr__(self) -> str:
        return f"Credentials(app_id={self.app_id!r}, ...)"


@dataclass(frozen=True, slots=True)
class StartReport:
    """What :func:`prepare_store` found and did."""

    credentials: Credentials | None
    """``None`` on every start but the first."""
    notices: tuple[str, ...] = ()
    """Sentences that the operator should read."""


async def prepare_store(store: Store, assets: AssetFolder, *, now: int) -> StartReport:
    """Make what a new store lacks. Later calls only add a default avatar that was missing.

    Args:
        store: Open.
        assets: Where bundles lie.
        now: Unix seconds.
    """
    credentials = await _create_credentials(store, now=now)
    notice = await _add_default_avatar(store, assets, now=now)
    if credentials is not None and notice is None:
        await _add_other_avatars(store, assets, now=now)
    return StartReport(credentials, () if notice is None else (notice,))


async def _create_credentials(store: Store, *, now: int) -> Credentials | None:
    # The admin key is the mark of a store that was set up.
    admin_key = await store.secrets.create_admin_key()
    if admin_key is None:
        return None
    app = await store.apps.create(DEMO_APP, now=now)
    key = await store.keys.create(app.id, now=now)
    return Credentials(app.id, key.text, admin_key)


async def _add_other_avatars(store: Store, assets: AssetFolder, *, now: int) -> None:
    """The built-in characters beside the default one; whoever takes them out later will not get them back."""
    from avatarkit.avatars.builtin import other_paths  # noqa: PLC0415 - only on a first start

    for avatar_id, path in other_paths().items():
        await add_avatar(store, assets, avatar_id, path, now=now, is_trusted=True)


async def _add_default_avatar(store: Store, assets: AssetFolder, *, now: int) -> str | None:
    if await store.avatars.get(DEFAULT_AVATAR) is not None:
        return None
    try:
        from avatarkit.avatars.builtin import default_path  # noqa: PLC0415 - only on a first start

        await add_avatar(store, assets, DEFAULT_AVATAR, default_path(), now=now, is_trusted=True)
    except (AvatarError, OSError) as exc:
        reason = exc.message if isinstance(exc, AvatarError) else (exc.strerror or "it cannot be read")
        return f"There is no default avatar yet: {reason.rstrip('.')}. {_BUILD_HINT}"
    return None
