"""``/v1/client``: what client SDKs ask for. An App ID, no token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from avatarkit.errors import ErrorCode
from avatarkit.server.http.problems import Problem
from avatarkit.server.library.assets import COMPRESSED
from avatarkit.server.library.child import ChildError
from avatarkit.server.library.metadata import describe
from avatarkit.server.services import services_of

if TYPE_CHECKING:
    from avatarkit.server.store.database import Store

_IMMUTABLE: Final = "public, max-age=31536000, immutable"
_PER_APP: Final = {"Cache-Control": "no-cache", "Vary": "X-App-ID"}


async def _admit(request: Request) -> tuple[Store, str]:
    store = await services_of(request).store()
    app_id = request.headers.get("x-app-id", "")
    if not 0 < len(app_id) <= 64 or not await store.apps.exists(app_id):
        raise Problem(
            403, ErrorCode.APP_ID_UNRECOGNIZED.value, "App ID unrecognized", "Send the App ID in the X-App-ID header."
        )
    return store, app_id


async def list_avatars(request: Request) -> JSONResponse:
    """The avatars that the app may use."""
    store, app_id = await _admit(request)
    avatars = [describe(record) for record in await store.avatars.list_visible(app_id)]
    return JSONResponse({"avatars": avatars}, headers=_PER_APP)


async def show_avatar(request: Request) -> JSONResponse:
    """Metadata of one avatar."""
    store, app_id = await _admit(request)
    record = await store.avatars.visible(request.path_params["avatar_id"], app_id)
    if record is None:
        raise Problem(404, ErrorCode.AVATAR_ID_UNRECOGNIZED.value, "Avatar not found")
    return JSONResponse(describe(record), headers=_PER_APP)


async def get_asset(request: Request) -> Response:
    """A bundle, whole or in part (``Range``), compressed for those who ask; it never changes under its name."""
    sha256, assets = request.path_params["sha256"], services_of(request).assets
    path, etag, encoding = await asyncio.to_thread(assets.path, sha256), f'"{sha256}"', {}
    if path is None:
        raise Problem(404, ErrorCode.AVATAR_ASSET_MISSING.value, "Asset not found")
    # A range counts bytes of what is sent: parts are always of the bundle itself.
    if "range" not in request.headers and _takes_gzip(request.headers.get("accept-encoding", "")):
        compressed = await asyncio.to_thread(assets.path, sha256, COMPRESSED)
        if compressed is not None:
            path, etag, encoding = compressed, f'"{sha256}-gzip"', {"Content-Encoding": "gzip"}
    headers = {"ETag": etag, "Cache-Control": _IMMUTABLE, "Vary": "Accept-Encoding"}
    if _matches(request.headers.get("if-none-match", ""), etag, f'"{sha256}"'):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="model/gltf-binary", headers=headers | encoding)


async def get_cover(request: Request) -> Response:
    """The picture of the avatar that has this bundle; drawn when it is first asked for."""
    sha256, services = request.path_params["sha256"], services_of(request)
    etag = f'"{sha256}-cover"'
    headers = {"ETag": etag, "Cache-Control": _IMMUTABLE}
    try:
        path = await services.covers.get(sha256)
    except ChildError as exc:
        raise Problem(503, "unavailable", "The cover cannot be drawn", str(exc)) from exc
    if path is None:
        raise Problem(404, ErrorCode.AVATAR_ASSET_MISSING.value, "Asset not found")
    if _matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type="image/png", headers=headers)


def _matches(if_none_match: str, *etags: str) -> bool:
    candidates = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return "*" in candidates or any(etag in candidates for etag in etags)


def _takes_gzip(accept_encoding: str) -> bool:
    for item in accept_encoding.lower().split(","):
        name, _, parameters = item.partition(";")
        if name.strip() == "gzip":
            return parameters.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


routes = [
    Route("/v1/client/avatars", list_avatars, methods=["GET"]),
    Route("/v1/client/avatars/{avatar_id}", show_avatar, methods=["GET"]),
    Route("/v1/client/assets/{sha256}", get_asset, methods=["GET"]),
    Route("/v1/client/covers/{sha256}", get_cover, methods=["GET"]),
]
