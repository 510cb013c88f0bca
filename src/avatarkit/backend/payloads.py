"""What a session hands to the app's backend, to be passed on to whoever draws the avatar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from avatarkit.errors import AvatarError
from avatarkit.types import AudioCodec


@dataclass(frozen=True, slots=True)
class AudioPayload:
    """A piece of a round's audio exactly as it goes upstream; for the client's ``yield_audio_data``."""

    request_id: str
    """The round."""
    data: bytes
    """PCM of whole samples, or bytes of one Ogg Opus stream, cut anywhere. Empty at an end without a rest."""
    end: bool
    """The last piece of the round."""
    codec: AudioCodec
    sample_rate: int
    """Hertz; 48,000 for Opus."""


@dataclass(frozen=True, slots=True)
class MotionPayload:
    """One motion message exactly as the server sent it; for the client's ``yield_frames_data``. Do not decode,
    merge or reorder it on the way."""

    request_id: str
    """The round."""
    message: bytes
    end: bool
    """The last motion of the round."""


def _nothing(_payload: Any) -> None:
    """Take a payload and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """Functions or coroutine functions. Each is awaited before the next payload of its kind, so a slow one slows
    the session down instead of letting payloads pile up; what it raises is logged and changes nothing else.

    ``on_audio`` runs before the audio goes upstream. A relay that passes both kinds on in the order of the calls
    therefore always delivers the audio of a round before its motion.
    """

    on_audio: Callable[[AudioPayload], Awaitable[None] | None] = field(default=_nothing)
    on_motion: Callable[[MotionPayload], Awaitable[None] | None] = field(default=_nothing)
    on_error: Callable[[AvatarError], Awaitable[None] | None] = field(default=_nothing)
    """Failures that the server reports while the session runs, and the one that ended it."""
    on_close: Callable[[AvatarError | None], Awaitable[None] | None] = field(default=_nothing)
    """Once, when the session is over: with the error that ended it, or ``None`` after a clean end."""
