"""Management through the data folder, whether or not a server is running on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path

from avatarkit.cli.management import Record
from avatarkit.errors import ErrorCode, error
from avatarkit.server.console.tokens import MAX_LIFETIME_S, TokenSigner
from avatarkit.server.library.add import add_avatar
from avatarkit.server.library.assets import AssetFolder
from avatarkit.server.library.metadata import describe
from avatarkit.server.store.database import Store


class LocalManagement:
    """See :class:`avatarkit.cli.management.Management`.

    Args:
        data: The server's data folder; made when missing.
    """

    def __init__(self, data: Path) -> None:
        self._data = data

    async def create_app(self, name: str) -> Record:
        """Make an app with its first key."""
        now = int(time.time())
        async with self._store() as store:
            app = await store.apps.create(name, now=now)
            key = await store.keys.create(app.id, now=now)
        return asdict(app) | {"api_key": key.text, "api_key_prefix": key.prefix}

    async def list_apps(self) -> list[Record]:
        """All apps."""
        async with self._store() as store:
            return [asdict(app) for app in await store.apps.list()]

    async def create_key(self, app_id: str) -> Record:
        """Make a further key."""
        async with self._store() as store:
            key = await store.keys.create(app_id, now=int(time.time()))
        return {"app_id": key.app_id, "api_key": key.text, "api_key_prefix": key.prefix}

    async def list_avatars(self) -> list[Record]:
        """All avatars."""
        async with self._store() as store:
            return [describe(record) for record in await store.avatars.list()]

    async def show_avatar(self, avatar_id: str) -> Record:
        """One avatar."""
        async with self._store() as store:
            record = await store.avatars.get(avatar_id)
        if record is None:
            raise error(ErrorCode.AVATAR_ID_UNRECOGNIZED, f"There is no avatar '{avatar_id}'.")
        return describe(record)

    async def add_avatar(self, avatar_id: str, path: Path) -> Record:
        """Add or replace an avatar."""
        assets = AssetFolder(self._data / "assets")
        async with self._store() as store:
            return describe(await add_avatar(store, assets, avatar_id, path, now=int(time.time())))

    async def create_token(self, api_key: str, app_id: str | None, lifetime_s: int) -> Record:
        """A session token."""
        now = int(time.time())
        if not 1 <= lifetime_s <= MAX_LIFETIME_S:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"A token lives 1 to {MAX_LIFETIME_S} seconds.")
        async with self._store() as store:
            owner = await store.keys.app_of(api_key)
            if owner is None:
                raise error(
                    ErrorCode.CONFIGURATION_INVALID,
                    "The API key is not known here.",
                    hint="Make one with: avatarkit keys create APP_ID",
                )
            if app_id not in (None, owner):
                raise error(ErrorCode.APP_ID_UNRECOGNIZED, "The API key belongs to another app.", hint="")
            signer = TokenSigner(await store.signing_keys.valid(now=now))
        token = signer.issue(owner, expires_at=now + lifetime_s, now=now)
        return {"sessionToken": token, "expireAt": now + lifetime_s, "appId": owner}

    @contextlib.asynccontextmanager
    async def _store(self) -> AsyncIterator[Store]:
        store = await Store.open(self._data)
        try:
            yield store
        finally:
            await store.close()
