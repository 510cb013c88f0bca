"""The Open API: an app's backend lists, makes and deletes the app's avatars, with its API key.

``X-App-ID`` and ``X-API-Key`` are both needed; errors are ``{"error": {"code", "message", "request_id"}}``.
Uploading a bundle or a picture and building from a spec are extensions of ours. ``GET /v1/open/openapi.json``
describes it, and the way to a session token.
"""

from __future__ import annotations

import math
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from avatarkit.server.console import open_calls as calls
from avatarkit.server.console import open_shapes as shapes
from avatarkit.server.console import session_tokens
from avatarkit.server.console.open_calls import Caller
from avatarkit.server.console.shapes import PROBLEM
from avatarkit.server.http.description import Section, describe_api
from avatarkit.server.http.operations import Operation, routes_of
from avatarkit.server.http.problems import OPEN_PREFIX, Problem
from avatarkit.server.http.schemas import text
from avatarkit.server.services import services_of
from avatarkit.server.store.records import Scope


async def _admit(request: Request, operation: Operation) -> Caller:
    services = services_of(request)
    store, now = await services.store(), int(services.unix_time())
    key = await store.keys.check(request.headers.get("x-api-key", ""), now=now)
    if key is None:
        raise Problem(401, "unauthorized", "The API key is missing or invalid")
    if request.headers.get("x-app-id", "") != key.app_id:
        raise Problem(403, "forbidden", "X-App-ID does not name the API key's app")
    if Scope(operation.needs) not in key.scopes:
        raise Problem(403, "forbidden", f"The API key has not the scope {operation.needs}")
    wait_s = services.open_api_rates.wait_s(key.app_id)
    if wait_s > 0:
        raise Problem(429, "rate_limit_exceeded", "Too many requests", retry_after_s=math.ceil(wait_s))
    services.open_api_rates.take(key.app_id)
    return Caller(services, store, key.app_id, key.prefix)


def _operation(method: str, path: str, handler: Any, summary: str, returns: Any, **more: Any) -> Operation:
    refusals = {403: "The key is for another app, or not for this"} | more.pop("refusals", {})
    needs = Scope.AVATARS_READ if method == "GET" else Scope.AVATARS_WRITE
    return Operation(
        method=method,
        path=OPEN_PREFIX + path,
        name=handler.__name__,
        summary=summary,
        handler=handler,
        returns={200: returns},
        refusals=refusals,
        needs=needs.value,
        **more,
    )


OPERATIONS: Final = (
    _operation(
        "GET",
        "/avatars",
        calls.list_avatars,
        "List the avatars that the app may use",
        shapes.page("avatars", shapes.AVATAR),
        query=shapes.PAGE_QUERY,
    ),
    _operation(
        "POST",
        "/avatars",
        calls.create_avatar,
        "Make an avatar of a picture or a spec, or upload a bundle",
        shapes.CREATED,
        query={
            "name": text(0, 128, description="Of an uploaded bundle or picture."),
            "consent": shapes.CONSENT,
        },
        body=shapes.CREATION,
        media=("model/gltf-binary", "application/octet-stream", *calls.PICTURES),
        refusals={
            402: "The app may make no further avatar",
            413: "Too large",
            415: "A compressed body",
        },
    ),
    _operation(
        "GET",
        "/avatars/{avatar_id}",
        calls.show_avatar,
        "Show an avatar",
        shapes.one("avatar", shapes.AVATAR),
        refusals={404: "There is none"},
    ),
    _operation(
        "DELETE",
        "/avatars/{avatar_id}",
        calls.delete_avatar,
        "Remove one of the app's own avatars",
        shapes.DELETED,
        refusals={404: "There is none"},
    ),
    _operation(
        "GET",
        "/avatar-jobs",
        calls.list_jobs,
        "List the app's jobs",
        shapes.page("jobs", shapes.JOB),
        query=shapes.PAGE_QUERY | {"statuses": shapes.STATUSES},
    ),
    _operation(
        "GET",
        "/avatar-jobs/{job_id}",
        calls.show_job,
        "Show a job",
        shapes.one("job", shapes.JOB),
        refusals={404: "There is none"},
    ),
)
"""The whole Open API."""


async def show_openapi(_request: Request) -> Response:
    """The description of this API and of the token routes (OpenAPI 3.1); needs no key."""
    keys = {"appId": "X-App-ID", "apiKey": "X-API-Key"}
    document = describe_api(
        Section(operations=OPERATIONS, keys=keys, problem=("OpenProblem", shapes.PROBLEM)),
        Section(operations=session_tokens.OPERATIONS, keys={"apiKey": "X-API-Key"}, problem=("Problem", PROBLEM)),
        title="AvatarKit for apps' backends",
        description="Session tokens, and the Open API for avatars.",
    )
    return JSONResponse(document, headers={"Cache-Control": "no-cache"})


routes = [*routes_of(OPERATIONS, _admit), Route(f"{OPEN_PREFIX}/openapi.json", show_openapi)]
"""For the app."""
