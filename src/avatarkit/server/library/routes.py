"""``/v1/client``: what client SDKs ask for. An App ID, no token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from avatarkit.errors import ErrorCode
from avatarkit.server.http.problems import Problem
from avatarkit.server.library.metadata import describe
from avatarkit.server.services import services_of

if TYPE_CHECKING:
    from avatarkit.server.store.database import Store

_IMMUTABLE: Final = "public, max-age=31536000, immutable"


async def _store_for_app(request: Request) -> Store:
    store = await services_of(request).store()
    app_id = request.headers.get("x-app-id", "")
    if not 0 < len(app_id) <= 64 or not await store.apps.exists(app_id):
        raise Problem(
            403, ErrorCode.APP_ID_UNRECOGNIZED.value, "App ID unrecognized", "Send the App ID in the X-App-ID header."
        )
    return store


async def list_avatars(request: Request) -> JSONResponse:
    """The avatars that the app may use."""
    store = await _store_for_app(request)
    avatars = [describe(record) for record in await store.avatars.list()]
    return JSONResponse({"avatars": avatars}, headers={"Cache-Control": "no-cache"})


async def show_avatar(request: Request) -> JSONResponse:
    """Metadata of one avatar."""
    store = await _store_for_app(request)
    record = await store.avatars.get(request.path_params["avatar_id"])
    if record is None:
        raise Problem(404, ErrorCode.AVATAR_ID_UNRECOGNIZED.value, "Avatar not found")
    return JSONResponse(describe(record), headers={"Cache-Control": "no-cache"})


async def get_asset(request: Request) -> Response:
    """A bundle, whole or in part (``Range``); it never changes under its name."""
    sha256 = request.path_params["sha256"]
    path = services_of(request).assets.path(sha256)
    if path is None:
        raise Problem(404, ErrorCode.AVATAR_ASSET_MISSING.value, "Asset not found")
    etag = f'"{sha256}"'
    headers = {"ETag": etag, "Cache-Control": _IMMUTABLE}
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="model/gltf-binary", headers=headers)


def _matches(if_none_match: str, etag: str) -> bool:
    candidates = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return "*" in candidates or etag in candidates


routes = [
    Route("/v1/client/avatars", list_avatars, methods=["GET"]),
    Route("/v1/client/avatars/{avatar_id}", show_avatar, methods=["GET"]),
    Route("/v1/client/assets/{sha256}", get_asset, methods=["GET"]),
]
