"""Management over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from avatarkit.cli.management import Record
from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.server.console.claims import TokenOptions
from avatarkit.server.store.records import ALL_SCOPES, AvatarState, Scope, Visibility

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

    async def list_apps(self) -> list[Record]:
        """All apps."""
        return _records(await self._ask("GET", "/apps"), "apps")

    async def show_app(self, app_id: str) -> Record:
        """One app."""
        return await self._ask("GET", _path("apps", app_id))

    async def create_app(self, name: str, quotas: Record | None = None) -> Record:
        """Make an app with its first key."""
        return await self._ask("POST", "/apps", json={"name": name, "quotas": quotas or {}})

    async def change_app(
        self, app_id: str, *, name: str | None = None, disabled: bool | None = None, quotas: Record | None = None
    ) -> Record:
        """Change an app."""
        body = _given(name=name, disabled=disabled, quotas=quotas)
        return await self._ask("PATCH", _path("apps", app_id), json=body)

    async def delete_app(self, app_id: str) -> None:
        """Remove an app."""
        await self._ask("DELETE", _path("apps", app_id))

    async def list_keys(self, app_id: str) -> list[Record]:
        """The keys of an app."""
        return _records(await self._ask("GET", _path("apps", app_id, "keys")), "keys")

    async def create_key(self, app_id: str, name: str = "", scopes: Iterable[Scope] = ALL_SCOPES) -> Record:
        """Make a key."""
        body = _given(name=name or None, scopes=[scope.value for scope in scopes])
        return await self._ask("POST", _path("apps", app_id, "keys"), json=body)

    async def revoke_key(self, prefix: str) -> None:
        """Revoke a key."""
        await self._ask("DELETE", _path("keys", prefix))

    async def create_token(
        self, app_id: str, *, lifetime_s: int | None = None, options: TokenOptions | None = None
    ) -> Record:
        """A session token."""
        body = _given(lifetime_s=lifetime_s, **_options(options))
        return await self._ask("POST", _path("apps", app_id, "tokens"), json=body)

    async def exchange_key(
        self,
        api_key: str,
        app_id: str | None = None,
        *,
        lifetime_s: int | None = None,
        options: TokenOptions | None = None,
    ) -> Record:
        """A session token for an API key; needs no admin key."""
        expires_at = None if lifetime_s is None else int(time.time()) + lifetime_s
        body = _given(expireAt=expires_at, appId=app_id, **_options(options))
        headers = {"X-Api-Key": api_key}
        return await self._send("POST", "/v1/console/session-tokens", headers=headers, json=body)

    async def revoke_token(self, token: str, *, end_sessions: bool = False) -> Record:
        """Revoke a session token."""
        return await self._ask("POST", "/revoked-tokens", json={"token": token, "end_sessions": end_sessions})

    async def revoke_tokens(self, app_id: str, *, end_sessions: bool = False) -> None:
        """Revoke every session token of an app."""
        query = {"end_sessions": "true" if end_sessions else "false"}
        await self._ask("DELETE", _path("apps", app_id, "tokens"), params=query)

    async def list_signing_keys(self) -> list[Record]:
        """The signing keys."""
        return _records(await self._ask("GET", "/signing-keys"), "signing_keys")

    async def rotate_signing_key(self, *, drop_old: bool = False) -> list[Record]:
        """Sign with a new key."""
        return _records(await self._ask("POST", "/signing-keys", json={"drop_old": drop_old}), "signing_keys")

    async def list_avatars(self) -> list[Record]:
        """All avatars."""
        return _records(await self._ask("GET", "/avatars"), "avatars")

    async def show_avatar(self, avatar_id: str) -> Record:
        """One avatar."""
        return await self._ask("GET", _path("avatars", avatar_id))

    async def add_avatar(self, avatar_id: str, path: Path) -> Record:
        """Upload a bundle."""
        content = await asyncio.to_thread(path.read_bytes)
        headers = {"Content-Type": "model/gltf-binary"}
        return await self._ask("PUT", _path("avatars", avatar_id), content=content, headers=headers)

    async def change_avatar(
        self,
        avatar_id: str,
        *,
        state: AvatarState | None = None,
        visibility: Visibility | None = None,
        version: int | None = None,
    ) -> Record:
        """Change an avatar."""
        body = _given(state=state, visibility=visibility, version=version)
        return await self._ask("PATCH", _path("avatars", avatar_id), json=body)

    async def grant_avatar(self, avatar_id: str, app_id: str) -> Record:
        """Let an app use an avatar."""
        return await self._ask("PUT", _path("avatars", avatar_id, "grants", app_id))

    async def ungrant_avatar(self, avatar_id: str, app_id: str) -> Record:
        """Take that back."""
        return await self._ask("DELETE", _path("avatars", avatar_id, "grants", app_id))

    async def delete_avatar(self, avatar_id: str) -> None:
        """Remove an avatar."""
        await self._ask("DELETE", _path("avatars", avatar_id))

    async def list_sessions(
        self, *, app_id: str | None = None, only_open: bool = False, count: int = 100
    ) -> list[Record]:
        """The newest sessions."""
        query = _given(app_id=app_id, open="true" if only_open else None, count=count)
        return _records(await self._ask("GET", "/sessions", params=query), "sessions")

    async def show_session(self, session_id: str) -> Record:
        """One session."""
        return await self._ask("GET", _path("sessions", session_id))

    async def end_session(self, session_id: str) -> None:
        """End a session."""
        await self._ask("DELETE", _path("sessions", session_id))

    async def list_audit(
        self, *, target: str | None = None, before: int | None = None, count: int = 100
    ) -> list[Record]:
        """The newest entries of the audit log."""
        query = _given(target=target, before=before, count=count)
        return _records(await self._ask("GET", "/audit", params=query), "entries")

    async def _ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **body: Any) -> Record:
        admin = {"X-Admin-Key": self._required_admin_key()}
        return await self._send(method, "/v1/admin" + path, headers=admin | (headers or {}), **body)

    async def _send(self, method: str, path: str, **body: Any) -> Record:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S, transport=self._transport) as client:
                response = await client.request(method, self._url + path, **body)
        except httpx.HTTPError as exc:
            raise error(
                ErrorCode.SERVER_ERROR,
                f"No answer from {self._url} ({type(exc).__name__}).",
                hint="Is the server running there? Start one with: avatarkit serve",
            ) from None
        if response.is_success:
            return _object(response) if response.content else {}
        raise _refusal(response)

    def _required_admin_key(self) -> str:
        if not self._admin_key:
            raise error(
                ErrorCode.CONFIGURATION_INVALID,
                "Managing a server over HTTP needs its admin key.",
                hint="Give --admin-key or AVATARKIT_ADMIN_KEY; it was shown when the server first started.",
            )
        return self._admin_key


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _given(**values: Any) -> Record:
    return {name: value for name, value in values.items() if value is not None}


def _options(options: TokenOptions | None) -> Record:
    if options is None:
        return {}
    return _given(single_use=options.single_use or None, avatar_id=options.avatar_id, max_seconds=options.max_seconds)


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
