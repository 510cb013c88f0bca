"""The enums and frozen dataclasses of the client API. Standard library only.

Enum members carry the values that travel on the wire and in settings files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

SAMPLE_RATES_HZ: Final = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
"""The PCM sample rates that every part of the stack accepts, in hertz."""

MOTION_FRAME_RATE: Final = 25.0
"""Motion frames a second. Frame ``i`` of a round covers its audio from ``i / 25`` seconds."""


class ConnectionState(StrEnum):
    """State of the Direct Mode connection to the Motion Server."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    FAILED = "failed"


class ConversationState(StrEnum):
    """What the avatar is doing: idling, speaking, or holding a paused round."""

    IDLE = "idle"
    PLAYING = "playing"
    PAUSED = "paused"


class DrivingServiceMode(StrEnum):
    """Who opens the motion connection: this client (``direct``) or the app's backend (``backend``)."""

    DIRECT = "direct"
    BACKEND = "backend"


class AudioCodec(StrEnum):
    """How audio is coded: signed 16-bit little-endian PCM, or Opus."""

    PCM = "pcm"
    OPUS = "opus"


class LoadProgressType(StrEnum):
    """Phase of an avatar download."""

    DOWNLOADING = "downloading"
    COMPLETED = "completed"
    FAILED = "failed"


class LogLevel(StrEnum):
    """How much the SDK writes to the ``avatarkit`` logger."""

    OFF = "off"
    ERROR = "error"
    WARNING = "warning"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Format of the audio that the app feeds in: mono PCM, signed 16-bit little endian."""

    sample_rate: int = 16000
    """Hertz; one of :data:`SAMPLE_RATES_HZ`."""

    def __post_init__(self) -> None:
        if self.sample_rate not in SAMPLE_RATES_HZ:
            raise ValueError(f"sample_rate must be one of {SAMPLE_RATES_HZ}, not {self.sample_rate}")


@dataclass(frozen=True, slots=True)
class Configuration:
    """Process-wide settings, given once to ``AvatarSDK.initialize``."""

    endpoint: str | None = None
    """Base URL of the server, such as ``http://127.0.0.1:8700``. Default: ``AVATARKIT_ENDPOINT``."""
    driving_service_mode: DrivingServiceMode = DrivingServiceMode.DIRECT
    audio_format: AudioFormat = field(default_factory=AudioFormat)
    """Default for every view; a view may be given its own."""
    log_level: LogLevel = LogLevel.OFF
    cache_dir: Path | None = None
    """Where downloaded avatars are kept. Default: the user's cache folder."""
    connect_timeout_s: float = 15.0
    """Seconds without a confirmed session after which ``start`` gives up."""


@dataclass(frozen=True, slots=True)
class LoadProgress:
    """One step of an avatar download."""

    type: LoadProgressType
    progress: float | None = None
    """Share of the bundle that has arrived, 0..1; ``None`` when it failed."""
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Avatar:
    """A loaded avatar: what ``AvatarManager.load`` returns and ``AvatarView`` mounts."""

    id: str
    name: str
    version: int
    sha256: str
    """Content hash of the bundle file."""
    asset_path: Path
    """The bundle (binary glTF) on disk."""
    is_from_cache: bool


@dataclass(frozen=True, slots=True)
class Camera:
    """A perspective camera looking at the avatar. Metres, +Y up; the avatar faces +Z."""

    position: tuple[float, float, float] = (0.0, 0.0, 0.9)
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    vertical_fov_deg: float = 24.0


@dataclass(frozen=True, slots=True)
class SessionReport:
    """What one controller measured since it was made. ``None`` means that nothing was measured yet."""

    first_motion_ms: float | None
    """Milliseconds from the first audio handed to ``send`` of the first round to its first motion frame."""
    motion_frames: int
    """Motion frames received."""
    motion_bytes_per_second: float | None
    """Motion bytes on the wire per second of motion, message envelopes included."""
    av_offset_ms_p50: float | None
    """Median of |shown motion position - heard audio position| at the moment a frame was handed over."""
    av_offset_ms_p95: float | None
    rounds: int
    frames_drawn: int
    frames_dropped: int
    """Frames of the surface's rate that were not drawn in time."""
