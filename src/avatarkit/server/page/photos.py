"""Visitors of the page make avatars of photos, in the name of the demo app.

A visitor is whoever holds a cookie of ours: a random number that scripts cannot read, that is sent to these routes
only, and of which the store knows the hash. It is given with the first photo. Avatars of visitors are on no list: the
browser that made one is told its id, and whoever is told that id may load it.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avatarkit.server.buckets import Buckets
from avatarkit.server.http.bodies import receive_body
from avatarkit.server.http.problems import Problem
from avatarkit.server.library.add import remove_avatar
from avatarkit.server.library.metadata import describe
from avatarkit.server.library.photo import missing_packages
from avatarkit.server.library.visitors import forget_visitors
from avatarkit.server.page.visitors import check_guest, demo_app, take_turn
from avatarkit.server.services import Services
from avatarkit.server.store.records import AvatarRecord, Job, JobStatus

if TYPE_CHECKING:
    from avatarkit.server.store.database import Store

COOKIE: Final = "avatarkit_visitor"
_PATH: Final = "/v1/page"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN_BYTES: Final = 32
MOST_AVATARS: Final = 3
"""Avatars that one visitor may have."""
_PHOTOS_AT_ONCE: Final = 10
_PHOTOS_PER_HOUR: Final = 30
"""Of one address, refused ones included."""
_MOST_NAME: Final = 60
_HOUR_S: Final = 3600
_DETAIL: Final = re.compile(r"\s*\[([a-z_]+)\]$")
_INSTALL: Final = (
    "Install there, with Python 3.11 or 3.12: pip install 'pyavatarkit[studio]', then "
    "pip install --no-deps anny==0.6.2 mediapipe==0.10.21."
)
_NO_STORE: Final = {"Cache-Control": "no-store"}


class PhotoDesk:
    """Serves visitors who bring photos.

    Args:
        services: The server's.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._photos = Buckets(_PHOTOS_PER_HOUR / _HOUR_S, _PHOTOS_AT_ONCE, services.clock)

    async def show(self, request: Request) -> dict[str, Any]:
        """Whether avatars can be made here, and what the visitor has. :class:`Problem` 403 for who is no guest."""
        check_guest(request, self._services.settings)
        visitor, store = _visitor_of(request), await self._services.store()
        mine = [] if visitor is None else await store.avatars.of_visitor(visitor)
        jobs = [] if visitor is None else await store.jobs.of_visitor(visitor)
        return {
            "offer": self._offer(),
            "avatars": [self._describe(avatar) for avatar in mine],
            "jobs": [await self._job(store, job) for job in jobs],
        }

    async def create(self, request: Request) -> Response:
        """Queue the making of an avatar of the picture that is the body; the answer gives a visitor the cookie.
        :class:`Problem` for everything else."""
        services, settings = self._services, self._services.settings
        check_guest(request, settings)
        fault = self._fault()
        if fault is not None:
            raise Problem(503, *fault)
        if request.query_params.get("consent") != "true":
            raise Problem(
                400, "consentNeeded", "The person shown must agree", "Tick that it is you, or that the person agrees."
            )
        name = _name(request.query_params.get("name", ""))
        take_turn(self._photos, request)
        picture = await _picture(request)
        store, now = await services.store(), int(services.unix_time())
        app = demo_app(await store.apps.list())
        await forget_visitors(store, services.assets, hours=settings.page_photo_hours, now=now)
        token = request.cookies.get(COOKIE, "")
        if _TOKEN.fullmatch(token) is None:
            token = secrets.token_urlsafe(_TOKEN_BYTES)
        job = await self._create_job(store, app.id, name, picture, _hash(token))
        actor = f"visitor:{_hash(token)[:12]}"
        await store.audit.note(actor, "job.create", job.id, now=now, app=app.id, consent="caller")
        (await services.jobs()).wake()
        answer = JSONResponse({"job": await self._job(store, job)}, headers=_NO_STORE)
        answer.set_cookie(
            COOKIE,
            token,
            max_age=settings.page_photo_hours * _HOUR_S,
            path=_PATH,
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return answer

    async def show_job(self, request: Request) -> dict[str, Any]:
        """How far a job of the visitor's is; :class:`Problem` 404 for another's."""
        check_guest(request, self._services.settings)
        store, visitor = await self._services.store(), _visitor_of(request)
        app = demo_app(await store.apps.list())
        job = await store.jobs.get(request.path_params["job_id"], app.id)
        if job is None or visitor is None or job.visitor != visitor:
            raise Problem(404, "notFound", "There is no such job")
        return {"job": await self._job(store, job)}

    async def delete(self, request: Request) -> None:
        """Remove an avatar of the visitor's; :class:`Problem` 404 for another's."""
        check_guest(request, self._services.settings)
        services, visitor = self._services, _visitor_of(request)
        store = await services.store()
        avatar = await store.avatars.get(request.path_params["avatar_id"])
        if avatar is None or visitor is None or avatar.visitor != visitor:
            raise Problem(404, "notFound", "There is no such avatar")
        await remove_avatar(store, services.assets, avatar.id)
        now = int(services.unix_time())
        await store.audit.note(f"visitor:{visitor[:12]}", "avatar.delete", avatar.id, now=now)

    def _fault(self) -> tuple[str, str, str] | None:
        """Code, title and detail of why no avatar can be made here."""
        if not self._services.settings.page_photos:
            return "photosOff", "This server makes no avatars of photos", "Whoever runs it has switched that off."
        missing = missing_packages()
        if not missing:
            return None
        detail = f"Not installed on the server: {', '.join(missing)}. {_INSTALL}"
        return "photosMissing", "This server cannot make avatars of photos", detail

    def _offer(self) -> dict[str, Any]:
        from avatarkit.server.library.download import MOST_BYTES  # noqa: PLC0415 - loads the HTTP client

        fault = self._fault()
        return {
            "isPossible": fault is None,
            "code": fault[0] if fault else "",
            "reason": fault[2] if fault else "",
            "maxBytes": MOST_BYTES,
            "mostAvatars": MOST_AVATARS,
            "keptHours": self._services.settings.page_photo_hours,
        }

    async def _create_job(self, store: Store, app_id: str, name: str, picture: bytes, visitor: str) -> Job:
        from avatarkit.server.store.jobs import CreationRefusal, Visitor  # noqa: PLC0415 - loads the database library

        whose = Visitor(visitor, MOST_AVATARS, self._services.settings.page_photos)
        spec, now = json.dumps({"picture": True}), int(self._services.unix_time())
        made = await store.jobs.create(app_id, name, now=now, spec=spec, picture=picture, visitor=whose)
        if not isinstance(made, CreationRefusal):
            return made
        match made:
            case CreationRefusal.VISITOR:
                raise Problem(409, "tooMany", "You have as many as you may", "Delete one of your characters first.")
            case CreationRefusal.PLACES | CreationRefusal.QUOTA:
                detail = "This server keeps no more characters of visitors now. Try again another day."
                raise Problem(503, "full", "There is no room", detail)
            case _:
                raise Problem(429, "rateLimited", "Too many at once", "Wait a minute.", retry_after_s=60)

    def _describe(self, avatar: AvatarRecord) -> dict[str, Any]:
        return describe(avatar) | {
            "expiresAt": avatar.created_at + self._services.settings.page_photo_hours * _HOUR_S
        }

    async def _job(self, store: Store, job: Job) -> dict[str, Any]:
        error, avatar = None, None
        if job.error_code is not None:
            message = job.error_message or ""
            detail = _DETAIL.search(message)
            error = {
                "code": job.error_code,
                "message": _DETAIL.sub("", message),
                "detail": detail.group(1) if detail else "",
            }
        if job.avatar_id is not None:
            avatar = await store.avatars.get(job.avatar_id)
        return {
            "id": job.id,
            "name": job.name,
            "status": job.status.value,
            "ahead": await store.jobs.ahead(job) if job.status is JobStatus.QUEUED else 0,
            "percent": job.percent,
            "stage": job.stage,
            "usualSeconds": round((await self._services.jobs()).usual_s, 1),
            "error": error,
            "avatar": None if avatar is None else self._describe(avatar),
        }


async def show_avatars(request: Request) -> JSONResponse:
    """``GET /v1/page/avatars``."""
    return JSONResponse(await _desk(request).show(request), headers=_NO_STORE)


async def create_avatar(request: Request) -> Response:
    """``POST /v1/page/avatars?name=&consent=true``."""
    return await _desk(request).create(request)


async def show_job(request: Request) -> JSONResponse:
    """``GET /v1/page/avatar-jobs/{job_id}``."""
    return JSONResponse(await _desk(request).show_job(request), headers=_NO_STORE)


async def delete_avatar(request: Request) -> Response:
    """``DELETE /v1/page/avatars/{avatar_id}``."""
    await _desk(request).delete(request)
    return Response(status_code=204, headers=_NO_STORE)


def _desk(request: Request) -> PhotoDesk:
    desk = request.app.state.photos
    assert isinstance(desk, PhotoDesk)
    return desk


def _visitor_of(request: Request) -> str | None:
    token = request.cookies.get(COOKIE, "")
    return None if _TOKEN.fullmatch(token) is None else _hash(token)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _name(text: str) -> str:
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:_MOST_NAME].strip() or "Me"


async def _picture(request: Request) -> bytes:
    from avatarkit.server.library.download import MOST_BYTES, media_of  # noqa: PLC0415 - loads the HTTP client

    # No form of another page can send that type.
    if not request.headers.get("content-type", "").startswith("image/"):
        raise Problem(415, "invalidRequest", "The body must be a picture", "Its type must be image/...")
    picture = await receive_body(request, MOST_BYTES)
    if media_of(picture) is None:
        raise Problem(400, "invalidImage", "The file is no JPEG, PNG or WebP", "Choose a JPEG, PNG or WebP picture.")
    return picture


routes = [
    Route(f"{_PATH}/avatars", show_avatars, methods=["GET"]),
    Route(f"{_PATH}/avatars", create_avatar, methods=["POST"]),
    Route(f"{_PATH}/avatars/{{avatar_id}}", delete_avatar, methods=["DELETE"]),
    Route(f"{_PATH}/avatar-jobs/{{job_id}}", show_job, methods=["GET"]),
]
