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
    path: dict[str, str]
    query: dict[str, Any]
    body: dict[str, Any]


Handler = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Attributes:
        returns: What a successful answer holds, by status; ``None`` for an answer without body.
        refusals: Further statuses, each with what it means.
        query: Parameters of the query, by name; numbers and booleans are written in JSON.
        body: Of a JSON body, or ``None``; ``media`` instead names the type of a body that the handler reads itself.
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

    async def serve(self, request: Request) -> Response:
        """Check a request against the declaration, and handle it."""
        path = dict(request.path_params)
        for name, value in path.items():
            if not 1 <= len(value) <= 64 or not _is_plain(value):
                raise Problem(404, "notFound", f"There is no such {name.removesuffix('_id')}")
        query = _query(request, self.query)
        body = {} if self.body is None else await json_object(request)
        if self.body is not None:
            check(body, self.body)
        return await self.handler(Call(request, path, query, body))


def routes_of(operations: Sequence[Operation], admit: Callable[[Request], Awaitable[None]]) -> list[Route]:
    """One route for each path; ``admit`` raises :class:`Problem` for a request without the right key."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return [_route(path, methods, admit) for path, methods in paths.items()]


def _route(path: str, methods: dict[str, Operation], admit: Callable[[Request], Awaitable[None]]) -> Route:
    async def serve(request: Request) -> Response:
        await admit(request)
        operation = methods.get("GET" if request.method == "HEAD" else request.method)
        assert operation is not None  # the route takes no other method
        return await operation.serve(request)

    serve.__name__ = "_".join(operation.name for operation in methods.values())
    return Route(path, serve, methods=list(methods))


def describe_api(
    operations: Sequence[Operation],
    *,
    title: str,
    version: str,
    description: str,
    security: dict[str, Schema],
    problem: Schema,
) -> dict[str, Any]:
    """An OpenAPI 3.1 document.

    Args:
        operations: What there is.
        title: Of the API.
        version: Of the API.
        description: In a sentence.
        security: The key headers, all of which are needed; by name, as OpenAPI security schemes.
        problem: The shape of every refusal.
    """
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": description},
        "security": [{name: [] for name in security}],
        "paths": paths,
        "components": {"securitySchemes": security, "schemas": {"Problem": problem}},
    }


def _describe(operation: Operation) -> dict[str, Any]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": PATH_TEXT} for name in names]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    refusals = {400: "Malformed", 401: "The key is missing or wrong", 429: "Too many requests"} | operation.refusals
    answers: dict[str, Any] = {
        str(status): {"description": "Done"} | ({} if schema is None else {"content": {_JSON: {"schema": schema}}})
        for status, schema in operation.returns.items()
    }
    shape = {_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers |= {str(status): {"description": why, "content": shape} for status, why in refusals.items()}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": answers,
    }
    if operation.body is not None:
        is_needed = bool(operation.body.get("required"))
        described["requestBody"] = {"required": is_needed, "content": {_JSON: {"schema": operation.body}}}
    if operation.media:
        binary = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": dict.fromkeys(operation.media, binary)}
    return described


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
