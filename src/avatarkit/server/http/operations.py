"""Operations of an HTTP API: each is declared once, and is from that a route, a check and a description."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from avatarkit.server.http.bodies import json_object
from avatarkit.server.http.problems import Problem
from avatarkit.server.http.schemas import Schema, check

PATH_TEXT: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[A-Za-z0-9._-]+$"}
"""Every id that stands in a path."""
QUERY_CHARACTERS: Final = 512
_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that fits its operation."""

    request: Request
    who: Any
    """What the API's ``admit`` found out about the caller."""
    path: dict[str, str]
    query: dict[str, Any]
    body: dict[str, Any]
    is_media: bool
    """Whether the body is of the operation's ``media``, not yet read."""


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        returns: What a successful answer holds, by status; ``None`` for an answer without body.
        refusals: Further statuses, each with what it means.
        query: Parameters of the query, by name; numbers and booleans are written in JSON.
        body: Of a JSON body, or ``None``.
        media: Types of bodies that the handler reads itself, besides JSON or instead of it.
        needs: What the caller's key must be for, where keys have scopes.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    returns: dict[int, Schema | None]
    refusals: dict[int, str] = field(default_factory=dict)
    query: dict[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    media: tuple[str, ...] = ()
    needs: str = ""

    async def serve(self, request: Request, who: object) -> Response:
        """Check a request against the declaration, and handle it."""
        path = dict(request.path_params)
        for name, value in path.items():
            if not 1 <= len(value) <= 64 or not _is_plain(value):
                raise Problem(404, "notFound", f"There is no such {name.removesuffix('_id')}")
        query = _query(request, self.query)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        is_media = kind in self.media
        body: dict[str, Any] = {}
        if self.body is not None and not is_media:
            body = await json_object(request)
            check(body, self.body)
        return await self.handler(Call(request, who, path, query, body, is_media))


Admit = Callable[[Request, Operation], Awaitable[Any]]
"""Finds out who asks, for ``Call.who``; raises :class:`Problem` for a request without the right key."""


def routes_of(operations: Sequence[Operation], admit: Admit) -> list[Route]:
    """One route for each path."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return [_route(path, methods, admit) for path, methods in paths.items()]


def _route(path: str, methods: dict[str, Operation], admit: Admit) -> Route:
    async def serve(request: Request) -> Response:
        operation = methods.get("GET" if request.method == "HEAD" else request.method)
        assert operation is not None  # the route takes no other method
        return await operation.serve(request, await admit(request, operation))

    serve.__name__ = "_".join(operation.name for operation in methods.values())
    return Route(path, serve, methods=list(methods))


def _query(request: Request, schemas: dict[str, Schema]) -> dict[str, Any]:
    given = request.query_params
    values: dict[str, Any] = {}
    for name, schema in schemas.items():
        texts = given.getlist(name)
        if not texts:
            continue
        if schema["type"] == "array":
            values[name] = [part for text in texts for part in text.split(",") if part]
        else:
            values[name] = _value(texts[-1], schema)
        check(values[name], schema, name)
    return values


def _value(text: str, schema: Schema) -> Any:
    if schema["type"] == "string":
        return text
    try:
        return json.loads(text[:QUERY_CHARACTERS])
    except (ValueError, RecursionError):
        return text


def _is_plain(value: str) -> bool:
    return value.isascii() and all(character.isalnum() or character in "._-" for character in value)
