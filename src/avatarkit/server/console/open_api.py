"""The Open API: an app's backend lists, makes and deletes the app's avatars, with its API key.

``X-App-ID`` and ``X-API-Key`` are both needed; errors are ``{"error": {"code", "message", "request_id"}}``.
Uploading a bundle and building from a spec are extensions of ours.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avatarkit.errors import AvatarError
from avatarkit.server.console.admin import receive_file
from avatarkit.server.http.bodies import json_object
from avatarkit.server.http.problems import Problem
from avatarkit.server.http.schemas import check, record, text
from avatarkit.server.library.add import add_avatar, new_avatar_id, remove_avatar
from avatarkit.server.library.build import check_spec
from avatarkit.server.library.metadata import cover_url
from avatarkit.server.services import Services, services_of
from avatarkit.server.store.records import AvatarRecord, Job, JobStatus, Scope

if TYPE_CHECKING:
    from avatarkit.server.store.database import Store

_PATH: Final = "/v1/open"
_PAGE: Final = 20
_MAX_PAGE: Final = 100
_BODY: Final = record(name=text(1, 128), imageUrl=text(1, 2048), spec={"type": "object"})
_GLB: Final = ("model/gltf-binary", "application/octet-stream")
_CODES: Final = {
    400: "invalid_request",
    401: "unauthorized",
    402: "insufficient_avatar_units",
    403: "forbidden",
    404: "not_found",
    413: "invalid_request",
    415: "invalid_request",
    501: "unsupported_input",
    503: "service_unavailable",
}


class _App(NamedTuple):
    """Who asks."""

    services: Services
    store: Store
    id: str
    key_prefix: str

    @property
    def now(self) -> int:
        return int(self.services.unix_time())


_Handler = Callable[[Request, _App], Awaitable[Response]]


def _route(path: str, **methods: tuple[Scope, _Handler]) -> Route:
    """A route for holders of a key of the method's scope, whose errors have the Open API's shape."""

    async def serve(request: Request) -> Response:
        scope, handler = methods["GET" if request.method == "HEAD" else request.method]
        try:
            return await handler(request, await _admit(request, scope))
        except AvatarError as exc:
            return _refuse(request, Problem(400, "invalid_request", exc.message))
        except Problem as problem:
            return _refuse(request, problem)

    serve.__name__ = "open_" + path.split("/")[1].replace("-", "_")
    return Route(_PATH + path, serve, methods=list(methods))


def _refuse(request: Request, problem: Problem) -> Response:
    code = problem.code if "_" in problem.code else _CODES.get(problem.status, "internal_error")
    error = {"code": code, "message": problem.title, "request_id": getattr(request.state, "request_id", "")}
    headers = {"Cache-Control": "no-store"} | ({"Retry-After": "1"} if problem.status == 429 else {})
    return JSONResponse({"error": error}, problem.status, headers=headers)


async def _admit(request: Request, scope: Scope) -> _App:
    services = services_of(request)
    store, now = await services.store(), int(services.unix_time())
    key = await store.keys.check(request.headers.get("x-api-key", ""), now=now)
    if key is None:
        raise Problem(401, "unauthorized", "The API key is missing or invalid")
    if request.headers.get("x-app-id", "") != key.app_id:
        raise Problem(403, "forbidden", "X-App-ID does not name the API key's app")
    if scope not in key.scopes:
        raise Problem(403, "forbidden", f"The API key has not the scope {scope.value}")
    if services.open_api_rates.wait_s(key.app_id) > 0:
        raise Problem(429, "rate_limit_exceeded", "Too many requests")
    services.open_api_rates.take(key.app_id)
    return _App(services, store, key.app_id, key.prefix)


async def list_avatars(request: Request, app: _App) -> Response:
    """The avatars that the app may use, page by page."""
    size, after = _page(request)
    found, total = await app.store.avatars.page_visible(app.id, after=after, count=size + 1)
    avatars = [_avatar(request, one) for one in found[:size]]
    last = found[size - 1].id if len(found) > size else None
    return _answer({"avatars": avatars, "pagination": _pagination(last, total)})


async def show_avatar(request: Request, app: _App) -> Response:
    """One of them."""
    return _answer({"avatar": _avatar(request, await _visible(request, app))})


async def delete_avatar(request: Request, app: _App) -> Response:
    """Remove one of the app's own."""
    found = await _visible(request, app)
    if found.owner != app.id:
        raise Problem(403, "forbidden", "The avatar is not the app's own")
    await remove_avatar(app.store, app.services.assets, found.id)
    await _note(app, "avatar.delete", found.id)
    return _answer({})


async def create_avatar(request: Request, app: _App) -> Response:
    """Make an avatar: upload a bundle, or queue the building of a spec."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() in _GLB:
        return await _upload(request, app)
    body = await json_object(request)
    check(body, _BODY)
    if "spec" not in body:
        if "imageUrl" not in body:
            raise Problem(400, "invalid_request", "imageUrl or spec is needed")
        raise Problem(501, "unsupported_input", "This server makes avatars from specs and bundles, not from pictures")
    spec = check_spec(body["spec"])
    job = await _create_job(app, body.get("name", "Avatar"), spec=json.dumps(spec))
    (await app.services.jobs()).wake()
    return _answer({"jobId": job.id, "status": job.status.value, "createdAt": _time(job.created_at)})


async def list_jobs(request: Request, app: _App) -> Response:
    """The app's jobs, page by page; ``statuses`` names those that are wanted."""
    size, after = _page(request)
    texts = [part for text in request.query_params.getlist("statuses") for part in text.split(",") if part]
    known = {status.value: status for status in JobStatus}
    if any(text not in known for text in texts):
        raise Problem(400, "invalid_request", f"statuses are {', '.join(known)}")
    found, total = await app.store.jobs.page(
        app.id, statuses=[known[text] for text in texts], after=after, count=size + 1
    )
    last = found[size - 1].id if len(found) > size else None
    return _answer({"jobs": [_job(job) for job in found[:size]], "pagination": _pagination(last, total)})


