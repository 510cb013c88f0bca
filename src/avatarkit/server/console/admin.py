"""Administration over HTTP, for holders of the admin key. ``GET /v1/admin/openapi.json`` describes it."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.console import shapes
from avatarkit.server.console.administration import MAX_COUNT, Administration
from avatarkit.server.console.claims import TokenOptions
from avatarkit.server.http.bodies import stream_body
from avatarkit.server.http.operations import Call, Operation, describe_api, routes_of
from avatarkit.server.http.problems import Problem
from avatarkit.server.http.schemas import flag, record, text, whole
from avatarkit.server.services import Services, services_of
from avatarkit.server.store.records import ALL_SCOPES, AvatarState, Scope, Visibility

_NO_STORE: Final = {"Cache-Control": "no-store"}
_NOT_FOUND: Final = {404: "There is no such thing"}
_MAX_KEY_CHARACTERS: Final = 256


async def _admit(request: Request) -> None:
    key = request.headers.get("x-admin-key", "")
    store = await services_of(request).store()
    if not 0 < len(key) <= _MAX_KEY_CHARACTERS or not await store.secrets.is_admin_key(key):
        raise Problem(401, "invalidAdminKey", "Invalid admin key", "Send it in the X-Admin-Key header.")


@contextlib.contextmanager
def _refused_as(status: int, code: str) -> Iterator[None]:
    """Answer with that status when the administration refuses for a reason that has no status of its own."""
    try:
        yield
    except AvatarError as exc:
        if exc.code is not ErrorCode.CONFIGURATION_INVALID:
            raise
        raise Problem(status, code, exc.message, exc.hint) from None


async def _work(call: Call) -> Administration:
    services: Services = services_of(call.request)
    return Administration(await services.store(), services.assets, unix_time=services.unix_time, actor="admin")


def _answer(value: Any, status: int = 200) -> Response:
    return JSONResponse(value, status, headers=_NO_STORE)


def _nothing() -> Response:
    return Response(status_code=204, headers=_NO_STORE)


async def list_apps(call: Call) -> Response:
    """All apps."""
    return _answer({"apps": await (await _work(call)).list_apps()})


async def create_app(call: Call) -> Response:
    """Make an app."""
    return _answer(await (await _work(call)).create_app(call.body["name"], call.body.get("quotas")), 201)


async def show_app(call: Call) -> Response:
    """One app."""
    return _answer(await (await _work(call)).show_app(call.path["app_id"]))


async def change_app(call: Call) -> Response:
    """Change an app."""
    return _answer(await (await _work(call)).change_app(call.path["app_id"], **call.body))


async def delete_app(call: Call) -> Response:
    """Remove an app."""
    with _refused_as(409, "conflict"):
        await (await _work(call)).delete_app(call.path["app_id"])
    return _nothing()


async def list_keys(call: Call) -> Response:
    """The keys of an app."""
    return _answer({"keys": await (await _work(call)).list_keys(call.path["app_id"])})


async def create_key(call: Call) -> Response:
    """Make a key."""
    scopes = [Scope(name) for name in call.body["scopes"]] if "scopes" in call.body else ALL_SCOPES
    made = await (await _work(call)).create_key(call.path["app_id"], call.body.get("name", ""), scopes)
    return _answer(made, 201)


async def revoke_key(call: Call) -> Response:
    """Revoke a key."""
    with _refused_as(404, "notFound"):
        await (await _work(call)).revoke_key(call.path["prefix"])
    return _nothing()


async def create_token(call: Call) -> Response:
    """Make a session token."""
    options = {name: value for name, value in call.body.items() if name != "lifetime_s"}
    made = await (await _work(call)).create_token(
        call.path["app_id"],
        lifetime_s=call.body.get("lifetime_s", services_of(call.request).settings.token_lifetime_s),
        options=TokenOptions(**options),
    )
    return _answer(made, 201)


async def revoke_tokens(call: Call) -> Response:
    """Revoke all tokens of an app."""
    await (await _work(call)).revoke_tokens(call.path["app_id"])
    return _nothing()


async def revoke_token(call: Call) -> Response:
    """Revoke a token."""
    return _answer(await (await _work(call)).revoke_token(call.body["token"]))


async def list_signing_keys(call: Call) -> Response:
    """The signing keys."""
    return _answer({"signing_keys": await (await _work(call)).list_signing_keys()})


async def rotate_signing_key(call: Call) -> Response:
    """Rotate the signing key."""
    keys = await (await _work(call)).rotate_signing_key(drop_old=call.body.get("drop_old", False))
    await services_of(call.request).refresh_keys()
    return _answer({"signing_keys": keys}, 201)


async def list_avatars(call: Call) -> Response:
    """All avatars."""
    return _answer({"avatars": await (await _work(call)).list_avatars()})


async def show_avatar(call: Call) -> Response:
    """One avatar."""
    return _answer(await (await _work(call)).show_avatar(call.path["avatar_id"]))


async def put_avatar(call: Call) -> Response:
    """Upload a bundle: 201 when the avatar is new, 200 when it got a further version."""
    services, avatar_id = services_of(call.request), call.path["avatar_id"]
    is_new = await (await services.store()).avatars.get(avatar_id) is None
    with tempfile.TemporaryDirectory(dir=services.assets.incoming()) as folder:
        path = Path(folder) / "upload.glb"
        await receive_file(call.request, path, services.settings.upload_limit)
        made = await (await _work(call)).add_avatar(avatar_id, path)
    return _answer(made, 201 if is_new else 200)


async def receive_file(request: Request, path: Path, limit_bytes: int) -> None:
    """Write the body to a file; :class:`Problem` 413 as soon as it is over the limit, 415 when it is compressed."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "invalidRequest", "A compressed body is not taken")
    with path.open("wb") as file:
        async for piece in stream_body(request, limit_bytes):
            file.write(piece)


