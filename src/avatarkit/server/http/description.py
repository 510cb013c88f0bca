"""OpenAPI documents (3.1), made of what the routes are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from avatarkit.server.http.operations import PATH_TEXT, Operation
from avatarkit.server.http.schemas import Schema

_JSON: Final = "application/json"
_ALWAYS: Final = {400: "Malformed", 401: "The key is missing or wrong", 429: "Too many requests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Operations that want the same keys and refuse in the same shape.

    Attributes:
        operations: What there is.
        keys: Headers that hold keys, all of which are needed, by the name of their security scheme.
        problem: Name of the shape of every refusal, and the shape.
    """

    operations: Sequence[Operation]
    keys: dict[str, str]
    problem: tuple[str, Schema]


def describe_api(*sections: Section, title: str, description: str) -> dict[str, Any]:
    """An OpenAPI document.

    Args:
        sections: Of the API.
        title: Of the API.
        description: In a sentence.
    """
    paths: dict[str, dict[str, Any]] = {}
    schemes: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for section in sections:
        schemas |= dict((section.problem,))
        schemes |= {name: {"type": "apiKey", "in": "header", "name": header} for name, header in section.keys.items()}
        for operation in section.operations:
            paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, section)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version("pyavatarkit"), "description": description},
        "paths": paths,
        "components": {"securitySchemes": schemes, "schemas": schemas},
    }


def _describe(operation: Operation, section: Section) -> dict[str, Any]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": PATH_TEXT} for name in names]
    parameters += [{"name": name, "in": "query", "schema": schema} for name, schema in operation.query.items()]
    answers: dict[str, Any] = {
        str(status): {"description": "Done"} | ({} if schema is None else {"content": {_JSON: {"schema": schema}}})
        for status, schema in operation.returns.items()
    }
    shape = {_JSON: {"schema": {"$ref": f"#/components/schemas/{section.problem[0]}"}}}
    refusals = _ALWAYS | operation.refusals
    answers |= {str(status): {"description": why, "content": shape} for status, why in refusals.items()}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{name: [] for name in section.keys}],
        "parameters": parameters,
        "responses": answers,
    }
    content: dict[str, Any] = {} if operation.body is None else {_JSON: {"schema": operation.body}}
    content |= {kind: {"schema": {"type": "string", "format": "binary"}} for kind in operation.media}
    if content:
        is_needed = operation.body is None or bool(operation.body.get("required"))
        described["requestBody"] = {"required": is_needed, "content": content}
    return described
