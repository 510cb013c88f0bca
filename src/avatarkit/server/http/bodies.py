"""Reading request bodies within limits."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from starlette.requests import ClientDisconnect, Request

from avatarkit.server.http.problems import Problem

JSON_LIMIT_BYTES: Final = 64 * 1024
_EXACT: Final = 2.0**53


async def stream_body(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body piece by piece; :class:`Problem` 413 as soon as it is over the limit, 400 when the client left
    before its end, which is no failure of ours."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    size = 0
    try:
        async for piece in request.stream():
            size += len(piece)
            if size > limit_bytes:
                raise _too_large(limit_bytes)
            yield piece
    except ClientDisconnect:
        raise Problem(400, "invalidRequest", "The body broke off") from None


async def receive_file(request: Request, path: Path, limit_bytes: int) -> None:
    """Write the body to a file; :class:`Problem` 413 as soon as it is over the limit, 415 when it is compressed."""
    _refuse_compressed(request)
    with path.open("wb") as file:
        async for piece in stream_body(request, limit_bytes):
            file.write(piece)


async def receive_body(request: Request, limit_bytes: int) -> bytes:
    """The body; :class:`Problem` as :func:`receive_file`."""
    _refuse_compressed(request)
    return b"".join([piece async for piece in stream_body(request, limit_bytes)])


async def json_object(request: Request, limit_bytes: int = JSON_LIMIT_BYTES) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object. :class:`Problem` 400 or 413 otherwise."""
    body = b"".join([piece async for piece in stream_body(request, limit_bytes)])
    if not body.strip():
        return {}
    try:
        value = json.loads(body, parse_float=_number)
    except (ValueError, RecursionError):
        raise Problem(400, "invalidRequest", "The body is not JSON") from None
    if not isinstance(value, dict):
        raise Problem(400, "invalidRequest", "The body must be a JSON object")
    return value


def _number(text: str) -> int | float:
    """``1e3`` and ``1000.0`` are whole numbers in JSON."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def _refuse_compressed(request: Request) -> None:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(415, "invalidRequest", "A compressed body is not taken")


def _too_large(limit_bytes: int) -> Problem:
    return Problem(413, "invalidRequest", "The body is too large", f"The limit is {limit_bytes} bytes.")
