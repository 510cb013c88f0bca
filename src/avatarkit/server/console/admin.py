"""Administration over HTTP, for holders of the admin key. ``GET /v1/admin/openapi.json`` describes it."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avatarkit.server.console import admin_calls as calls
from avatarkit.server.console import shapes
from avatarkit.server.console.administration import MAX_COUNT, Administration
from avatarkit.server.http.description import Section, describe_api
from avatarkit.server.http.operations import Operation, routes_of
from avatarkit.server.http.problems import Problem
from avatarkit.server.http.schemas import flag, record, text, whole
from avatarkit.server.services import services_of

_NOT_FOUND: Final = {404: "There is no such thing"}
_MAX_KEY_CHARACTERS: Final = 256
_COUNT: Final = whole(1, MAX_COUNT, default=100)
_A: Final = "/v1/admin"
_GLB: Final = ("model/gltf-binary", "application/octet-stream")


async def _admit(request: Request, _operation: Operation) -> Administration:
    key, services = request.headers.get("x-admin-key", ""), services_of(request)
    store = await services.store()
    if not 0 < len(key) <= _MAX_KEY_CHARACTERS or not await store.secrets.is_admin_key(key):
        raise Problem(401, "invalidAdminKey", "Invalid admin key", "Send it in the X-Admin-Key header.")
    return Administration(store, services.assets, unix_time=services.unix_time, actor="admin")


def _operation(method: str, path: str, handler: Any, summary: str, returns: dict[int, Any], **more: Any) -> Operation:
    refusals = more.pop("refusals", {}) | (_NOT_FOUND if "{" in path else {})
    refusals |= {413: "Too large"} if "body" in more or "media" in more else {}
    return Operation(
        method=method,
        path=_A + path,
        name=handler.__name__,
        summary=summary,
        handler=handler,
        returns=returns,
        refusals=refusals,
        **more,
    )


OPERATIONS: Final = (
    _operation("GET", "/apps", calls.list_apps, "List all apps", {200: shapes.listed("apps", shapes.APP)}),
    _operation(
        "POST",
        "/apps",
        calls.create_app,
        "Make an app with its first API key, which is shown this once",
        {201: shapes.APP},
        body=record(("name",), name=shapes.NAME, quotas=shapes.QUOTAS),
    ),
    _operation("GET", "/apps/{app_id}", calls.show_app, "Show an app and what it has used", {200: shapes.APP}),
    _operation(
        "PATCH",
        "/apps/{app_id}",
        calls.change_app,
        "Rename, disable or enable an app, or change quotas; null is the server's own limit",
        {200: shapes.APP},
        body=record(name=shapes.NAME, disabled=flag(), quotas=shapes.QUOTAS),
    ),
    _operation(
        "DELETE",
        "/apps/{app_id}",
        calls.delete_app,
        "Remove an app without avatars and sessions",
        {204: None},
        refusals={409: "It has avatars or open sessions"},
    ),
    _operation(
        "GET",
        "/apps/{app_id}/keys",
        calls.list_keys,
        "List the API keys of an app",
        {200: shapes.listed("keys", shapes.KEY)},
    ),
    _operation(
        "POST",
        "/apps/{app_id}/keys",
        calls.create_key,
        "Make an API key, which is shown this once",
        {201: shapes.NEW_KEY},
        body=record(name=shapes.NAME, scopes=shapes.SCOPES),
    ),
    _operation(
        "DELETE", "/keys/{prefix}", calls.revoke_key, "Revoke an API key and the tokens it bought", {204: None}
    ),
    _operation(
        "POST",
        "/apps/{app_id}/tokens",
        calls.create_token,
        "Make a session token for an app",
        {201: shapes.TOKEN},
        body=shapes.TOKEN_REQUEST,
    ),
    _operation(
        "DELETE",
        "/apps/{app_id}/tokens",
        calls.revoke_tokens,
        "Revoke every session token of an app, and end its sessions if that is wanted",
        {204: None},
        query={"end_sessions": flag(default=False)},
    ),
    _operation(
        "POST",
        "/revoked-tokens",
        calls.revoke_token,
        "Revoke one session token, and end its sessions if that is wanted",
        {200: shapes.REVOKED},
        body=record(("token",), token=text(1, 2048), end_sessions=flag(default=False)),
    ),
    _operation("GET", "/signing-keys", calls.list_signing_keys, "List the signing keys", {200: shapes.SIGNING_KEYS}),
    _operation(
        "POST",
        "/signing-keys",
        calls.rotate_signing_key,
        "Sign with a new key; drop_old makes all tokens so far void at once",
        {201: shapes.SIGNING_KEYS},
        body=record(drop_old=flag(default=False)),
    ),
    _operation(
        "GET", "/avatars", calls.list_avatars, "List all avatars", {200: shapes.listed("avatars", shapes.AVATAR)}
    ),
    _operation(
        "GET", "/avatars/{avatar_id}", calls.show_avatar, "Show an avatar with its versions", {200: shapes.AVATAR}
    ),
    _operation(
        "PUT",
        "/avatars/{avatar_id}",
        calls.put_avatar,
        "Upload a bundle as an avatar, or as the next version of one",
        {200: shapes.AVATAR, 201: shapes.AVATAR},
        media=_GLB,
        refusals={415: "A compressed body"},
    ),
    _operation(
        "PATCH",
        "/avatars/{avatar_id}",
        calls.change_avatar,
        "Publish or withdraw an avatar, say who sees it, or show another version",
        {200: shapes.AVATAR},
        body=record(state=shapes.STATE, visibility=shapes.VISIBILITY, version=whole(1, 2**31 - 1)),
    ),
    _operation(
        "DELETE", "/avatars/{avatar_id}", calls.delete_avatar, "Remove an avatar with all versions", {204: None}
    ),
    _operation(
        "PUT",
        "/avatars/{avatar_id}/grants/{app_id}",
        calls.grant_avatar,
        "Let an app use an avatar",
        {200: shapes.AVATAR},
    ),
    _operation(
        "DELETE", "/avatars/{avatar_id}/grants/{app_id}", calls.ungrant_avatar, "Take that back", {200: shapes.AVATAR}
    ),
    _operation(
        "GET",
        "/sessions",
        calls.list_sessions,
        "List the newest sessions",
        {200: shapes.listed("sessions", shapes.SESSION)},
        query={"app_id": text(1, 64), "open": flag(default=False), "count": _COUNT},
    ),
    _operation("GET", "/sessions/{session_id}", calls.show_session, "Show a session", {200: shapes.SESSION}),
    _operation("DELETE", "/sessions/{session_id}", calls.end_session, "End a session within a second", {202: None}),
    _operation(
        "GET",
        "/audit",
        calls.list_audit,
        "List the newest entries of the audit log",
        {200: shapes.listed("entries", shapes.ENTRY)},
        query={"target": text(1, 128), "before": whole(1, 2**53), "count": _COUNT},
    ),
)
"""The whole admin API."""


async def show_openapi(_request: Request) -> Response:
    """The description of this API (OpenAPI 3.1); needs no key."""
    document = describe_api(
        Section(operations=OPERATIONS, keys={"adminKey": "X-Admin-Key"}, problem=("Problem", shapes.PROBLEM)),
        title="AvatarKit administration",
        description="Apps, API keys, session tokens, avatars, sessions and the audit log of one server.",
    )
    return JSONResponse(document, headers={"Cache-Control": "no-cache"})


routes = [*routes_of(OPERATIONS, _admit), Route(_A + "/openapi.json", show_openapi)]
"""For the app."""
