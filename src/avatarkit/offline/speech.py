"""Reading speech from a sound file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from avatarkit.errors import ErrorCode, error, missing_dependency
from avatarkit.types import SAMPLE_RATES_HZ

LONGEST_S: Final = 3600.0
LARGEST_FILE: Final = 2**31

_ODD_RATE_HZ: Final = 48000
"""What sound at a rate that no session takes is converted to."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Mono sound."""

    pcm: bytes
    """Signed 16-bit little-endian samples."""
    sample_rate: int
    """Hertz; one of :data:`avatarkit.types.SAMPLE_RATES_HZ`."""

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return len(self.pcm) / 2 / self.sample_rate


def read_speech(path: Path) -> Speech:
    """Read a WAV, FLAC, MP3 or Ogg file of at most an hour; channels are mixed into one.

    Raises ``AvatarError``: ``invalidAudioInput`` for what is none of these, too long or damaged;
    ``missingDependency`` without PyAV. Raises ``OSError`` for a file that cannot be read.
    """
    if path.stat().st_size > LARGEST_FILE:
        raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is larger than 2 GiB.", hint="")
    with path.open("rb") as file:
        kind = _kind_of(file.read(16))
        if kind is None:
            raise error(
                ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is no sound file that can be read.",
                hint="Give a WAV, FLAC, MP3 or Ogg file.",
            )  # fmt: skip
        try:
            import av  # noqa: PLC0415 - loaded when it is used
        except ImportError as failure:
            raise missing_dependency("av", "render") from failure
        file.seek(0)
        try:
            # The format is named, so that nothing in the file can make FFmpeg take it for a list of other places.
            with av.open(file, "r", format=kind) as container:
                return _decode(container, path)
        except (av.FFmpegError, ValueError, IndexError) as failure:
            raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is damaged: {failure}", hint="") from failure


def _kind_of(start: bytes) -> str | None:
    """FFmpeg's name of a file's format, by its first bytes."""
    if start[:4] in (b"RIFF", b"RF64") and start[8:12] == b"WAVE":
        return "wav"
    if start[:4] == b"fLaC":
        return "flac"
    if start[:4] == b"OggS":
        return "ogg"
    if start[:3] == b"ID3" or (len(start) > 1 and start[0] == 0xFF and start[1] & 0xE6 in (0xE2, 0xE4, 0xE6)):
        return "mp3"
    return None


def _decode(container: Any, path: Path) -> Speech:
    import av  # noqa: PLC0415 - present, or the caller had failed

    stream = container.streams.audio[0]
    rate = stream.rate if stream.rate in SAMPLE_RATES_HZ else _ODD_RATE_HZ
    to_mono = av.AudioResampler(format="s16", layout="mono", rate=rate)
    pieces: list[bytes] = []
    room = int(LONGEST_S * rate)

    def take(frame: Any) -> None:
        nonlocal room
        for part in to_mono.resample(frame):
            samples = part.to_ndarray().reshape(-1)
            room -= len(samples)
            if room < 0:
                raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' is longer than an hour.", hint="")
            pieces.append(samples.astype("<i2").tobytes())

    for frame in container.decode(stream):
        take(frame)
    take(None)
    pcm = b"".join(pieces)
    if not pcm:
        raise error(ErrorCode.INVALID_AUDIO_INPUT, f"'{path}' holds no sound.", hint="")
    return Speech(pcm, rate)