async def show_job(request: Request, app: _App) -> Response:
    """One job."""
    job_id = request.path_params["job_id"]
    job = await app.store.jobs.get(job_id, app.id) if job_id.isprintable() else None
    if job is None:
        raise Problem(404, "not_found", "There is no such job")
    return _answer({"job": _job(job)})


async def _upload(request: Request, app: _App) -> Response:
    name = request.query_params.get("name", "")
    if name:
        check(name, text(1, 128), "name")
    job = await _create_job(app, name)
    avatar_id = new_avatar_id()
    try:
        with tempfile.TemporaryDirectory(dir=app.services.assets.incoming()) as folder:
            path = Path(folder) / "upload.glb"
            await receive_file(request, path, app.services.settings.upload_limit)
            await add_avatar(
                app.store, app.services.assets, avatar_id, path, now=app.now, owner=app.id, name=name or None
            )
    except BaseException as exc:
        reason = exc.message if isinstance(exc, AvatarError) else "The upload was not finished"
        await app.store.jobs.fail(job.id, "avatar_generation_failed", reason, retryable=False, now=app.now)
        raise
    await app.store.jobs.succeed(job.id, avatar_id, now=app.now)
    await _note(app, "avatar.add", avatar_id)
    made = {"jobId": job.id, "status": JobStatus.SUCCEEDED.value, "avatarId": avatar_id}
    return _answer(made | {"createdAt": _time(job.created_at)})


async def _create_job(app: _App, name: str, spec: str | None = None) -> Job:
    from avatarkit.server.store.jobs import CreationRefusal  # noqa: PLC0415 - loads the database library

    made = await app.store.jobs.create(app.id, name, now=app.now, spec=spec)
    if not isinstance(made, CreationRefusal):
        return made
    match made:
        case CreationRefusal.QUOTA:
            raise Problem(402, "insufficient_avatar_units", "The app may make no further avatar")
        case CreationRefusal.RATE:
            raise Problem(429, "rate_limit_exceeded", "Too many avatars were made lately")
        case _:
            raise Problem(429, "concurrency_limit_exceeded", "Too many avatars are being made")


async def _visible(request: Request, app: _App) -> AvatarRecord:
    found = await app.store.avatars.visible(request.path_params["avatar_id"], app.id)
    if found is None:
        raise Problem(404, "not_found", "There is no such avatar")
    return found


async def _note(app: _App, action: str, target: str) -> None:
    await app.store.audit.note(f"key:{app.key_prefix}", action, target, now=app.now, app=app.id)


def _page(request: Request) -> tuple[int, str]:
    """How many, and after which id."""
    size = request.query_params.get("pagination.pageSize", "")
    token = request.query_params.get("pagination.pageToken", "")
    if size and not (size.isascii() and size.isdigit() and len(size) < 6 and int(size) >= 1):
        raise Problem(400, "invalid_request", f"pagination.pageSize is a number from 1 to {_MAX_PAGE}")
    try:
        after = base64.b64decode(token[:256], altchars=b"-_", validate=True).decode()
    except ValueError:
        after = "\0"
    if not after.isprintable():
        raise Problem(400, "invalid_request", "pagination.pageToken is none of this server's")
    return min(int(size or _PAGE), _MAX_PAGE), after


def _pagination(last: str | None, total: int) -> dict[str, Any]:
    token = "" if last is None else base64.urlsafe_b64encode(last.encode()).decode()
    return {"nextPageToken": token, "totalCount": total}


def _avatar(request: Request, found: AvatarRecord) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "coverUrl": str(request.base_url).rstrip("/") + cover_url(found),
        "backgroundImageUrl": "",
        "createdAt": _time(found.created_at),
        "updatedAt": _time(found.updated_at),
    }


def _job(job: Job) -> dict[str, Any]:
    error = None
    if job.error_code is not None:
        error = {"code": job.error_code, "message": job.error_message, "retryable": job.error_retryable}
    return {
        "id": job.id,
        "name": job.name,
        "avatarId": job.avatar_id,
        "status": job.status.value,
        "error": error,
        "createdAt": _time(job.created_at),
        "updatedAt": _time(job.updated_at),
        "completedAt": None if job.completed_at is None else _time(job.completed_at),
    }


def _time(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat().replace("+00:00", "Z")


def _answer(value: dict[str, Any]) -> Response:
    return JSONResponse(value, headers={"Cache-Control": "no-store"})


routes = [
    _route("/avatars", GET=(Scope.AVATARS_READ, list_avatars), POST=(Scope.AVATARS_WRITE, create_avatar)),
    _route(
        "/avatars/{avatar_id}", GET=(Scope.AVATARS_READ, show_avatar), DELETE=(Scope.AVATARS_WRITE, delete_avatar)
    ),
    _route("/avatar-jobs", GET=(Scope.AVATARS_READ, list_jobs)),
    _route("/avatar-jobs/{job_id}", GET=(Scope.AVATARS_READ, show_job)),
]
"""For the app."""
