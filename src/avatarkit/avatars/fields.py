"""Typed reading of untrusted JSON values: each function returns the value or refuses the file with the reason."""

from __future__ import annotations

import math
from typing import Any

from avatarkit.avatars.container import Json, refuse


def objects(document: Json, name: str) -> list[Json]:
    """A list of objects; empty when absent."""
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise refuse(f"'{name}' is not a list of objects")
    return value


def obj(document: Json, name: str) -> Json:
    """An object; empty when absent."""
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise refuse(f"'{name}' is not an object")
    return value


def whole(document: Json, name: str, *, low: int = 0, high: int = 2**32 - 1, default: int | None = None) -> int:
    """A whole number ``low..high``; required unless there is a default."""
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise refuse(f"'{name}' is not a whole number from {low} to {high}")
    return value


def index(document: Json, name: str, items: list[Any]) -> int:
    """A required index into ``items``."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < len(items):
        raise refuse(f"'{name}' points to nothing")
    return value


def optional_index(document: Json, name: str, items: list[Any]) -> int | None:
    """An index into ``items``, or ``None`` when absent."""
    return index(document, name, items) if name in document else None


def indices(document: Json, name: str, items: list[Any]) -> list[int]:
    """A list of indices into ``items``; empty when absent."""
    value = document.get(name, [])
    if not isinstance(value, list):
        raise refuse(f"'{name}' is not a list")
    return [index({name: item}, name, items) for item in value]


def numbers(document: Json, name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """As many finite numbers as the default has; the default when absent."""
    value = document.get(name, list(default))
    if not isinstance(value, list) or len(value) != len(default):
        raise refuse(f"'{name}' is not a list of {len(default)} numbers")
    return tuple(number({name: item}, name, 0.0) for item in value)


def number(document: Json, name: str, default: float) -> float:
    """A finite number; the default when absent."""
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise refuse(f"'{name}' is not a number")
    try:
        result = float(value)
    except OverflowError:
        raise refuse(f"'{name}' is too large") from None
    if not math.isfinite(result):
        raise refuse(f"'{name}' is not finite")
    return result


def text(document: Json, name: str, default: str, *, longest: int) -> str:
    """A string of at most ``longest`` characters; the default when absent."""
    value = document.get(name, default)
    if not isinstance(value, str) or len(value) > longest:
        raise refuse(f"'{name}' is not a text of at most {longest} characters")
    return value
