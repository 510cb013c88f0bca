"""What each operation of the Open API does; :mod:`avatarkit.server.console.open_api` declares them.

``Call.who`` is a :class:`Caller`.
"""

from __future__ import annotations

import base64
import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from starlette.responses import JSONResponse, Response

from avatarkit.errors import AvatarError
from avatarkit.server.console.open_shapes import MAX_PAGE, PAGE
from avatarkit.server.http.bodies import receive_body, receive_file
from avatarkit.server.http.operations import Call
from avatarkit.server.http.problems import Problem
from avatarkit.server.library.add import add_avatar, new_avatar_id, remove_avatar
from avatarkit.server.library.build import check_spec
from avatarkit.server.library.metadata import cover_url
from avatarkit.server.services import Services
from avatarkit.server.store.records import AvatarRecord, Job, JobStatus

if TYPE_CHECKING:
    from avatarkit.server.store.database import Store


PICTURES: Final = ("image/jpeg", "image/png", "image/webp")
"""Media types of an uploaded picture; what it really is, its bytes tell."""


class Caller(NamedTuple):
    """Who asks."""

    services: Services
    store: Store
    app_id: str
    key_prefix: str

    @property
    def now(self) -> int:
        """Unix seconds."""
        return int(self.services.unix_time())


async def list_avatars(call: Call) -> Response:
    """The avatars that the app may use, page by page."""
    app, (size, after) = call.who, _page(call)
    found, total = await app.store.avatars.page_visible(app.app_id, after=after, count=size + 1)
    avatars = [_avatar(call, one) for one in found[:size]]
    last = found[size - 1].id if len(found) > size else None
    return _answer({"avatars": avatars, "pagination": _pagination(last, total)})


async def show_avatar(call: Call) -> Response:
    """One of them."""
    return _answer({"avatar": _avatar(call, await _visible(call))})


async def delete_avatar(call: Call) -> Response:
    """Remove one of the app's own."""
    app, found = call.who, await _visible(call)
    if found.owner != app.app_id:
        raise Problem(403, "forbidden", "The avatar is not the app's own")
    await remove_avatar(app.store, app.services.assets, found.id)
    await _note(app, "avatar.delete", found.id)
    return _answer({})


async def create_avatar(call: Call) -> Response:
    """Make an avatar: upload a bundle, or queue the making of a picture or a spec."""
    if call.is_media:
        return await (_upload_picture(call) if _media(call) in PICTURES else _upload(call))
    body = call.body
    if ("spec" in body) == ("imageUrl" in body):
        raise Problem(400, "invalid_request", "One of imageUrl and spec is needed")
    name = body.get("name", "Avatar")
    if "spec" in body:
        return await _queue(call.who, name, check_spec(body["spec"]))
    from avatarkit.server.library.download import fault_of  # noqa: PLC0415 - loads the HTTP client

    if (fault := fault_of(body["imageUrl"])) is not None:
        raise Problem(400, "invalid_request", f"imageUrl {fault}")
    consent = _consent(call.who, body.get("consent", False))
    return await _queue(call.who, name, {"imageUrl": body["imageUrl"]}, consent=consent)


async def list_jobs(call: Call) -> Response:
    """The app's jobs, page by page; ``statuses`` names those that are wanted."""
    app, (size, after) = call.who, _page(call)
    statuses = [JobStatus(text) for text in call.query.get("statuses", ())]
    found, total = await app.store.jobs.page(app.app_id, statuses=statuses, after=after, count=size + 1)
    last = found[size - 1].id if len(found) > size else None
    return _answer({"jobs": [_job(job) for job in found[:size]], "pagination": _pagination(last, total)})


async def show_job(call: Call) -> Response:
    """One job."""
    job = await call.who.store.jobs.get(call.path["job_id"], call.who.app_id)
    if job is None:
        raise Problem(404, "not_found", "There is no such job")
    return _answer({"job": _job(job)})


async def _upload_picture(call: Call) -> Response:
    from avatarkit.server.library.download import MOST_BYTES, media_of  # noqa: PLC0415 - loads the HTTP client

    consent = _consent(call.who, call.query.get("consent", False))
    picture = await receive_body(call.request, MOST_BYTES)
    if media_of(picture) is None:
        raise Problem(400, "invalid_image", "The body is no JPEG, PNG or WebP")
    name = call.query.get("name", "") or "Avatar"
    return await _queue(call.who, name, {"picture": True}, picture, consent=consent)


