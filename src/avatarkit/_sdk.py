"""Stage 1, and the end: process-wide settings, the session token, and the release of everything."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, Protocol
from urllib.parse import urlsplit

import avatarkit
from avatarkit._picture import DEFAULT_CAP_LINES, Resolution
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.types import Configuration, DeviceScore, DeviceSupport, LogLevel, RenderQuality

if TYPE_CHECKING:
    import httpx

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


TokenProvider = Callable[[], Awaitable[str]]
"""Fetches a session token from the app's backend."""


class Resource(Protocol):
    """Something that lives until it is released or the SDK is cleaned up."""

    async def release(self) -> None:
        """Let go. Idempotent."""
        ...


class AvatarSDK:
    """Process-wide settings. All members are of the class; there are no instances."""

    _settings: ClassVar[Settings | None] = None
    _token: ClassVar[str | None] = None
    _token_provider: ClassVar[TokenProvider | None] = None
    _user_id: ClassVar[str | None] = None
    _resources: ClassVar[dict[int, Resource]] = {}
    _resolution: ClassVar[Resolution] = Resolution()
    _probe: ClassVar[asyncio.Task[None] | None] = None

    def __init__(self) -> None:
        raise TypeError("AvatarSDK has no instances; use its class methods")

    @classmethod
    async def initialize(
        cls,
        app_id: str,
        configuration: Configuration | None = None,
        *,
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Settle the process's settings.

        With an endpoint, in the configuration or in ``AVATARKIT_ENDPOINT``, or with a named region nothing is
        contacted. With the region ``auto`` the choice of the last launch is used at once, and renewed in the
        background for the next; at the first launch the bootstrap route is asked for at most five seconds, and the
        default region serves when it does not answer. Repeating it with the same settings is all right.

        Args:
            app_id: Id of the app, from the Console.
            configuration: Settings.
            http_transport: Carries the question to the bootstrap route instead of the network, for tests.

        Raises:
            AvatarError: ``appIDUnrecognized`` for a blank App ID, ``configurationInvalid`` for a missing or
                malformed endpoint, region or timeout, ``illegalState`` for settings other than those in force.
        """
        wanted = Configuration() if configuration is None else configuration
        app_id = _check_app_id(app_id)
        if not 0.0 < wanted.connect_timeout_s <= 600.0:
            raise error(ErrorCode.CONFIGURATION_INVALID, "connect_timeout_s must be over 0 and at most 600 seconds.")
        cls._require_same(app_id, wanted)
        if cls._settings is not None:
            return
        endpoint = _explicit_endpoint(wanted)
        if endpoint is None:
            endpoint = await cls._regional_endpoint(app_id, wanted, http_transport)
            cls._require_same(app_id, wanted)  # it may have been initialized meanwhile
        cls._settings = Settings(app_id, wanted, _check_endpoint(endpoint))
        cls._resolution.quality = wanted.render_quality
        logging.getLogger("avatarkit").setLevel(_LEVELS[wanted.log_level])

    @classmethod
    def _require_same(cls, app_id: str, wanted: Configuration) -> None:
        known = cls._settings
        if known is not None and (known.app_id, known.configuration) != (app_id, wanted):
            raise error(
                ErrorCode.ILLEGAL_STATE,
                "AvatarSDK is initialized with other settings. Legal now: initialize() with the same, cleanup().",
            )

    @classmethod
    async def _regional_endpoint(
        cls, app_id: str, wanted: Configuration, http_transport: httpx.AsyncBaseTransport | None
    ) -> str:
        from avatarkit import _regions  # noqa: PLC0415 - needed without an endpoint only

        path = _regions.regions_path(wanted.regions_file)
        regions = _regions.read_regions(path)
        if regions is None:
            raise error(
                ErrorCode.CONFIGURATION_INVALID,
                "No endpoint is set, and there is no regions file.",
                hint=f"Give Configuration(endpoint=...) or set {_ENDPOINT_VARIABLE}, e.g. http://127.0.0.1:8700",
            )
        if wanted.region != _regions.AUTO:
            if wanted.region not in regions.endpoints:
                known = ", ".join(sorted(regions.endpoints))
                raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no region {wanted.region!r}, only {known}.")
            return regions.endpoints[wanted.region]
        memory = _regions.RegionMemory(cache_folder(wanted))

        async def probe() -> str | None:
            advised = await _regions.ask_bootstrap(regions, app_id, cls.version(), transport=http_transport)
            if advised is not None:
                memory.remember(app_id, advised)
            return advised

        chosen = memory.recall(app_id)
        if chosen is not None and chosen in regions.endpoints:
            await cls._stop_probe()
            cls._probe = asyncio.create_task(_quietly(probe()), name="avatarkit region probe")
            return regions.endpoints[chosen]
        return regions.endpoints[await probe() or regions.default]

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
    def set_token_provider(cls, provider: TokenProvider | None) -> None:
        """Have tokens fetched when they are needed, instead of :meth:`set_session_token`.

        The provider, a coroutine function without arguments, asks the app's backend and returns a session token. It
        is called before every connection, and once more when the server says that the token has expired or is
        invalid; a second refusal is reported. What it raises becomes ``tokenRequestFailed``. ``None`` removes it.
        """
        cls._token_provider = provider

    @classmethod
    def session_token(cls) -> str | None:
        """The token in use. It is a secret: do not log it."""
        return cls._token

    @classmethod
    def set_user_id(cls, user_id: str | None) -> None:
        """Note who uses the app, for the app's own telemetry; it is sent nowhere. ``None`` forgets it."""
        cls._user_id = user_id

    @classmethod
    def user_id(cls) -> str | None:
        """What :meth:`set_user_id` noted."""
        return cls._user_id

    @classmethod
    def set_render_quality(cls, quality: RenderQuality) -> None:
        """Set the share of pixels that is drawn, for every view from the next frame on."""
        cls._resolution.quality = quality

    @classmethod
    def render_quality(cls) -> RenderQuality:
        """The quality in force."""
        return cls._resolution.quality

    @classmethod
    def set_render_resolution_cap(cls, enabled: bool, max_height: int = DEFAULT_CAP_LINES) -> None:
        """Draw at most ``max_height`` lines, for every view from the next frame on; larger surfaces get it enlarged.

        Raises ``AvatarError`` (``configurationInvalid``) for less than 16 lines.
        """
        if max_height < 16:
            raise error(ErrorCode.CONFIGURATION_INVALID, "max_height must be at least 16 lines.")
        cls._resolution.cap_lines = max_height if enabled else None

    @classmethod
    def render_resolution_cap(cls) -> int | None:
        """Most lines that are drawn, or ``None`` without a cap."""
        return cls._resolution.cap_lines

    @classmethod
    async def device_score(cls) -> DeviceScore:
        """How fast this machine draws the built-in character. Measured once in the process, for about a second;
        works before ``initialize``. Raises ``AvatarError`` (``missingDependency``) where no renderer is installed."""
        from avatarkit import _device  # noqa: PLC0415 - loads renderers

        return await _device.score()

    @classmethod
    async def device_support(cls) -> DeviceSupport:
        """Whether this machine can draw an avatar at 25 frames a second. Shares the measurement of
        :meth:`device_score`."""
        from avatarkit import _device  # noqa: PLC0415 - loads renderers

        return await _device.support()

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
        await cls._stop_probe()
        cls._token = cls._token_provider = cls._user_id = None
        cls._settings = None
        cls._resolution.quality, cls._resolution.cap_lines = RenderQuality.ULTRA, None
        logging.getLogger("avatarkit").setLevel(logging.NOTSET)

    @classmethod
    async def _stop_probe(cls) -> None:
        probe, cls._probe = cls._probe, None
        if probe is not None:
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)


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


