"""Where settings come from: flags before the environment before a file before the defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.server.settings import PREFIX, Settings, catalogue, kinds, variable

FILE_VARIABLE: Final = PREFIX + "CONFIG"
"""Names the settings file where no flag does."""

_MAX_FILE_BYTES: Final = 1024 * 1024
_TRUE: Final = frozenset(("1", "true", "yes", "on"))
_FALSE: Final = frozenset(("0", "false", "no", "off"))


def default_data_dir(environment: Mapping[str, str] | None = None) -> Path:
    """``AVATARKIT_DATA``, or the user's data folder."""
    named = (os.environ if environment is None else environment).get(variable("data"))
    if named:
        return Path(named)
    import platformdirs  # noqa: PLC0415 - keep `import avatarkit.server` light

    return Path(platformdirs.user_data_dir("avatarkit", appauthor=False))


def load_settings(
    environment: Mapping[str, str] | None = None, *, config: Path | None = None, **given: Any
) -> Settings:
    """Settings from the defaults, then a TOML file, then the environment, then ``given`` (what is not ``None``).

    For each variable ``AVATARKIT_X`` there is ``AVATARKIT_X_FILE``, which names a file that holds the value: so
    secrets need not be in the environment.

    Args:
        environment: Default: the process's.
        config: The file; default the one that ``AVATARKIT_CONFIG`` names, or none.
        given: Settings by name, of their own types.

    Raises:
        AvatarError: ``configurationInvalid``, naming the key, variable or file that cannot be used.
    """
    source = os.environ if environment is None else environment
    path = config or (Path(source[FILE_VARIABLE]) if source.get(FILE_VARIABLE) else None)
    values = {} if path is None else _from_file(path)
    values |= _from_environment(source)
    values |= {name: value for name, value in given.items() if value is not None}
    values.setdefault("data", default_data_dir(source))
    return Settings(**values)


def _from_file(path: Path) -> dict[str, Any]:
    text = _read(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise _invalid(f"{path} is no TOML: {exc}") from None
    known = kinds()
    for name in document:
        if name not in known:
            raise _invalid(f"{path}: there is no setting '{name}'")
    return {name: _from_toml(f"{path}: {name}", known[name], value) for name, value in document.items()}


def _from_environment(source: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in kinds().items():
        text, where = source.get(variable(name)), variable(name)
        if not text and (path := source.get(where + "_FILE")):
            text, where = _read(Path(path)).strip(), where + "_FILE"
        if text:
            shown = "" if catalogue()[name].secret else f", not '{text}'"
            found[name] = _from_text(where, kind, text, shown)
    return found


def _from_text(where: str, kind: Any, text: str, shown: str) -> Any:
    if kind is bool:
        if text.lower() not in _TRUE | _FALSE:
            raise _invalid(f"{where} must be true or false{shown}")
        return text.lower() in _TRUE
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise _invalid(f"{where} must be a number{shown}") from None
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text if kind is str else Path(text)


def _from_toml(where: str, kind: Any, value: object) -> Any:
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(part, str) for part in value):
        return tuple(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind in (str, int, float, bool):
        if type(value) is kind:
            return value
    elif kind != tuple[str, ...] and isinstance(value, str):
        return Path(value)
    raise _invalid(f"{where} has a value of the wrong type")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_FILE_BYTES + 1)
        if len(data) > _MAX_FILE_BYTES:
            raise _invalid(f"{path} is larger than {_MAX_FILE_BYTES} bytes")
        return data.decode("utf-8")
    except OSError as exc:
        raise _invalid(f"{path} cannot be read: {exc.strerror or exc}") from None
    except UnicodeDecodeError:
        raise _invalid(f"{path} is not UTF-8 text") from None


def _invalid(reason: str) -> AvatarError:
    return error(ErrorCode.CONFIGURATION_INVALID, f"{reason}.")
