"""Management over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from avatarkit.cli.management import Record
from avatarkit.errors import AvatarError, ErrorCode, error

_TIMEOUT_S: Final = 30.0
_KNOWN_CODES: Final = frozenset(code.value for code in ErrorCode)


class RemoteManagement:
    """See :class:`avatarkit.cli.management.Management`.

    Args:
        url: The server's address, without a slash at its end.
        admin_key: Needed for everything but tokens.
        transport: How requests travel; default: over the network.
    """

    def __init__(
        self, url: str, admin_key: str | None = None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._url = url
        self._admin_key = admin_key
        self._transport = transport

    async def create_app(self, name: str) -> Record:
        """Make an app with its first key."""
        return await self._ask("POST", "/v1/admin/apps", json={"name": name})

    async def list_apps(self) -> list[Record]:
        """All apps."""
        return _records(await self._ask("GET", "/v1/admin/apps"), "apps")

    async def create_key(self, app_id: str) -> Record:
        """Make a further key."""
        return await self._ask("POST", f"/v1/admin/apps/{quote(app_id, safe='')}/keys")

    async def list_avatars(self) -> list[Record]:
        """All avatars."""
        return _records(await self._ask("GET", "/v1/admin/avatars"), "avatars")

    async def show_avatar(self, avatar_id: str) -> Record:
        """One avatar."""
        return await self._ask("GET", f"/v1/admin/avatars/{quote(avatar_id, safe='')}")

    async def add_avatar(self, avatar_id: str, path: Path) -> Record:
        """Upload a bundle."""
        content = await asyncio.to_thread(path.read_bytes)
        return await self._ask("PUT", f"/v1/admin/avatars/{quote(avatar_id, safe='')}", content=content)

    async def create_token(self, api_key: str, app_id: str | None, lifetime_s: int) -> Record:
        """A session token."""
        body: dict[str, Any] = {"expireAt": int(time.time()) + lifetime_s}
        if app_id is not None:
            body["appId"] = app_id
        return await self._ask("POST", "/v1/console/session-tokens", headers={"X-Api-Key": api_key}, json=body)

    async def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> Record:
        if headers is None:
            headers = {"X-Admin-Key": self._required_admin_key()}
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, transport=self._transport) as client:
                response = await client.request(method, self._url + path, headers=headers, **body)
        except httpx.HTTPError as exc:
            raise error(
                ErrorCode.SERVER_ERROR,
                f"No answer from {self._url} ({type(exc).__name__}).",
                hint="Is the server running there? Start one with: avatarkit serve",
            ) from None
        if response.is_success:
            return _object(response)
        raise _refusal(response)

    def _required_admin_key(self) -> str:
        if not self._admin_key:
            raise error(
                ErrorCode.CONFIGURATION_INVALID,
                "Managing a server over HTTP needs its admin key.",
                hint="Give --admin-key or AVATARKIT_ADMIN_KEY; it was shown when the server first started.",
            )
        return self._admin_key


def _object(response: httpx.Response) -> Record:
    try:
        value = response.json()
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise error(ErrorCode.SERVER_ERROR, "The address answers, but not like an AvatarKit server.")
    return value


def _records(answer: Record, name: str) -> list[Record]:
    records = answer.get(name)
    if not isinstance(records, list):
        raise error(ErrorCode.SERVER_ERROR, "The address answers, but not like an AvatarKit server.")
    return records


def _refusal(response: httpx.Response) -> AvatarError:
    entry: Any = None
    with contextlib.suppress(ValueError, LookupError, TypeError):
        entry = response.json()["errors"][0]
    if not isinstance(entry, dict):
        return error(ErrorCode.SERVER_ERROR, f"The server answered with status {response.status_code}.")
    title, detail = str(entry.get("title", "")), str(entry.get("detail", ""))
    code = ErrorCode(entry["code"]) if entry.get("code") in _KNOWN_CODES else ErrorCode.SERVER_ERROR
    return error(code, title, hint="" if detail == title else detail)
