"""What each operation of the admin API does; :mod:`avatarkit.server.console.admin` declares them.

``Call.who`` is an :class:`~avatarkit.server.console.administration.Administration`.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from starlette.responses import JSONResponse, Response

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.server.console.claims import TokenOptions
from avatarkit.server.http.bodies import receive_file
from avatarkit.server.http.operations import Call
from avatarkit.server.http.problems import Problem
from avatarkit.server.services import services_of
from avatarkit.server.store.records import ALL_SCOPES, AvatarState, Scope, Visibility

_NO_STORE: Final = {"Cache-Control": "no-store"}


@contextlib.contextmanager
def _refused_as(status: int, code: str) -> Iterator[None]:
    """Answer with that status when the administration refuses for a reason that has no status of its own."""
    try:
        yield
    except AvatarError as exc:
        if exc.code is not ErrorCode.CONFIGURATION_INVALID:
            raise
        raise Problem(status, code, exc.message, exc.hint) from None


def _answer(value: Any, status: int = 200) -> Response:
    return JSONResponse(value, status, headers=_NO_STORE)


def _nothing() -> Response:
    return Response(status_code=204, headers=_NO_STORE)


async def list_apps(call: Call) -> Response:
    """All apps."""
    return _answer({"apps": await call.who.list_apps()})


async def create_app(call: Call) -> Response:
    """Make an app."""
    return _answer(await call.who.create_app(call.body["name"], call.body.get("quotas")), 201)


async def show_app(call: Call) -> Response:
    """One app."""
    return _answer(await call.who.show_app(call.path["app_id"]))


async def change_app(call: Call) -> Response:
    """Change an app."""
    return _answer(await call.who.change_app(call.path["app_id"], **call.body))


async def delete_app(call: Call) -> Response:
    """Remove an app."""
    with _refused_as(409, "conflict"):
        await call.who.delete_app(call.path["app_id"])
    return _nothing()


async def list_keys(call: Call) -> Response:
    """The keys of an app."""
    return _answer({"keys": await call.who.list_keys(call.path["app_id"])})


async def create_key(call: Call) -> Response:
    """Make a key."""
    scopes = [Scope(name) for name in call.body["scopes"]] if "scopes" in call.body else ALL_SCOPES
    made = await call.who.create_key(call.path["app_id"], call.body.get("name", ""), scopes)
    return _answer(made, 201)


async def revoke_key(call: Call) -> Response:
    """Revoke a key."""
    with _refused_as(404, "notFound"):
        await call.who.revoke_key(call.path["prefix"])
    return _nothing()


async def create_token(call: Call) -> Response:
    """Make a session token."""
    options = {name: value for name, value in call.body.items() if name != "lifetime_s"}
    made = await call.who.create_token(
        call.path["app_id"],
        lifetime_s=call.body.get("lifetime_s", services_of(call.request).settings.token_lifetime_s),
        options=TokenOptions(**options),
    )
    return _answer(made, 201)


async def revoke_tokens(call: Call) -> Response:
    """Revoke all tokens of an app."""
    await call.who.revoke_tokens(call.path["app_id"], **call.query)
    return _nothing()


async def revoke_token(call: Call) -> Response:
    """Revoke a token."""
    return _answer(await call.who.revoke_token(**call.body))


async def list_signing_keys(call: Call) -> Response:
    """The signing keys."""
    return _answer({"signing_keys": await call.who.list_signing_keys()})


async def rotate_signing_key(call: Call) -> Response:
    """Rotate the signing key."""
    keys = await call.who.rotate_signing_key(drop_old=call.body.get("drop_old", False))
    await services_of(call.request).refresh_keys()
    return _answer({"signing_keys": keys}, 201)


async def list_avatars(call: Call) -> Response:
    """All avatars."""
    return _answer({"avatars": await call.who.list_avatars()})


async def show_avatar(call: Call) -> Response:
    """One avatar."""
    return _answer(await call.who.show_avatar(call.path["avatar_id"]))


async def put_avatar(call: Call) -> Response:
    """Upload a bundle: 201 when the avatar is new, 200 when it got a further version."""
    services, avatar_id = services_of(call.request), call.path["avatar_id"]
    is_new = await (await services.store()).avatars.get(avatar_id) is None
    with tempfile.TemporaryDirectory(dir=services.assets.incoming()) as folder:
        path = Path(folder) / "upload.glb"
        await receive_file(call.request, path, services.settings.upload_limit)
        made = await call.who.add_avatar(avatar_id, path)
    return _answer(made, 201 if is_new else 200)


async def change_avatar(call: Call) -> Response:
    """Change an avatar."""
    body = call.body
    changed = await call.who.change_avatar(
        call.path["avatar_id"],
        state=AvatarState(body["state"]) if "state" in body else None,
        visibility=Visibility(body["visibility"]) if "visibility" in body else None,
        version=body.get("version"),
    )
    return _answer(changed)


async def delete_avatar(call: Call) -> Response:
    """Remove an avatar."""
    await call.who.delete_avatar(call.path["avatar_id"])
    return _nothing()


async def grant_avatar(call: Call) -> Response:
    """Grant an avatar."""
    return _answer(await call.who.grant_avatar(call.path["avatar_id"], call.path["app_id"]))


async def ungrant_avatar(call: Call) -> Response:
    """Take a grant back."""
    return _answer(await call.who.ungrant_avatar(call.path["avatar_id"], call.path["app_id"]))


async def list_sessions(call: Call) -> Response:
    """The newest sessions."""
    found = await call.who.list_sessions(
        app_id=call.query.get("app_id"),
        only_open=call.query.get("open", False),
        count=call.query.get("count", 100),
    )
    return _answer({"sessions": found})


async def show_session(call: Call) -> Response:
    """One session."""
    with _refused_as(404, "notFound"):
        return _answer(await call.who.show_session(call.path["session_id"]))


async def end_session(call: Call) -> Response:
    """End a session."""
    with _refused_as(404, "notFound"):
        await call.who.end_session(call.path["session_id"])
    return Response(status_code=202, headers=_NO_STORE)


async def list_audit(call: Call) -> Response:
    """The audit log."""
    found = await call.who.list_audit(
        target=call.query.get("target"), before=call.query.get("before"), count=call.query.get("count", 100)
    )
    return _answer({"entries": found})
