"""Whether a spec makes sense; what is wrong with it is told by the field's name."""

from __future__ import annotations

import difflib
import math
from typing import Any, Final

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.frames import ARKIT_INDEX, ARKIT_NAMES
from avatarkit.studio.character.modifiers import MODIFIERS
from avatarkit.studio.character.spec import (
    OLDEST_YEARS,
    YOUNGEST_YEARS,
    Ancestry,
    CharacterSpec,
    Clothing,
    FacialHair,
    Glasses,
    HairStyle,
)

LONGEST_NAME: Final = 60
MOST_ENTRIES: Final = 200
LARGEST_REST: Final = 0.5
LARGEST_SEED: Final = 2**31 - 1
SHARES: Final = ("gender", "weight", "muscle", "freckles", "blush", "gloss", "brows", "lashes", "grey")
COLORS: Final = ("skin", "lips", "iris", "hair", "glasses_color", "cloth", "under", "background")
CHOICES: Final = {
    "hair_style": HairStyle,
    "facial_hair": FacialHair,
    "glasses": Glasses,
    "clothing": Clothing,
}


def refuse(field: str, reason: str, hint: str = "") -> AvatarError:
    """The error for one field of a spec."""
    return error(ErrorCode.CONFIGURATION_INVALID, f"The character's '{field}' {reason}.", hint=hint)


def check_spec(spec: CharacterSpec) -> None:
    """Raise ``AvatarError`` (``configurationInvalid``) for the first field that makes no sense."""
    if not isinstance(spec.name, str) or not 1 <= len(spec.name) <= LONGEST_NAME or not spec.name.isprintable():
        raise refuse("name", f"must be 1 to {LONGEST_NAME} printable characters")
    for field in SHARES:
        _number(field, getattr(spec, field), 0.0, 1.0)
    _number("age", spec.age, YOUNGEST_YEARS, OLDEST_YEARS)
    for field in COLORS:
        _color(field, getattr(spec, field))
    for field, kind in CHOICES.items():
        if not isinstance(getattr(spec, field), kind):
            raise refuse(field, f"must be one of: {', '.join(kind)}")
    _ancestry(spec.ancestry)
    _entries("face", spec.face)
    for name, amount in spec.face:
        _modifier(name, amount)
    _entries("rest", spec.rest)
    for name, amount in spec.rest:
        if name not in ARKIT_INDEX:
            raise refuse("rest", f"names the unknown shape '{name}'", _near(name, ARKIT_NAMES))
        _number(f"rest.{name}", amount, 0.0, LARGEST_REST)
    if isinstance(spec.seed, bool) or not isinstance(spec.seed, int) or not 0 <= spec.seed <= LARGEST_SEED:
        raise refuse("seed", f"must be a whole number from 0 to {LARGEST_SEED}")


def _number(field: str, value: Any, low: float, high: float) -> None:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or not low <= value <= high:
        raise refuse(field, f"must be a number from {low:g} to {high:g}")


def _color(field: str, value: Any) -> None:
    if not isinstance(value, tuple) or len(value) != 3:
        raise refuse(field, 'must be a colour: "#rrggbb" or three numbers from 0 to 1')
    for part in value:
        _number(field, part, 0.0, 1.0)


def _ancestry(mix: Any) -> None:
    if not isinstance(mix, Ancestry):
        raise refuse("ancestry", "must be a mix of african, asian and caucasian")
    for name in ("african", "asian", "caucasian"):
        _number(f"ancestry.{name}", getattr(mix, name), 0.0, 1e6)
    if mix.african + mix.asian + mix.caucasian <= 1e-6:
        raise refuse("ancestry", "must have a share above 0")


def _entries(field: str, entries: Any) -> None:
    if not isinstance(entries, tuple) or len(entries) > MOST_ENTRIES:
        raise refuse(field, f"must be a table of at most {MOST_ENTRIES} names and numbers")
    if any(not isinstance(entry, tuple) or len(entry) != 2 or not isinstance(entry[0], str) for entry in entries):
        raise refuse(field, "must be a table of names and numbers")
    if len({name for name, _ in entries}) != len(entries):
        raise refuse(field, "names something twice")


def _modifier(name: str, amount: Any) -> None:
    if name not in MODIFIERS:
        raise refuse("face", f"names the unknown modifier '{name}'", _near(name, tuple(MODIFIERS)))
    _number(f"face.{name}", amount, -1.0 if MODIFIERS[name][0] else 0.0, 1.0)


def _near(name: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, known, 3, 0.5)
    return f"Close to it: {', '.join(close)}." if close else ""
