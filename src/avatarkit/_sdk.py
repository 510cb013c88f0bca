"""Stage 1, and the end: process-wide settings, the session token, and the release of everything."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol
from urllib.parse import urlsplit

import avatarkit
from avatarkit.errors import ErrorCode, Phase, error
from avatarkit.types import Configuration, LogLevel

_ENDPOINT_VARIABLE: Final = "AVATARKIT_ENDPOINT"
_MAX_TOKEN_CHARACTERS: Final = 8192
_LEVELS: Final = {
    LogLevel.OFF: logging.CRITICAL + 1,
    LogLevel.ERROR: logging.ERROR,
    LogLevel.WARNING: logging.WARNING,
    LogLevel.ALL: logging.DEBUG,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``initialize`` settled."""

    app_id: str
    configuration: Configuration
    endpoint: str
    """Base URL without a trailing slash."""


class Resource(Protocol):
    """Something that lives until it is released or the SDK is cleaned up."""

    async def release(self) -> None:
        """Let go. Idempotent."""
        ...


class AvatarSDK:
    """Process-wide settings. All members are of the class; there are no instances."""

    _settings: ClassVar[Settings | None] = None
    _token: ClassVar[str | None] = None
    _resources: ClassVar[dict[int, Resource]] = {}

    def __init__(self) -> None:
        raise TypeError("AvatarSDK has no instances; use its class methods")

    @classmethod
    async def initialize(cls, app_id: str, configuration: Configuration | None = None) -> None:
        """Settle the process's settings. Nothing is contacted.

        Repeating it with the same settings is all right.

        Args:
            app_id: Id of the app, from the Console.
            configuration: Settings; the endpoint defaults to the environment's ``AVATARKIT_ENDPOINT``.

        Raises:
            AvatarError: ``appIDUnrecognized`` for a blank App ID, ``configurationInvalid`` for a missing or
                malformed endpoint or timeout, ``illegalState`` for settings other than those in force.
        """
        wanted = _settle(app_id, Configuration() if configuration is None else configuration)
        if cls._settings is not None and cls._settings != wanted:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                "AvatarSDK is initialized with other settings. Legal now: initialize() with the same, cleanup().",
            )
        cls._settings = wanted
        logging.getLogger("avatarkit").setLevel(_LEVELS[wanted.configuration.log_level])

    @classmethod
    def set_session_token(cls, token: str) -> None:
        """Keep the token for the next ``start``; legal before and after ``initialize``.

        Raises:
            AvatarError: ``sessionTokenInvalid`` for a blank token or one that no header can carry.
        """
        if not token.strip() or len(token) > _MAX_TOKEN_CHARACTERS or not (token.isascii() and token.isprintable()):
            raise error(
                ErrorCode.SESSION_TOKEN_INVALID,
                "The session token is blank or holds characters that no token has.",
                phase=Phase.AUTHENTICATE,
            )
        cls._token = token.strip()

    @classmethod
    def session_token(cls) -> str | None:
        """The token in use. It is a secret: do not log it."""
        return cls._token

    @classmethod
    def app_id(cls) -> str | None:
        """The App ID, or ``None`` before ``initialize``."""
        return None if cls._settings is None else cls._settings.app_id

    @classmethod
    def configuration(cls) -> Configuration | None:
        """The settings, or ``None`` before ``initialize``."""
        return None if cls._settings is None else cls._settings.configuration

    @classmethod
    def version(cls) -> str:
        """Version of the SDK."""
        return avatarkit.__version__

    @classmethod
    async def cleanup(cls) -> None:
        """Cancel loads, dispose of every view, forget token and settings. Idempotent; ``initialize`` may follow."""
        while cls._resources:
            _, resource = cls._resources.popitem()
            await resource.release()
        cls._token = None
        cls._settings = None
        logging.getLogger("avatarkit").setLevel(logging.NOTSET)


def settings() -> Settings:
    """The settings in force. Raises ``AvatarError`` (``illegalState``) before ``initialize``."""
    if AvatarSDK._settings is None:
        raise error(ErrorCode.ILLEGAL_STATE, "AvatarSDK is not initialized. Legal now: AvatarSDK.initialize().")
    return AvatarSDK._settings


def adopt(resource: Resource) -> None:
    """Have ``cleanup`` release a resource."""
    AvatarSDK._resources[id(resource)] = resource


def drop(resource: Resource) -> None:
    """``cleanup`` need not release the resource any more."""
    AvatarSDK._resources.pop(id(resource), None)


def _settle(app_id: str, configuration: Configuration) -> Settings:
    app_id = app_id.strip()
    if not app_id or not (app_id.isascii() and app_id.isprintable()) or len(app_id) > 256:
        raise error(
            ErrorCode.APP_ID_UNRECOGNIZED,
            "The App ID is blank or holds characters that no App ID has.",
            phase=Phase.INITIALIZE,
        )
    if not 0.0 < configuration.connect_timeout_s <= 600.0:
        raise error(ErrorCode.CONFIGURATION_INVALID, "connect_timeout_s must be over 0 and at most 600 seconds.")
    endpoint = (configuration.endpoint or os.environ.get(_ENDPOINT_VARIABLE, "")).strip().rstrip("/")
    if not endpoint:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            "No endpoint is set.",
            hint=f"Give Configuration(endpoint=...) or set {_ENDPOINT_VARIABLE}, e.g. http://127.0.0.1:8700",
        )
    try:
        parts = urlsplit(endpoint)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        sound = sound and parts.username is None and (parts.port is None or parts.port > 0)
    except ValueError:
        sound = False
    if not sound:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            "The endpoint must look like http://host:port or https://host, without user, query or fragment.",
        )
    return Settings(app_id, configuration, endpoint)