async def change_avatar(call: Call) -> Response:
    """Change an avatar."""
    body = call.body
    changed = await (await _work(call)).change_avatar(
        call.path["avatar_id"],
        state=AvatarState(body["state"]) if "state" in body else None,
        visibility=Visibility(body["visibility"]) if "visibility" in body else None,
        version=body.get("version"),
    )
    return _answer(changed)


async def delete_avatar(call: Call) -> Response:
    """Remove an avatar."""
    await (await _work(call)).delete_avatar(call.path["avatar_id"])
    return _nothing()


async def grant_avatar(call: Call) -> Response:
    """Grant an avatar."""
    return _answer(await (await _work(call)).grant_avatar(call.path["avatar_id"], call.path["app_id"]))


async def ungrant_avatar(call: Call) -> Response:
    """Take a grant back."""
    return _answer(await (await _work(call)).ungrant_avatar(call.path["avatar_id"], call.path["app_id"]))


async def list_sessions(call: Call) -> Response:
    """The newest sessions."""
    found = await (await _work(call)).list_sessions(
        app_id=call.query.get("app_id"),
        only_open=call.query.get("open", False),
        count=call.query.get("count", 100),
    )
    return _answer({"sessions": found})


async def show_session(call: Call) -> Response:
    """One session."""
    with _refused_as(404, "notFound"):
        return _answer(await (await _work(call)).show_session(call.path["session_id"]))


async def end_session(call: Call) -> Response:
    """End a session."""
    with _refused_as(404, "notFound"):
        await (await _work(call)).end_session(call.path["session_id"])
    return Response(status_code=202, headers=_NO_STORE)


async def list_audit(call: Call) -> Response:
    """The audit log."""
    found = await (await _work(call)).list_audit(
        target=call.query.get("target"), before=call.query.get("before"), count=call.query.get("count", 100)
    )
    return _answer({"entries": found})


_COUNT: Final = whole(1, MAX_COUNT, default=100)
_A: Final = "/v1/admin"
_GLB: Final = ("model/gltf-binary", "application/octet-stream")