def _consent(app: Caller, stated: bool) -> str:
    """Who states that the person shown agrees, for the audit log."""
    if stated:
        return "caller"
    if app.services.settings.photo_consent:
        raise Problem(
            400,
            "invalid_request",
            "consent must be true: an avatar of a picture needs the consent of the person shown. Ask the person, "
            "then state it",
        )
    return "operator"


async def _queue(
    app: Caller, name: str, spec: dict[str, Any], picture: bytes | None = None, **noted: object
) -> Response:
    job = await _create_job(app, name, spec=json.dumps(spec), picture=picture)
    await _note(app, "job.create", job.id, **noted)
    (await app.services.jobs()).wake()
    return _answer({"jobId": job.id, "status": job.status.value, "createdAt": _time(job.created_at)})


def _media(call: Call) -> str:
    return str(call.request.headers.get("content-type", "")).partition(";")[0].strip().lower()


async def _upload(call: Call) -> Response:
    app, name = call.who, call.query.get("name", "")
    job = await _create_job(app, name)
    avatar_id = new_avatar_id()
    try:
        with tempfile.TemporaryDirectory(dir=app.services.assets.incoming()) as folder:
            path = Path(folder) / "upload.glb"
            await receive_file(call.request, path, app.services.settings.upload_limit)
            await add_avatar(
                app.store, app.services.assets, avatar_id, path, now=app.now, owner=app.app_id, name=name or None
            )
    except BaseException as exc:
        reason = exc.message if isinstance(exc, AvatarError) else "The upload was not finished"
        await app.store.jobs.fail(job.id, "avatar_generation_failed", reason, retryable=False, now=app.now)
        raise
    await app.store.jobs.succeed(job.id, avatar_id, now=app.now)
    await _note(app, "avatar.add", avatar_id)
    made = {"jobId": job.id, "status": JobStatus.SUCCEEDED.value, "avatarId": avatar_id}
    return _answer(made | {"createdAt": _time(job.created_at)})


async def _create_job(app: Caller, name: str, **content: Any) -> Job:
    from avatarkit.server.store.jobs import CreationRefusal  # noqa: PLC0415 - loads the database library

    made = await app.store.jobs.create(app.app_id, name, now=app.now, **content)
    if not isinstance(made, CreationRefusal):
        return made
    match made:
        case CreationRefusal.QUOTA:
            raise Problem(402, "insufficient_avatar_units", "The app may make no further avatar")
        case CreationRefusal.RATE:
            raise Problem(429, "rate_limit_exceeded", "Too many avatars were made lately", retry_after_s=60)
        case _:
            raise Problem(429, "concurrency_limit_exceeded", "Too many avatars are being made", retry_after_s=10)


async def _visible(call: Call) -> AvatarRecord:
    found: AvatarRecord | None = await call.who.store.avatars.visible(call.path["avatar_id"], call.who.app_id)
    if found is None:
        raise Problem(404, "not_found", "There is no such avatar")
    return found


async def _note(app: Caller, action: str, target: str, **more: object) -> None:
    await app.store.audit.note(f"key:{app.key_prefix}", action, target, now=app.now, app=app.app_id, **more)


def _page(call: Call) -> tuple[int, str]:
    """How many, and after which id."""
    try:
        after = base64.b64decode(call.query.get("pagination.pageToken", ""), altchars=b"-_", validate=True).decode()
    except ValueError:
        after = "\0"
    if not after.isprintable():
        raise Problem(400, "invalid_request", "pagination.pageToken is none of this server's")
    return min(call.query.get("pagination.pageSize", PAGE), MAX_PAGE), after


def _pagination(last: str | None, total: int) -> dict[str, Any]:
    token = "" if last is None else base64.urlsafe_b64encode(last.encode()).decode()
    return {"nextPageToken": token, "totalCount": total}


def _avatar(call: Call, found: AvatarRecord) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.name,
        "coverUrl": str(call.request.base_url).rstrip("/") + cover_url(found),
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
