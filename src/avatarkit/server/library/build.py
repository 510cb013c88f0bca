"""Building an avatar from a spec that came from outside.

``python -m avatarkit.server.library.build SPEC BUNDLE`` builds one; the server runs that as a child.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any, Final

from avatarkit.errors import AvatarError, ErrorCode, error, missing_dependency

_MODIFIER: Final = re.compile(r"[a-z0-9]+/[a-z0-9|-]{2,62}")
"""A folder and a name: nothing that could lead elsewhere."""
_SHAPE: Final = re.compile(r"[a-z][A-Za-z]{2,31}")
_HEX: Final = re.compile(r"#?[0-9a-fA-F]{6}")
_WORD: Final = re.compile(r"[a-z]{1,16}")
_MAX_ENTRIES: Final = 64
_MAX_SEED: Final = 2**31 - 1
_NUMBERS: Final = {
    "age": (18.0, 90.0),
    **dict.fromkeys(
        ("gender", "weight", "muscle", "freckles", "blush", "gloss", "brows", "lashes", "grey"), (0.0, 1.0)
    ),
}
_COLORS: Final = ("skin", "lips", "iris", "hair", "glasses_color", "cloth", "under", "background")
_CHOICES: Final = ("hair_style", "facial_hair", "glasses", "clothing")
_TABLES: Final = {"ancestry": (_WORD, 0.0, 1e6), "face": (_MODIFIER, -1.0, 1.0), "rest": (_SHAPE, 0.0, 0.5)}
FIELDS: Final = (*_NUMBERS, *_COLORS, *_CHOICES, *_TABLES, "seed")
"""What a spec may name: the fields of a character but for its name, which the caller gives beside it."""


def check_spec(spec: object) -> dict[str, Any]:
    """A spec, once each part is known to be of the right kind and within its limits.

    Its fields are those of :class:`avatarkit.studio.character.CharacterSpec` (docs/characters.md), all optional, as
    they stand in TOML: numbers, words, colours (``"#c4786f"`` or three numbers 0..1), and objects of amounts for
    ``ancestry``, ``face`` and ``rest``. Which modifiers and words there are is checked where it is built, since that
    takes libraries that the server does without.

    Raises:
        AvatarError: ``configurationInvalid``, naming the part.
    """
    if not isinstance(spec, dict):
        raise _invalid("the spec is an object")
    for name, value in spec.items():
        if name in _NUMBERS:
            _check_number(name, value, *_NUMBERS[name])
        elif name in _TABLES:
            _check_amounts(name, value, *_TABLES[name])
        elif name in _COLORS:
            _check_color(name, value)
        elif name in _CHOICES:
            if not isinstance(value, str) or _WORD.fullmatch(value) is None:
                raise _invalid(f"{name} is a word")
        elif name == "seed":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_SEED:
                raise _invalid(f"seed is a whole number from 0 to {_MAX_SEED}")
        else:
            raise _invalid(f"there is no '{str(name)[:32]}'")
    return dict(spec)


def main(arguments: list[str]) -> int:
    """Build the spec in the file ``arguments[0]`` into ``arguments[1]``; 1 with a line on the standard error when
    it cannot be built."""
    try:
        from avatarkit.avatars import write_bundle  # noqa: PLC0415 - only the child builds
        from avatarkit.studio.character import build  # noqa: PLC0415
        from avatarkit.studio.character.spec_toml import spec_of  # noqa: PLC0415

        document = json.loads(Path(arguments[0]).read_bytes())
        spec = spec_of({"name": document["name"]} | check_spec(document["spec"]))
        write_bundle(build(spec), Path(arguments[1]))
    except ImportError as exc:
        sys.stderr.write(f"{missing_dependency(exc.name or 'SciPy', 'studio').message}\n")
        return 1
    except AvatarError as exc:
        sys.stderr.write(f"{exc.message}\n")
        return 1
    return 0


def _check_amounts(where: str, value: object, names: re.Pattern[str], low: float, high: float) -> None:
    if not isinstance(value, dict) or len(value) > _MAX_ENTRIES:
        raise _invalid(f"{where} is an object of at most {_MAX_ENTRIES} amounts")
    for name, amount in value.items():
        if names.fullmatch(name) is None:
            raise _invalid(f"{where} has a name that nothing has")
        _check_number(where, amount, low, high)


def _check_color(where: str, value: object) -> None:
    if isinstance(value, str) and _HEX.fullmatch(value):
        return
    if not isinstance(value, list) or len(value) != 3:
        raise _invalid(f"{where} is a colour such as #c4786f, or a list of three numbers")
    for part in value:
        _check_number(where, part, 0.0, 1.0)


def _check_number(where: str, value: object, low: float, high: float) -> None:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not sound or not low <= value <= high:  # type: ignore[operator]
        raise _invalid(f"{where}: numbers are {low:g} to {high:g}")


def _invalid(reason: str) -> AvatarError:
    return error(ErrorCode.CONFIGURATION_INVALID, f"The spec cannot be built: {reason}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
