"""Building an avatar from a spec that came from outside.

``python -m avatarkit.server.library.build SPEC BUNDLE`` builds one; the server runs that as a child.
"""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from avatarkit.errors import AvatarError, ErrorCode, error

if TYPE_CHECKING:
    from avatarkit.studio.character import CharacterSpec

_TARGET: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*")
"""A folder and a name: nothing that could lead elsewhere."""
_SHAPE: Final = re.compile(r"[a-z][A-Za-z]{2,31}")
_MAX_SHAPES: Final = 64
_MAX_AMOUNT: Final = 1.5
_MAX_SEED: Final = 2**31 - 1
_COLORS: Final = ("skin", "lips", "iris", "hair", "cloth", "background")


def check_spec(spec: object) -> dict[str, Any]:
    """A spec in its plain form, each part within its limits; what is left out stays as in the default character.

    ::

        {"shape": {"nose/nose-scale-horiz-decr": 0.35}, "rest": {"mouthSmileLeft": 0.2},
         "skin": [0.9, 0.7, 0.6], "lips": ..., "iris": ..., "hair": ..., "cloth": ..., "background": ..., "seed": 1}

    ``shape`` are targets of the base mesh and ``rest`` ARKit shapes, with amounts of 0..1.5; colours are sRGB, 0..1.

    Raises:
        AvatarError: ``configurationInvalid``, naming the part.
    """
    if not isinstance(spec, dict):
        raise _invalid("the spec is an object")
    checked: dict[str, Any] = {}
    for name, value in spec.items():
        if name in ("shape", "rest"):
            checked[name] = _amounts(name, value, _TARGET if name == "shape" else _SHAPE)
        elif name in _COLORS:
            checked[name] = _color(name, value)
        elif name == "seed":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_SEED:
                raise _invalid(f"seed is a whole number from 0 to {_MAX_SEED}")
            checked[name] = value
        else:
            raise _invalid(f"there is no '{str(name)[:32]}'")
    return checked


def main(arguments: list[str]) -> int:
    """Build the spec in the file ``arguments[0]`` into ``arguments[1]``; 1 with a line on the standard error when
    it cannot be built."""
    from avatarkit.avatars import write_bundle  # noqa: PLC0415 - only the child builds
    from avatarkit.studio.character import build  # noqa: PLC0415

    try:
        document = json.loads(Path(arguments[0]).read_bytes())
        write_bundle(build(_spec(document["name"], check_spec(document["spec"]))), Path(arguments[1]))
    except AvatarError as exc:
        sys.stderr.write(f"{exc.message}\n")
        return 1
    return 0


def _spec(name: str, checked: dict[str, Any]) -> CharacterSpec:
    from avatarkit.studio.character import CharacterSpec  # noqa: PLC0415

    values: dict[str, Any] = {"name": name}
    for part, value in checked.items():
        values[part] = value if part == "seed" else tuple(value.items() if isinstance(value, dict) else value)
    return CharacterSpec(**values)


def _amounts(where: str, value: object, names: re.Pattern[str]) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > _MAX_SHAPES:
        raise _invalid(f"{where} is an object of at most {_MAX_SHAPES} amounts")
    for name, amount in value.items():
        if names.fullmatch(name) is None:
            raise _invalid(f"{where} has a name that no target has")
        if not _is_number(amount) or not 0.0 <= amount <= _MAX_AMOUNT:
            raise _invalid(f"{where}: amounts are 0 to {_MAX_AMOUNT}")
    return {name: float(amount) for name, amount in value.items()}


def _color(where: str, value: object) -> list[float]:
    if not isinstance(value, list) or len(value) != 3:
        raise _invalid(f"{where} is a list of three numbers")
    if not all(_is_number(part) and 0.0 <= part <= 1.0 for part in value):
        raise _invalid(f"{where}: numbers are 0 to 1")
    return [float(part) for part in value]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _invalid(reason: str) -> AvatarError:
    return error(ErrorCode.CONFIGURATION_INVALID, f"The spec cannot be built: {reason}.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
