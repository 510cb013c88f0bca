"""Real-time talking avatars, self-hosted: the client SDK.

::

    await AvatarSDK.initialize(app_id, Configuration(endpoint="http://127.0.0.1:8700"))
    avatar = await AvatarManager.shared().load("default")
    async with AvatarView(avatar, surface) as view:
        AvatarSDK.set_session_token(token)
        await view.controller.start()
        view.controller.send(pcm, end=True)
    await AvatarSDK.cleanup()

Names are loaded on first use, so that ``import avatarkit`` loads no third-party module.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from avatarkit._controller import AvatarController
    from avatarkit._events import (
        AnimationStateChanged,
        AudioOutputChanged,
        AvatarEvent,
        ConnectionStateChanged,
        ConversationStateChanged,
        ErrorRaised,
        FrameRateMeasured,
        PlaybackFinished,
        PlaybackProgress,
        PlaybackStalled,
        PlaybackStarted,
    )
    from avatarkit._manager import AvatarManager
    from avatarkit._sdk import AvatarSDK
    from avatarkit._view import AvatarView
    from avatarkit.errors import (
        AuthenticationError,
        AvatarError,
        ConfigurationError,
        ErrorCode,
        InputError,
        LoadError,
        Phase,
        PlaybackError,
        QuotaError,
        TransportError,
    )
    from avatarkit.types import (
        AnimationType,
        AudioCodec,
        AudioFormat,
        Avatar,
        Configuration,
        ConnectionState,
        ConversationState,
        DeviceScore,
        DeviceSupport,
        DrivingServiceMode,
        FrameRateInfo,
        FrameStarvationMode,
        LoadProgress,
        LoadProgressType,
        LogLevel,
        Mood,
        ReconnectPolicy,
        Rect,
        RenderQuality,
        SessionReport,
        Transform,
    )

__version__ = "0.1.0"

__all__ = [
    "AnimationStateChanged",
    "AnimationType",
    "AudioCodec",
    "AudioFormat",
    "AudioOutputChanged",
    "AuthenticationError",
    "Avatar",
    "AvatarController",
    "AvatarError",
    "AvatarEvent",
    "AvatarManager",
    "AvatarSDK",
    "AvatarView",
    "Configuration",
    "ConfigurationError",
    "ConnectionState",
    "ConnectionStateChanged",
    "ConversationState",
    "ConversationStateChanged",
    "DeviceScore",
    "DeviceSupport",
    "DrivingServiceMode",
    "ErrorCode",
    "ErrorRaised",
    "FrameRateInfo",
    "FrameRateMeasured",
    "FrameStarvationMode",
    "InputError",
    "LoadError",
    "LoadProgress",
    "LoadProgressType",
    "LogLevel",
    "Mood",
    "Phase",
    "PlaybackError",
    "PlaybackFinished",
    "PlaybackProgress",
    "PlaybackStalled",
    "PlaybackStarted",
    "QuotaError",
    "ReconnectPolicy",
    "Rect",
    "RenderQuality",
    "SessionReport",
    "Transform",
    "TransportError",
    "__version__",
]

_HOMES: Final = {
    "AvatarController": "_controller",
    "AvatarManager": "_manager",
    "AvatarSDK": "_sdk",
    "AvatarView": "_view",
    **dict.fromkeys(
        (
            "AnimationStateChanged",
            "AudioOutputChanged",
            "AvatarEvent",
            "ConnectionStateChanged",
            "ConversationStateChanged",
            "ErrorRaised",
            "FrameRateMeasured",
            "PlaybackFinished",
            "PlaybackProgress",
            "PlaybackStalled",
            "PlaybackStarted",
        ),
        "_events",
    ),
    **dict.fromkeys(
        (
            "AuthenticationError",
            "AvatarError",
            "ConfigurationError",
            "ErrorCode",
            "InputError",
            "LoadError",
            "Phase",
            "PlaybackError",
            "QuotaError",
            "TransportError",
        ),
        "errors",
    ),
    **dict.fromkeys(
        (
            "AnimationType",
            "AudioCodec",
            "AudioFormat",
            "Avatar",
            "Configuration",
            "ConnectionState",
            "ConversationState",
            "DeviceScore",
            "DeviceSupport",
            "DrivingServiceMode",
            "FrameRateInfo",
            "FrameStarvationMode",
            "LoadProgress",
            "LoadProgressType",
            "LogLevel",
            "Mood",
            "ReconnectPolicy",
            "Rect",
            "RenderQuality",
            "SessionReport",
            "Transform",
        ),
        "types",
    ),
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