def has_token_provider() -> bool:
    """Whether the app has set a token provider."""
    return AvatarSDK._token_provider is not None


async def fetch_token() -> None:
    """Have the provider fetch a token and keep it. Raises ``AvatarError`` (``tokenRequestFailed``)."""
    provider = AvatarSDK._token_provider
    assert provider is not None
    try:
        AvatarSDK.set_session_token(await provider())
    except AvatarError as exc:
        if exc.code is ErrorCode.SESSION_TOKEN_INVALID:
            raise error(ErrorCode.TOKEN_REQUEST_FAILED, "The token provider returned no usable token.") from None
        raise
    except Exception as exc:
        # Its text may hold the backend's answer, so only its kind is told.
        raise error(
            ErrorCode.TOKEN_REQUEST_FAILED, f"The token provider failed: {type(exc).__name__}.", hint="Start again."
        ) from exc


def resolution() -> Resolution:
    """What all views draw at."""
    return AvatarSDK._resolution


def cache_folder(configuration: Configuration) -> Path:
    """Where downloads and small memories are kept."""
    if configuration.cache_dir is not None:
        return Path(configuration.cache_dir)
    import platformdirs  # noqa: PLC0415 - not needed before

    return Path(platformdirs.user_cache_dir("avatarkit", appauthor=False))


async def _quietly(work: Awaitable[object]) -> None:
    await work


def _check_app_id(app_id: str) -> str:
    app_id = app_id.strip()
    if not app_id or not (app_id.isascii() and app_id.isprintable()) or len(app_id) > 256:
        raise error(
            ErrorCode.APP_ID_UNRECOGNIZED,
            "The App ID is blank or holds characters that no App ID has.",
            phase=Phase.INITIALIZE,
        )
    return app_id


def _explicit_endpoint(configuration: Configuration) -> str | None:
    if configuration.endpoint is not None:
        return configuration.endpoint
    return os.environ.get(_ENDPOINT_VARIABLE, "").strip() or None


def _check_endpoint(endpoint: str) -> str:
    """The endpoint without a trailing slash."""
    endpoint = endpoint.strip().rstrip("/")
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
    return endpoint
