"""The server's settings: one frozen record, filled from the environment and the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final

from avatarkit.errors import ErrorCode, error

PREFIX: Final = "AVATARKIT_"
"""Environment variables are named ``AVATARKIT_`` and the field in capitals, such as ``AVATARKIT_PORT``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set. Durations are in seconds, sizes in bytes."""

    data: Path
    """Folder of the database and the assets; made when missing, readable by its owner only."""
    host: str = "127.0.0.1"
    port: int = 8700
    """TCP port; 0 takes a free one."""
    engine: str = "envelope"
    """Name of the motion engine."""
    engine_threads: int = 0
    """Threads that infer motion; 0 is one for each processor."""
    handshake_timeout_s: float = 10.0
    """A connection that has not configured its session by then is closed."""
    idle_timeout_s: float = 300.0
    """A session without any message from its client for that long is closed."""
    session_limit_s: float = 7200.0
    """Longest session."""
    sessions_per_app: int = 200
    """Most sessions that one app may have open."""
    queued_audio_limit: int = 16 * 1024 * 1024
    """Audio waiting to be inferred, for each session, above which reading from its socket pauses."""
    token_lifetime_s: int = 3600
    """Lifetime of a session token whose request names no expiry."""
    upload_limit: int = 64 * 1024 * 1024
    """Largest avatar bundle that may be uploaded."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65535:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"port must be 0..65535, not {self.port}")
        for item in fields(self):
            value = getattr(self, item.name)
            is_number = isinstance(value, (int, float)) and item.name not in ("port", "engine_threads")
            if is_number and not value > 0:
                raise error(ErrorCode.CONFIGURATION_INVALID, f"{item.name} must be above zero, not {value}")
        if self.engine_threads < 0:
            raise error(ErrorCode.CONFIGURATION_INVALID, "engine_threads must not be negative")


def default_data_dir(environment: Mapping[str, str] | None = None) -> Path:
    """``AVATARKIT_DATA``, or the user's data folder."""
    named = (os.environ if environment is None else environment).get(PREFIX + "DATA")
    if named:
        return Path(named)
    import platformdirs  # noqa: PLC0415 - keep `import avatarkit.server` light

    return Path(platformdirs.user_data_dir("avatarkit", appauthor=False))


def load_settings(environment: Mapping[str, str] | None = None, **given: Any) -> Settings:
    """Settings from defaults, then the environment, then ``given`` (those that are not ``None``).

    Raises:
        AvatarError: ``configurationInvalid``, naming the variable that cannot be read.
    """
    source = os.environ if environment is None else environment
    settings = Settings(data=default_data_dir(source))
    changes: dict[str, Any] = {}
    for item in fields(Settings):
        text = source.get(PREFIX + item.name.upper())
        if text and item.name != "data":
            changes[item.name] = _parse(item.name, type(getattr(settings, item.name)), text)
    changes.update({name: value for name, value in given.items() if value is not None})
    return replace(settings, **changes)


def _parse(name: str, kind: type, text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise error(
            ErrorCode.CONFIGURATION_INVALID, f"{PREFIX}{name.upper()} must be a number, not '{text}'"
        ) from None
