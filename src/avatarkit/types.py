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

OPUS_SAMPLE_RATE_HZ: Final = 48000
"""The one rate that Opus sessions run at, in hertz."""

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


class FrameStarvationMode(StrEnum):
    """What late motion does: the voice goes on without it, or halts until it is there."""

    AUDIO_INDEPENDENT = "audioIndependent"
    STRICT_SYNC = "strictSync"


class Mood(StrEnum):
    """How the avatar lives while it does not speak, and a little while it does."""

    NEUTRAL = "neutral"
    ATTENTIVE = "attentive"
    CHEERFUL = "cheerful"
    TIRED = "tired"


class RenderQuality(StrEnum):
    """Share of the surface's pixels that are drawn: half each way, three quarters, all."""

    STANDARD = "standard"
    HIGH = "high"
    ULTRA = "ultra"


class DeviceSupport(StrEnum):
    """Whether this machine can draw an avatar."""

    SUPPORTED = "supported"
    RENDER_NOT_SUPPORTED = "renderNotSupported"
    INSUFFICIENT_PERFORMANCE = "insufficientPerformance"


class AnimationType(StrEnum):
    """What moves the face: idle motion alone, or speech over it."""

    IDLE = "idle"
    MONO = "mono"


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
    """Format of the audio that the app feeds in; always mono. ``ValueError`` for what no session takes."""

    sample_rate: int = 16000
    """Hertz; one of :data:`SAMPLE_RATES_HZ`. Opus always runs at 48,000, whatever is given here."""
    input_format: AudioCodec = AudioCodec.PCM
    """PCM is signed 16-bit little endian. Opus: one Ogg stream a round, cut anywhere, or bare packets, one a call."""
    opus_uplink: bool = False
    """Send PCM to the server as Opus, about an eighth of the traffic for 20 ms of delay. Needs the extra ``audio``
    and 8, 16, 24 or 48 kHz; otherwise PCM is sent, with a warning in the log. Direct Mode only."""
    opus_bitrate: int = 48000
    """Bits a second of that Opus, 500 to 512,000."""

    def __post_init__(self) -> None:
        if self.input_format is AudioCodec.OPUS:
            object.__setattr__(self, "sample_rate", OPUS_SAMPLE_RATE_HZ)
        if self.sample_rate not in SAMPLE_RATES_HZ:
            raise ValueError(f"sample_rate must be one of {SAMPLE_RATES_HZ}, not {self.sample_rate}")
        if not 500 <= self.opus_bitrate <= 512_000:
            raise ValueError(f"opus_bitrate must be 500 to 512000, not {self.opus_bitrate}")


@dataclass(frozen=True, slots=True)
class ReconnectPolicy:
    """Whether and how a session that was lost is followed by a new one. The old rounds are never sent again."""

    attempts: int = 0
    """Most tries after one loss; 0, the default, leaves reconnecting to the app."""
    first_delay_s: float = 0.5
    """Seconds before the first try; each further wait is twice as long."""
    max_delay_s: float = 8.0

    def __post_init__(self) -> None:
        if not (0 <= self.attempts <= 100 and 0.0 < self.first_delay_s <= self.max_delay_s <= 600.0):
            raise ValueError("a reconnect policy has 0..100 attempts and 0 < first_delay_s <= max_delay_s <= 600")

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait before an attempt, counted from 0."""
        return min(self.first_delay_s * 2.0 ** min(attempt, 30), self.max_delay_s)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Process-wide settings, given once to ``AvatarSDK.initialize``."""

    endpoint: str | None = None
    """Base URL of the server, such as ``http://127.0.0.1:8700``. Default: ``AVATARKIT_ENDPOINT``, else by region."""
    region: str = "auto"
    """A name from the regions file, or ``auto``: the last launch's choice, else what the bootstrap route says."""
    regions_file: Path | None = None
    """JSON with the named regions (``docs/lifecycle.md``). Default: ``AVATARKIT_REGIONS``, else ``regions.json`` in
    the user's settings folder."""
    driving_service_mode: DrivingServiceMode = DrivingServiceMode.DIRECT
    audio_format: AudioFormat = field(default_factory=AudioFormat)
    """Default for every view; a view may be given its own."""
    log_level: LogLevel = LogLevel.OFF
    cache_dir: Path | None = None
    """Where downloaded avatars are kept. Default: the user's cache folder."""
    connect_timeout_s: float = 15.0
    """Seconds without a confirmed session after which ``start`` gives up."""
    reconnect: ReconnectPolicy = field(default_factory=ReconnectPolicy)
    """What follows the loss of a session. Default: nothing."""
    render_quality: RenderQuality = RenderQuality.ULTRA
    motion_style: str = ""
    """How the server shall make the avatar speak, in Direct Mode: ``neutral``, ``happy``, ``sad``, ``angry``,
    ``surprised`` or ``calm``, with an intensity 0..1 behind a colon if need be, such as ``happy:0.6``."""


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
class Transform:
    """Where the avatar stands in its view."""

    x: float = 0.0
    """-1..1, left to right: 1 moves it by half the width."""
    y: float = 0.0
    """-1..1, bottom to top."""
    scale: float = 1.0
    """Over 0, at most 10."""

    def __post_init__(self) -> None:
        if not (-1.0 <= self.x <= 1.0 and -1.0 <= self.y <= 1.0 and 0.0 < self.scale <= 10.0):
            raise ValueError("a transform has x and y of -1..1 and a scale over 0 and at most 10")


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of pixels from the top left."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class DeviceScore:
    """Relative speed at drawing; 1 is what 25 frames a second at 512 x 512 need."""

    cpu_score: float
    gpu_score: float | None
    """``None``: there is no GPU, or the extra ``gpu`` is not installed."""


@dataclass(frozen=True, slots=True)
class FrameRateInfo:
    """The last two seconds of drawing. ``None`` where the window holds too little to tell."""

    display_fps: float | None
    """Frames that the surface was given, a second."""
    render_ms: float | None
    """Mean time of drawing one frame."""
    frame_ms_p95: float | None
    """Time from one frame to the next, 95th percentile."""
    frame_ms_p99: float | None
    jank_ratio: float | None
    """Share 0..1 of frames that came over 50 ms after the one before."""
    frames: int
    """Frames in the window."""


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
    first_frame_ms: float | None = None
    """Milliseconds from making the view to its first frame on the surface."""
    rounds_finished: int = 0
    """Rounds that were heard to their end."""
    rounds_interrupted: int = 0
    """Rounds that were cut off."""
    starvations: int = 0
    """Times that a round was heard without the motion it expected."""
    starved_ms: float = 0.0
    """How long that lasted, all in all."""
    stalls: int = 0
    """Times that the voice halted for want of motion (``strictSync``)."""
    stalled_ms: float = 0.0
    motion_frames_unused: int = 0
    """Motion frames received for rounds that were over, or for times already behind."""
    audio_bytes_sent: int = 0
    """Audio handed to the connection, as it goes upstream."""
    motion_bytes: int = 0
    """Messages with motion received, envelopes included."""
    longest_frame_gap_ms: float | None = None
    """Longest time between two frames on the surface."""