def _operation(method: str, path: str, handler: Any, summary: str, returns: dict[int, Any], **more: Any) -> Operation:
    refusals = more.pop("refusals", {}) | (_NOT_FOUND if "{" in path else {}) | ({413: "Too large"} if more else {})
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
    _operation("GET", "/apps", list_apps, "List all apps", {200: shapes.listed("apps", shapes.APP)}),
    _operation(
        "POST",
        "/apps",
        create_app,
        "Make an app with its first API key, which is shown this once",
        {201: shapes.APP},
        body=record(("name",), name=shapes.NAME, quotas=shapes.QUOTAS),
    ),
    _operation("GET", "/apps/{app_id}", show_app, "Show an app and what it has used", {200: shapes.APP}),
    _operation(
        "PATCH",
        "/apps/{app_id}",
        change_app,
        "Rename, disable or enable an app, or change quotas; null is the server's own limit",
        {200: shapes.APP},
        body=record(name=shapes.NAME, disabled=flag(), quotas=shapes.QUOTAS),
    ),
    _operation(
        "DELETE",
        "/apps/{app_id}",
        delete_app,
        "Remove an app without avatars and sessions",
        {204: None},
        refusals={409: "It has avatars or open sessions"},
    ),
    _operation(
        "GET",
        "/apps/{app_id}/keys",
        list_keys,
        "List the API keys of an app",
        {200: shapes.listed("keys", shapes.KEY)},
    ),
    _operation(
        "POST",
        "/apps/{app_id}/keys",
        create_key,
        "Make an API key, which is shown this once",
        {201: shapes.NEW_KEY},
        body=record(name=shapes.NAME, scopes=shapes.SCOPES),
    ),
    _operation("DELETE", "/keys/{prefix}", revoke_key, "Revoke an API key and the tokens it bought", {204: None}),
    _operation(
        "POST",
        "/apps/{app_id}/tokens",
        create_token,
        "Make a session token for an app",
        {201: shapes.TOKEN},
        body=shapes.TOKEN_REQUEST,
    ),
    _operation("DELETE", "/apps/{app_id}/tokens", revoke_tokens, "Revoke every session token of an app", {204: None}),
    _operation(
        "POST",
        "/revoked-tokens",
        revoke_token,
        "Revoke one session token",
        {200: shapes.REVOKED},
        body=record(("token",), token=text(1, 2048)),
    ),
    _operation("GET", "/signing-keys", list_signing_keys, "List the signing keys", {200: shapes.SIGNING_KEYS}),
    _operation(
        "POST",
        "/signing-keys",
        rotate_signing_key,
        "Sign with a new key; drop_old makes all tokens so far void at once",
        {201: shapes.SIGNING_KEYS},
        body=record(drop_old=flag(default=False)),
    ),
    _operation("GET", "/avatars", list_avatars, "List all avatars", {200: shapes.listed("avatars", shapes.AVATAR)}),
    _operation("GET", "/avatars/{avatar_id}", show_avatar, "Show an avatar with its versions", {200: shapes.AVATAR}),
    _operation(
        "PUT",
        "/avatars/{avatar_id}",
        put_avatar,
        "Upload a bundle as an avatar, or as the next version of one",
        {200: shapes.AVATAR, 201: shapes.AVATAR},
        media=_GLB,
        refusals={415: "A compressed body"},
    ),
    _operation(
        "PATCH",
        "/avatars/{avatar_id}",
        change_avatar,
        "Publish or withdraw an avatar, say who sees it, or show another version",
        {200: shapes.AVATAR},
        body=record(state=shapes.STATE, visibility=shapes.VISIBILITY, version=whole(1, 2**31 - 1)),
    ),
    _operation("DELETE", "/avatars/{avatar_id}", delete_avatar, "Remove an avatar with all versions", {204: None}),
    _operation(
        "PUT", "/avatars/{avatar_id}/grants/{app_id}", grant_avatar, "Let an app use an avatar", {200: shapes.AVATAR}
    ),
    _operation(
        "DELETE", "/avatars/{avatar_id}/grants/{app_id}", ungrant_avatar, "Take that back", {200: shapes.AVATAR}
    ),
    _operation(
        "GET",
        "/sessions",
        list_sessions,
        "List the newest sessions",
        {200: shapes.listed("sessions", shapes.SESSION)},
        query={"app_id": text(1, 64), "open": flag(default=False), "count": _COUNT},
    ),
    _operation("GET", "/sessions/{session_id}", show_session, "Show a session", {200: shapes.SESSION}),
    _operation("DELETE", "/sessions/{session_id}", end_session, "End a session within a second", {202: None}),
    _operation(
        "GET",
        "/audit",
        list_audit,
        "List the newest entries of the audit log",
        {200: shapes.listed("entries", shapes.ENTRY)},
        query={"target": text(1, 128), "before": whole(1, 2**53), "count": _COUNT},
    ),
)
"""The whole admin API."""


async def show_openapi(_request: Request) -> Response:
    """The description of this API (OpenAPI 3.1); needs no key."""
    return JSONResponse(
        describe_api(
            OPERATIONS,
            title="AvatarKit administration",
            version=version("pyavatarkit"),
            description="Apps, API keys, session tokens, avatars, sessions and the audit log of one server.",
            security={"adminKey": {"type": "apiKey", "in": "header", "name": "X-Admin-Key"}},
            problem=shapes.PROBLEM,
        ),
        headers={"Cache-Control": "no-cache"},
    )


routes = [*routes_of(OPERATIONS, _admit), Route(_A + "/openapi.json", show_openapi)]
"""For the app."""
