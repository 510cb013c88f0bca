"""Specs as TOML: read strictly, written so that they can be edited."""

from __future__ import annotations

import json
import tomllib
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from avatarkit.errors import ErrorCode, error
from avatarkit.studio.character.spec import Ancestry, CharacterSpec, Color
from avatarkit.studio.character.spec_check import CHOICES, COLORS, refuse

LARGEST_BYTES: Final = 65_536
_TABLES: Final = ("ancestry", "face", "rest")


def read_spec(source: Path | str) -> CharacterSpec:
    """See :meth:`CharacterSpec.from_toml`."""
    text = _text(source) if isinstance(source, Path) else source
    if len(text) > LARGEST_BYTES:
        raise error(ErrorCode.CONFIGURATION_INVALID, f"A character's TOML has at most {LARGEST_BYTES} bytes.")
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as reason:
        raise error(ErrorCode.CONFIGURATION_INVALID, f"The character is no sound TOML: {reason}.") from None
    return spec_of(document)


def spec_of(document: dict[str, Any]) -> CharacterSpec:
    """The spec of fields as they stand in TOML (or JSON). Raises as :meth:`CharacterSpec.from_toml`."""
    known = {field.name for field in fields(CharacterSpec)}
    values: dict[str, Any] = {}
    for name, value in document.items():
        if name not in known:
            raise refuse(name, "is not a field of a character", f"Fields: {', '.join(sorted(known))}.")
        values[name] = _value(name, value)
    return CharacterSpec(**values)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        return raw.decode()
    except OSError as reason:
        message = f"The character file {path} cannot be read: {reason.strerror or reason}."
        raise error(ErrorCode.CONFIGURATION_INVALID, message) from None
    except UnicodeDecodeError:
        raise error(ErrorCode.CONFIGURATION_INVALID, f"The character file {path} is not UTF-8 text.") from None


def _value(name: str, value: Any) -> Any:
    """A TOML value as the field's type; what does not fit goes on as it is, for the check to refuse."""
    if name in COLORS:
        return _color(name, value)
    if name in CHOICES:
        if value not in list(CHOICES[name]):
            raise refuse(name, f"must be one of: {', '.join(CHOICES[name])}")
        return CHOICES[name](value)
    if name in _TABLES:
        if not isinstance(value, dict):
            raise refuse(name, "must be a table")
        return _mix(value) if name == "ancestry" else tuple(value.items())
    return value


def _mix(value: dict[str, Any]) -> Ancestry:
    for name in value:
        if name not in ("african", "asian", "caucasian"):
            raise refuse("ancestry", f"has no '{name}'", "It is a mix of african, asian and caucasian.")
    return Ancestry(**{"african": 0.0, "asian": 0.0, "caucasian": 0.0, **value})


def _color(name: str, value: Any) -> Any:
    if isinstance(value, str):
        digits = value.removeprefix("#")
        try:
            red, green, blue = bytes.fromhex(digits)
        except ValueError:
            raise refuse(name, f"must be a colour such as \"#c4786f\", not '{value[:20]}'") from None
        return red / 255, green / 255, blue / 255
    return tuple(value) if isinstance(value, list) else value


def write_spec(spec: CharacterSpec) -> str:
    """See :meth:`CharacterSpec.to_toml`."""
    lines, tables = [], []
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name in _TABLES:
            entries = (
                value if isinstance(value, tuple) else tuple((f.name, getattr(value, f.name)) for f in fields(value))
            )
            body = [f"{_key(name)} = {_number(amount)}" for name, amount in entries]
            tables.append("\n".join([f"[{field.name}]", *body]))
        else:
            lines.append(f"{field.name} = {_plain(value)}")
    return "\n\n".join(["\n".join(lines), *tables]) + "\n"


def _key(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'


def _plain(value: Any) -> str:
    if isinstance(value, StrEnum | str):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, tuple):
        return _hex(value)
    return _number(value)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))


def _hex(color: Color) -> str:
    levels = [round(part * 255) for part in color]
    if all(level / 255 == part for level, part in zip(levels, color, strict=True)):
        return '"#' + "".join(f"{level:02x}" for level in levels) + '"'
    return "[" + ", ".join(_number(part) for part in color) + "]"
