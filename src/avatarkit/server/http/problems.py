"""Error answers, in the shape that the published clients parse.

::

    {"errors": [{"id", "status", "code", "title", "detail"}]}

Published clients match the *text* before the status, so texts keep to plain words of their own tables.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse

from avatarkit.errors import AvatarError, ErrorCode

if TYPE_CHECKING:
    from starlette.requests import Request


class Problem(Exception):  # noqa: N818 - an answer, not a fault of the program
    """Raise it anywhere in a route to answer with an error.

    Attributes:
        status: HTTP status.
        code: Stable code for programs.
        title: A few words for people.
        detail: What to do, or what exactly was wrong; never a secret.
    """

    def __init__(self, status: int, code: str, title: str, detail: str = "") -> None:
        super().__init__(title)
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail or title

    def response(self) -> JSONResponse:
        """The answer."""
        entry = {
            "id": secrets.token_hex(8),
            "status": self.status,
            "code": self.code,
            "title": self.title,
            "detail": self.detail,
        }
        return JSONResponse({"errors": [entry]}, self.status, headers={"Cache-Control": "no-store"})


_STATUS_OF_CODE = {
    ErrorCode.APP_ID_UNRECOGNIZED: 404,
    ErrorCode.AVATAR_ID_UNRECOGNIZED: 404,
}


async def answer_problem(_request: Request, exc: Exception) -> JSONResponse:
    """Exception handler for :class:`Problem`."""
    assert isinstance(exc, Problem)
    return exc.response()


async def answer_avatar_error(_request: Request, exc: Exception) -> JSONResponse:
    """Exception handler for errors of our own tree: the caller's fault unless the table says otherwise."""
    assert isinstance(exc, AvatarError)
    status = _STATUS_OF_CODE.get(exc.code, 400)
    return Problem(status, exc.code.value, exc.message, exc.hint).response()


async def answer_http_error(_request: Request, exc: Exception) -> JSONResponse:
    """Exception handler for routing errors (no such path, wrong method)."""
    status = getattr(exc, "status_code", 500)
    title = {404: "No such path", 405: "Method not allowed here"}.get(status, "Request failed")
    response = Problem(status, "invalidRequest", title).response()
    response.headers.update(getattr(exc, "headers", None) or {})
    return response


async def answer_failure(_request: Request, _exc: Exception) -> JSONResponse:
    """Exception handler for everything unforeseen; the cause goes to the log only."""
    return Problem(500, ErrorCode.SERVER_ERROR.value, "Internal error").response()
