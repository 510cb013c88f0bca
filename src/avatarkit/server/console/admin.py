"""Administration over HTTP, for holders of the admin key: apps, their keys, avatars."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from avatarkit.errors import ErrorCode
from avatarkit.server.http.bodies import json_object, stream_body
from avatarkit.server.http.problems import Problem
from avatarkit.server.library.add import add_avatar
from avatarkit.server.library.metadata import describe
from avatarkit.server.services import Services, services_of
from avatarkit.server.store.records import NewKey

_NO_STORE = {"Cache-Control": "no-store"}


async def _admit(request: Request) -> Services:
    services = services_of(request)
    key = request.headers.get("x-admin-key", "")
    if not 0 < len(key) <= 256 or not await (await services.store()).secrets.is_admin_key(key):
        raise Problem(401, "invalidAdminKey", "Invalid admin key", "Send it in the X-Admin-Key header.")
    return services


async def list_apps(request: Request) -> JSONResponse:
    """All apps."""
    store = await (await _admit(request)).store()
    return JSONResponse({"apps": [asdict(app) for app in await store.apps.list()]}, headers=_NO_STORE)


async def create_app(request: Request) -> JSONResponse:
    """Make an app with a first key: ``{"name"}``."""
    services = await _admit(request)
    store = await services.store()
    name = (await json_object(request)).get("name")
    if not isinstance(name, str):
        raise Problem(400, "invalidRequest", "name must be a text")
    now = int(services.unix_time())
    app = await store.apps.create(name, now=now)
    key = await store.keys.create(app.id, now=now)
    return JSONResponse(asdict(app) | key_fields(key), 201, headers=_NO_STORE)


async def create_key(request: Request) -> JSONResponse:
    """Make a further key for an app."""
    services = await _admit(request)
    store = await services.store()
    key = await store.keys.create(request.path_params["app_id"], now=int(services.unix_time()))
    return JSONResponse({"app_id": key.app_id} | key_fields(key), 201, headers=_NO_STORE)


def key_fields(key: NewKey) -> dict[str, str]:
    """A new key as the API shows it, once."""
    return {"api_key": key.text, "api_key_prefix": key.prefix}


async def list_avatars(request: Request) -> JSONResponse:
    """Every avatar in the library."""
    store = await (await _admit(request)).store()
    return JSONResponse({"avatars": [describe(record) for record in await store.avatars.list()]}, headers=_NO_STORE)


async def show_avatar(request: Request) -> JSONResponse:
    """One avatar."""
    store = await (await _admit(request)).store()
    record = await store.avatars.get(request.path_params["avatar_id"])
    if record is None:
        raise Problem(404, ErrorCode.AVATAR_ID_UNRECOGNIZED.value, "Avatar not found")
    return JSONResponse(describe(record), headers=_NO_STORE)


async def put_avatar(request: Request) -> JSONResponse:
    """Upload a bundle (binary glTF) under an id: 201 when new, 200 when it replaced one."""
    services = await _admit(request)
    store = await services.store()
    avatar_id = request.path_params["avatar_id"]
    with tempfile.TemporaryDirectory(dir=services.assets.incoming()) as folder:
        path = Path(folder) / "upload.glb"
        with path.open("wb") as file:
            async for piece in stream_body(request, services.settings.upload_limit):
                file.write(piece)
        is_new = await store.avatars.get(avatar_id) is None
        record = await add_avatar(store, services.assets, avatar_id, path, now=int(services.unix_time()))
    return JSONResponse(describe(record), 201 if is_new else 200, headers=_NO_STORE)


routes = [
    Route("/v1/admin/apps", list_apps, methods=["GET"]),
    Route("/v1/admin/apps", create_app, methods=["POST"]),
    Route("/v1/admin/apps/{app_id}/keys", create_key, methods=["POST"]),
    Route("/v1/admin/avatars", list_avatars, methods=["GET"]),
    Route("/v1/admin/avatars/{avatar_id}", show_avatar, methods=["GET"]),
    Route("/v1/admin/avatars/{avatar_id}", put_avatar, methods=["PUT"]),
]
