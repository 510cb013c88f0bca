"""Every error that AvatarKit raises on purpose.

::

    AvatarError
    ├── ConfigurationError   settings, lifecycle order, a missing extra: fix the program
    ├── AuthenticationError  the session token was refused: fetch a new one
    ├── QuotaError           credits or concurrent sessions are used up
    ├── LoadError            avatar metadata or assets could not be had
    ├── TransportError       the connection broke, timed out, or the server failed
    ├── PlaybackError        sound or motion could not be played
    └── InputError           audio, motion or a picture from the caller is unacceptable

An error is told apart by its :class:`ErrorCode`, which is stable; the class groups codes by what a caller
would do about them. Messages may change in any release.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Phase(StrEnum):
    """The step of the lifecycle in which an error happened."""

    INITIALIZE = "initialize"
    LOAD = "load"
    RENDER = "render"
    AUTHENTICATE = "authenticate"
    CONNECT = "connect"
    INTERACT = "interact"
    CLEANUP = "cleanup"


class ErrorCode(StrEnum):
    """Stable error codes; the values are those of the published client SDKs, plus a few of ours at the end."""

    APP_ID_UNRECOGNIZED = "appIDUnrecognized"
    SESSION_TOKEN_INVALID = "sessionTokenInvalid"  # noqa: S105 - a code, not a secret
    SESSION_TOKEN_EXPIRED = "sessionTokenExpired"  # noqa: S105 - a code, not a secret
    INSUFFICIENT_BALANCE = "insufficientBalance"
    CONCURRENT_LIMIT_EXCEEDED = "concurrentLimitExceeded"
    AVATAR_ID_UNRECOGNIZED = "avatarIDUnrecognized"
    FAILED_TO_FETCH_AVATAR_METADATA = "failedToFetchAvatarMetadata"
    FAILED_TO_DOWNLOAD_AVATAR_ASSETS = "failedToDownloadAvatarAssets"
    INVALID_AVATAR_METADATA = "invalidAvatarMetadata"
    UNSUPPORTED_AVATAR_ASSET = "unsupportedAvatarAsset"
    AVATAR_ASSET_MISSING = "avatarAssetMissing"
    INVALID_ANIMATION_DATA = "invalidAnimationData"
    WEBSOCKET_ERROR = "websocketError"
    WEBSOCKET_CLOSED_ABNORMALLY = "websocketClosedAbnormally"
    WEBSOCKET_CLOSED_UNEXPECTED = "websocketClosedUnexpected"
    SESSION_TIMEOUT = "sessionTimeout"
    CONNECTION_IN_PROGRESS = "connectionInProgress"
    NETWORK_LAYER_NOT_AVAILABLE = "networkLayerNotAvailable"
    PLAYBACK_START_FAILED = "playbackStartFailed"
    PLAYBACK_INIT_FAILED = "playbackInitFailed"
    AUDIO_ONLY_INIT_FAILED = "audioOnlyInitFailed"
    AUDIO_CONTEXT_NOT_INITIALIZED = "audioContextNotInitialized"
    ANIMATION_PLAYER_NOT_INITIALIZED = "animationPlayerNotInitialized"
    NO_AUDIO = "noAudio"
    INVALID_AUDIO_INPUT = "invalidAudioInput"
    SERVER_ERROR = "serverError"
    # Ours: the published SDKs leave these to the language.
    CONFIGURATION_INVALID = "configurationInvalid"
    ILLEGAL_STATE = "illegalState"
    LOAD_CANCELLED = "loadCancelled"
    MISSING_DEPENDENCY = "missingDependency"
    API_KEY_INVALID = "apiKeyInvalid"
    TOKEN_REQUEST_FAILED = "tokenRequestFailed"  # noqa: S105 - a code, not a secret
    INVALID_EGRESS_CONFIG = "invalidEgressConfig"
    EGRESS_UNAVAILABLE = "egressUnavailable"
    IMAGE_QUALITY_REJECTED = "imageQualityRejected"


class AvatarError(Exception):
    """Root of the tree. Catch this for anything that AvatarKit reports.

    Attributes:
        code: What went wrong; stable.
        message: One sentence for a person. Never holds a key or a token.
        phase: The step of the lifecycle in which it happened.
        retryable: Whether doing the same again may succeed.
        hint: What to do about it, or an empty string.
    """

    def __init__(self, code: ErrorCode, message: str, phase: Phase, retryable: bool, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.phase = phase
        self.retryable = retryable
        self.hint = hint

    def __reduce__(self) -> tuple[type[AvatarError], tuple[object, ...], dict[str, object]]:
        # Exceptions are copied and pickled by their args, which here are the message alone.
        return type(self), (self.code, self.message, self.phase, self.retryable, self.hint), self.__dict__

    def __str__(self) -> str:
        text = f"{self.message} [{self.code.value}, phase {self.phase.value}]"
        return f"{text} {self.hint}" if self.hint else text


class ConfigurationError(AvatarError):
    """Settings, lifecycle order or the installation are wrong; a retry does not help."""


class AuthenticationError(AvatarError):
    """The session token was refused. Fetch a fresh one, set it, start again."""


class QuotaError(AvatarError):
    """Credits or concurrent sessions are used up."""


class LoadError(AvatarError):
    """Avatar metadata or assets could not be had or cannot be used."""


class TransportError(AvatarError):
    """The connection broke, timed out, or the server failed."""


class PlaybackError(AvatarError):
    """Sound or motion could not be played."""


class InputError(AvatarError):
    """Audio, motion or a picture handed in by the caller is unacceptable."""


class _Entry(NamedTuple):
    kind: type[AvatarError]
    phase: Phase
    retryable: bool
    hint: str


_C = ErrorCode
_CATALOGUE: Final[dict[ErrorCode, _Entry]] = {
    _C.APP_ID_UNRECOGNIZED: _Entry(
        ConfigurationError, Phase.CONNECT, False, "Check the App ID given to AvatarSDK.initialize."
    ),
    _C.SESSION_TOKEN_INVALID: _Entry(
        AuthenticationError, Phase.CONNECT, True, "Fetch a new session token, set it, then start again."
    ),
    _C.SESSION_TOKEN_EXPIRED: _Entry(
        AuthenticationError, Phase.CONNECT, True, "Fetch a new session token, set it, then start again."
    ),
    _C.INSUFFICIENT_BALANCE: _Entry(QuotaError, Phase.CONNECT, False, "Raise the app's credits."),
    _C.CONCURRENT_LIMIT_EXCEEDED: _Entry(QuotaError, Phase.CONNECT, True, "Close other sessions, or wait."),
    _C.AVATAR_ID_UNRECOGNIZED: _Entry(
        LoadError, Phase.LOAD, False, "Check the avatar id; `avatarkit avatars list` shows those that exist."
    ),
    _C.FAILED_TO_FETCH_AVATAR_METADATA: _Entry(
        LoadError, Phase.LOAD, True, "Check that the server is reachable, then load again."
    ),
    _C.FAILED_TO_DOWNLOAD_AVATAR_ASSETS: _Entry(LoadError, Phase.LOAD, True, "Load again."),
    _C.INVALID_AVATAR_METADATA: _Entry(LoadError, Phase.LOAD, False, "Report it to whoever runs the server."),
    _C.UNSUPPORTED_AVATAR_ASSET: _Entry(LoadError, Phase.LOAD, False, "Upgrade pyavatarkit, or the avatar."),
    _C.AVATAR_ASSET_MISSING: _Entry(LoadError, Phase.RENDER, True, "Load the avatar again."),
    _C.INVALID_ANIMATION_DATA: _Entry(InputError, Phase.INTERACT, False, "Check what sends the motion."),
    _C.WEBSOCKET_ERROR: _Entry(TransportError, Phase.CONNECT, True, "Check the endpoint, then start again."),
    _C.WEBSOCKET_CLOSED_ABNORMALLY: _Entry(TransportError, Phase.INTERACT, True, "Start again."),
    _C.WEBSOCKET_CLOSED_UNEXPECTED: _Entry(TransportError, Phase.INTERACT, True, "Start again."),
    _C.SESSION_TIMEOUT: _Entry(TransportError, Phase.CONNECT, True, "Start again."),
    _C.CONNECTION_IN_PROGRESS: _Entry(
        ConfigurationError, Phase.CONNECT, False, "Await the start() that is already running."
    ),
    _C.NETWORK_LAYER_NOT_AVAILABLE: _Entry(
        ConfigurationError, Phase.CONNECT, False, "start() and send() belong to Direct Mode only."
    ),
    _C.PLAYBACK_START_FAILED: _Entry(PlaybackError, Phase.INTERACT, True, ""),
    _C.PLAYBACK_INIT_FAILED: _Entry(PlaybackError, Phase.RENDER, True, ""),
    _C.AUDIO_ONLY_INIT_FAILED: _Entry(PlaybackError, Phase.CONNECT, True, ""),
    _C.AUDIO_CONTEXT_NOT_INITIALIZED: _Entry(PlaybackError, Phase.INTERACT, False, ""),
    _C.ANIMATION_PLAYER_NOT_INITIALIZED: _Entry(PlaybackError, Phase.INTERACT, False, "Rebuild the view."),
    _C.NO_AUDIO: _Entry(InputError, Phase.INTERACT, False, "Send audio before ending or interrupting a round."),
    _C.INVALID_AUDIO_INPUT: _Entry(
        InputError, Phase.INTERACT, False, "Send mono signed 16-bit little-endian PCM at the declared rate."
    ),
    _C.SERVER_ERROR: _Entry(TransportError, Phase.INTERACT, True, ""),
    _C.CONFIGURATION_INVALID: _Entry(ConfigurationError, Phase.INITIALIZE, False, ""),
    _C.ILLEGAL_STATE: _Entry(ConfigurationError, Phase.INITIALIZE, False, ""),
    _C.LOAD_CANCELLED: _Entry(LoadError, Phase.LOAD, True, ""),
    _C.MISSING_DEPENDENCY: _Entry(ConfigurationError, Phase.INITIALIZE, False, ""),
    _C.API_KEY_INVALID: _Entry(
        AuthenticationError, Phase.AUTHENTICATE, False, "Check the API key; `avatarkit keys list` shows those in use."
    ),
    _C.TOKEN_REQUEST_FAILED: _Entry(
        TransportError, Phase.AUTHENTICATE, True, "Check that the Console is reachable, then ask again."
    ),
    _C.INVALID_EGRESS_CONFIG: _Entry(
        ConfigurationError, Phase.CONNECT, False, "Check the room, the token and the address of the egress."
    ),
    _C.EGRESS_UNAVAILABLE: _Entry(
        TransportError, Phase.CONNECT, True, "Ask whoever runs the server whether egress is set up."
    ),
    _C.IMAGE_QUALITY_REJECTED: _Entry(
        InputError, Phase.LOAD, False, "Use a sharp, evenly lit photo of one face seen from the front."
    ),
}


def error(
    code: ErrorCode,
    message: str,
    *,
    phase: Phase | None = None,
    retryable: bool | None = None,
    hint: str | None = None,
) -> AvatarError:
    """Make the error of a code, with the catalogue's class, phase, retry advice and hint unless overridden."""
    entry = _CATALOGUE[code]
    return entry.kind(
        code,
        message,
        entry.phase if phase is None else phase,
        entry.retryable if retryable is None else retryable,
        entry.hint if hint is None else hint,
    )


def missing_dependency(module: str, extra: str) -> AvatarError:
    """The error for an optional library that is not installed; names the one line that installs it."""
    return error(
        ErrorCode.MISSING_DEPENDENCY,
        f"This needs the library '{module}', which is not installed.",
        hint=f"Install it with: pip install 'pyavatarkit[{extra}]'",
    )
