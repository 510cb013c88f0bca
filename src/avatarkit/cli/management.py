"""The one way by which commands manage a server: through its data folder, or over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import typer

Record = dict[str, Any]
"""An app, key or avatar in the form of the HTTP API."""


class Management(Protocol):
    """What can be done to a server. Every call may raise ``AvatarError``."""

    async def create_app(self, name: str) -> Record:
        """Make an app with its first key: ``id``, ``name``, ``created_at``, ``api_key``, ``api_key_prefix``."""
        ...

    async def list_apps(self) -> list[Record]:
        """All apps: ``id``, ``name``, ``created_at``."""
        ...

    async def create_key(self, app_id: str) -> Record:
        """Make a further key: ``app_id``, ``api_key``, ``api_key_prefix``."""
        ...

    async def list_avatars(self) -> list[Record]:
        """All avatars, as the client API describes them."""
        ...

    async def show_avatar(self, avatar_id: str) -> Record:
        """One avatar."""
        ...

    async def add_avatar(self, avatar_id: str, path: Path) -> Record:
        """Add or replace an avatar with the bundle at ``path``."""
        ...

    async def create_token(self, api_key: str, app_id: str | None, lifetime_s: int) -> Record:
        """A session token: ``sessionToken``, ``expireAt``, ``appId``."""
        ...


def open_management(data: Path | None, url: str | None, admin_key: str | None = None) -> Management:
    """Over HTTP when ``url`` is given, else through the data folder.

    Raises:
        typer.BadParameter: The URL has no scheme that can be used.
    """
    if url is not None:
        if not url.startswith(("http://", "https://")):
            raise typer.BadParameter("must begin with http:// or https://", param_hint="--url")
        from avatarkit.cli.remote import RemoteManagement  # noqa: PLC0415 - loads httpx

        return RemoteManagement(url.rstrip("/"), admin_key)
    from avatarkit.cli.local import LocalManagement  # noqa: PLC0415 - loads SQLAlchemy
    from avatarkit.server.settings_sources import default_data_dir  # noqa: PLC0415

    return LocalManagement(default_data_dir() if data is None else data)
