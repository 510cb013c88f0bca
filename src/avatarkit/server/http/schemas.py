"""The part of JSON Schema with which request bodies and queries are both checked and described (OpenAPI 3.1)."""

from __future__ import annotations

import re
from typing import Any, Final

from avatarkit.server.http.problems import Problem

Schema = dict[str, Any]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}


def text(least: int = 0, most: int = 1000, **more: Any) -> Schema:
    """A string of ``least`` to ``most`` characters."""
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def whole(least: int, most: int, **more: Any) -> Schema:
    """A whole number."""
    return {"type": "integer", "minimum": least, "maximum": most, **more}


def flag(**more: Any) -> Schema:
    """True or false."""
    return {"type": "boolean", **more}


def choice(*values: str) -> Schema:
    """One of some strings."""
    return {"type": "string", "enum": list(values)}


def items(of: Schema, most: int = 1000) -> Schema:
    """A list."""
    return {"type": "array", "items": of, "maxItems": most}


def nullable(schema: Schema) -> Schema:
    """That, or null."""
    return schema | {"type": [schema["type"], "null"]}


def record(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """An object of these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def shown(required: tuple[str, ...] | None = None, /, **properties: Schema) -> Schema:
    """An object that we answer with; without ``required`` it always has all of these."""
    return {"type": "object", "properties": properties, "required": list(required or properties)}


def check(value: object, schema: Schema, where: str = "the body") -> None:
    """Hold a decoded JSON value against a schema. :class:`Problem` 400, naming the place, when it does not fit."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(_is(value, kind) for kind in kinds):
        raise _wrong(f"{where} must be of type {' or '.join(kinds)}")
    if "enum" in schema and value not in schema["enum"]:
        raise _wrong(f"{where} must be one of {', '.join(map(str, schema['enum']))}")
    if isinstance(value, str):
        _check_text(value, schema, where)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
            raise _wrong(f"{where} must be {schema.get('minimum')} to {schema.get('maximum')}")
    elif isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            raise _wrong(f"{where} has a length that is not allowed")
        for item in value:
            check(item, schema["items"], f"an item of {where}")
    elif isinstance(value, dict):
        _check_record(value, schema, where)


def _is(value: object, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _check_text(value: str, schema: Schema, where: str) -> None:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        raise _wrong(f"{where} must have {schema.get('minLength', 0)} to {schema.get('maxLength')} characters")
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        raise _wrong(f"{where} has a form that is not allowed")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise _wrong(f"{where} holds a character that is not allowed")


def _check_record(value: dict[str, Any], schema: Schema, where: str) -> None:
    for name in schema.get("required", ()):
        if name not in value:
            raise _wrong(f"{name} is missing")
    properties = schema.get("properties", {})
    for name, part in value.items():
        if name in properties:
            check(part, properties[name], name)
        elif schema.get("additionalProperties") is False:
            raise _wrong(f"there is no '{name[:64]}'")


def _wrong(reason: str) -> Problem:
    # Names of fields keep their spelling.
    is_sentence = reason.startswith(("the ", "an ", "there "))
    return Problem(400, "invalidRequest", reason[:1].upper() + reason[1:] if is_sentence else reason)
