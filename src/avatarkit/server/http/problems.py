"""Error answers, in the shapes that the published clients parse.

::

    {"errors": [{"id", "status", "code", "title", "detail"}]}        everywhere else
    {"error": {"code", "message", "request_id"}}                      below /v1/open

Published clients match the *text* before the status, so texts keep to plain words of their own tables.
"""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from avatarkit.errors import AvatarError, ErrorCode

if TYPE_CHECKING:
    from starlette.requests import Request

OPEN_PREFIX: Final = "/v1/open"
"""Paths of the Open API."""
OPEN_CODES: Final = {
    400: "invalid_request",
    401: "unauthorized",
    402: "insufficient_avatar_units",
    403: "forbidden",
    404: "not_found",
    429: "rate_limit_exceeded",
    501: "unsupported_input",
    503: "service_unavailable",
}
"""The Open API's code of a status; others of the caller's are ``invalid_request``, of ours ``internal_error``."""


class Problem(Exception):  # noqa: N818 - an answer, not a fault of the program
    """Raise it anywhere in a route to answer with an error.

    Attributes:
        status: HTTP status.
        code: Stable code for programs.
        title: A few words for people.
        detail: What to do, or what exactly was wrong; never a secret.
        retry_after_s: When to come again, or ``None``.
    """

    def __init__(
        self, status: int, code: str, title: str, detail: str = "", *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail or title
        self.retry_after_s = retry_after_s


def respond(problem: Problem, scope: MutableMapping[str, Any]) -> JSONResponse:
    """The answer to the request of an ASGI scope, in the shape of its path."""
    headers = {"Cache-Control": "no-store"}
    if problem.retry_after_s is not None:
        headers["Retry-After"] = str(problem.retry_after_s)
    is_open = scope["path"].startswith(OPEN_PREFIX + "/")
    body = _open_body(problem, scope) if is_open else _body(problem)
    return JSONResponse(body, problem.status, headers=headers)


def _body(problem: Problem) -> dict[str, Any]:
    entry = {
        "id": secrets.token_hex(8),
        "status": problem.status,
        "code": problem.code,
        "title": problem.title,
        "detail": problem.detail,
    }
    return {"errors": [entry]}


def _open_body(problem: Problem, scope: MutableMapping[str, Any]) -> dict[str, Any]:
    usual = OPEN_CODES.get(problem.status, "invalid_request" if problem.status < 500 else "internal_error")
    code = problem.code if "_" in problem.code else usual
    request_id = scope.get("state", {}).get("request_id", "")
    return {"error": {"code": code, "message": problem.title, "request_id": request_id}}


_STATUS_OF_CODE = {
    ErrorCode.APP_ID_UNRECOGNIZED: 404,
    ErrorCode.AVATAR_ID_UNRECOGNIZED: 404,
    ErrorCode.SERVER_ERROR: 503,  # something that the server needs does not answer
}


async def answer_problem(request: Request, exc: Exception) -> JSONResponse:
    """Exception handler for :class:`Problem`."""
    assert isinstance(exc, Problem)
    return respond(exc, request.scope)


async def answer_avatar_error(request: Request, exc: Exception) -> JSONResponse:
    """Exception handler for errors of our own tree: the caller's fault unless the table says otherwise."""
    assert isinstance(exc, AvatarError)
    status = _STATUS_OF_CODE.get(exc.code, 400)
    return respond(Problem(status, exc.code.value, exc.message, exc.hint), request.scope)


async def answer_http_error(request: Request, exc: Exception) -> JSONResponse:
    """Exception handler for routing errors (no such path, wrong method)."""
    status = getattr(exc, "status_code", 500)
    title = {404: "No such path", 405: "Method not allowed here"}.get(status, "Request failed")
    response = respond(Problem(status, "invalidRequest", title), request.scope)
    response.headers.update(getattr(exc, "headers", None) or {})
    return response


async def answer_failure(request: Request, _exc: Exception) -> JSONResponse:
    """Exception handler for everything unforeseen; the cause goes to the log only."""
    return respond(Problem(500, ErrorCode.SERVER_ERROR.value, "Internal error"), request.scope)
