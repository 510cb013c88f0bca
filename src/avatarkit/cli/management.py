"""The one way by which commands manage a server: through its data folder and database, or over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import typer

if TYPE_CHECKING:
    from avatarkit.server.console.claims import TokenOptions
    from avatarkit.server.store.records import AvatarState, Scope, Visibility

Record = dict[str, Any]
"""An app, key, avatar, session or log entry in the form of the HTTP API."""
Done = TypeVar("Done")


class Management(Protocol):
    """What can be done to a server; see :class:`avatarkit.server.console.administration.Administration`, which it
    is on the server's own machine. Every call may raise ``AvatarError``."""

    async def list_apps(self) -> list[Record]: ...  # noqa: D102
    async def show_app(self, app_id: str) -> Record: ...  # noqa: D102
    async def create_app(self, name: str, quotas: Record | None = None) -> Record: ...  # noqa: D102
    async def change_app(  # noqa: D102
        self, app_id: str, *, name: str | None = None, disabled: bool | None = None, quotas: Record | None = None
    ) -> Record: ...
    async def delete_app(self, app_id: str) -> None: ...  # noqa: D102
    async def list_keys(self, app_id: str) -> list[Record]: ...  # noqa: D102
    async def create_key(self, app_id: str, name: str = "", scopes: Iterable[Scope] = ...) -> Record: ...  # noqa: D102
    async def revoke_key(self, prefix: str) -> None: ...  # noqa: D102
    async def create_token(  # noqa: D102
        self, app_id: str, *, lifetime_s: int | None = None, options: TokenOptions | None = None
    ) -> Record: ...
    async def exchange_key(  # noqa: D102
        self,
        api_key: str,
        app_id: str | None = None,
        *,
        lifetime_s: int | None = None,
        options: TokenOptions | None = None,
    ) -> Record: ...
    async def revoke_token(self, token: str, *, end_sessions: bool = False) -> Record: ...  # noqa: D102
    async def revoke_tokens(self, app_id: str, *, end_sessions: bool = False) -> None: ...  # noqa: D102
    async def list_signing_keys(self) -> list[Record]: ...  # noqa: D102
    async def rotate_signing_key(self, *, drop_old: bool = False) -> list[Record]: ...  # noqa: D102
    async def list_avatars(self) -> list[Record]: ...  # noqa: D102
    async def show_avatar(self, avatar_id: str) -> Record: ...  # noqa: D102
    async def add_avatar(self, avatar_id: str, path: Path) -> Record: ...  # noqa: D102
    async def change_avatar(  # noqa: D102
        self,
        avatar_id: str,
        *,
        state: AvatarState | None = None,
        visibility: Visibility | None = None,
        version: int | None = None,
    ) -> Record: ...
    async def grant_avatar(self, avatar_id: str, app_id: str) -> Record: ...  # noqa: D102
    async def ungrant_avatar(self, avatar_id: str, app_id: str) -> Record: ...  # noqa: D102
    async def delete_avatar(self, avatar_id: str) -> None: ...  # noqa: D102
    async def list_sessions(  # noqa: D102
        self, *, app_id: str | None = None, only_open: bool = False, count: int = 100
    ) -> list[Record]: ...
    async def show_session(self, session_id: str) -> Record: ...  # noqa: D102
    async def end_session(self, session_id: str) -> None: ...  # noqa: D102
    async def list_audit(  # noqa: D102
        self, *, target: str | None = None, before: int | None = None, count: int = 100
    ) -> list[Record]: ...


def manage(
    data: Path | None, url: str | None, admin_key: str | None, work: Callable[[Management], Awaitable[Done]]
) -> Done:
    """Do some work and return what it returns: over HTTP when ``url`` is given, else on this machine.

    Raises:
        typer.BadParameter: The URL has no scheme that can be used.
        AvatarError: What the work raised.
    """
    if url is None:
        from avatarkit.cli.local import manage_here  # noqa: PLC0415 - loads SQLAlchemy

        return asyncio.run(manage_here(data, work))
    if not url.startswith(("http://", "https://")):
        raise typer.BadParameter("must begin with http:// or https://", param_hint="--url")
    from avatarkit.cli.remote import RemoteManagement  # noqa: PLC0415 - loads httpx

    async def there() -> Done:
        return await work(RemoteManagement(url.rstrip("/"), admin_key))

    return asyncio.run(there())
