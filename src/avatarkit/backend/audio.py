"""What an app's backend feeds in, and the form in which it goes upstream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, Protocol

from avatarkit.audio.opus import ENCODER_RATES_HZ, OPUS_RATE_HZ, OggOpusEncoder, foreign_container
from avatarkit.errors import ErrorCode, error
from avatarkit.types import SAMPLE_RATES_HZ

_OGG_CAPTURE: Final = b"OggS"


@dataclass(frozen=True, slots=True)
class PcmUplink:
    """Feed PCM, signed 16-bit little endian, mono; it goes upstream as it is."""

    sample_rate: int = 16_000
    """Hertz; one of ``avatarkit.types.SAMPLE_RATES_HZ``."""

    def __post_init__(self) -> None:
        if self.sample_rate not in SAMPLE_RATES_HZ:
            raise _invalid(f"PCM at {self.sample_rate} Hz is not accepted; use one of {SAMPLE_RATES_HZ}")


@dataclass(frozen=True, slots=True)
class OpusUplink:
    """Feed PCM; it is encoded to one Ogg Opus stream a round, about an eighth of the traffic. Needs the extra
    ``audio``."""

    sample_rate: int = 16_000
    """Hertz of the PCM; 8000, 12000, 16000, 24000 or 48000."""
    bitrate: int = 48_000
    """Bits a second, 500 to 512,000."""
    frame_ms: int = 20
    """10, 20, 40 or 60; the delay that encoding adds."""
    application: Literal["voip", "audio"] = "voip"

    def __post_init__(self) -> None:
        if self.sample_rate not in ENCODER_RATES_HZ:
            raise _invalid(f"PCM at {self.sample_rate} Hz cannot be encoded; use one of {ENCODER_RATES_HZ}")


@dataclass(frozen=True, slots=True)
class OggOpusUplink:
    """Feed Ogg Opus that something else encoded: one stream a round, mono, cut anywhere. It goes upstream as it
    is."""


Uplink = PcmUplink | OpusUplink | OggOpusUplink
"""Any of the three."""


class RoundEncoder(Protocol):
    """Turns the audio of one round into what is sent."""

    def feed(self, audio: bytes, *, end: bool) -> bytes:
        """The bytes to send for ``audio``, which may be none; with ``end`` also everything held back."""
        ...


def round_encoder(uplink: Uplink) -> RoundEncoder:
    """The encoder for one round; ``AvatarError`` (``missingDependency``) when Opus is wanted without PyAV."""
    if isinstance(uplink, PcmUplink):
        return _WholeSamples()
    if isinstance(uplink, OpusUplink):
        return _Encoded(uplink)
    return _PassedOn()


def wire_sample_rate(uplink: Uplink) -> int:
    """The rate, in hertz, that the session declares: Opus always runs at 48 kHz."""
    return uplink.sample_rate if isinstance(uplink, PcmUplink) else OPUS_RATE_HZ


class _WholeSamples:
    """PCM cut inside a sample: the odd byte waits for its other half. At the end of a round it is dropped."""

    def __init__(self) -> None:
        self._odd = b""

    def feed(self, audio: bytes, *, end: bool) -> bytes:
        del end
        joined = self._odd + audio
        whole = len(joined) & ~1
        self._odd = joined[whole:]
        return joined[:whole]


class _Encoded:
    def __init__(self, uplink: OpusUplink) -> None:
        self._encoder = OggOpusEncoder(
            sample_rate=uplink.sample_rate,
            bitrate=uplink.bitrate,
            frame_ms=uplink.frame_ms,
            application=uplink.application,
        )
        self._samples = _WholeSamples()
        self._has_audio = False

    def feed(self, audio: bytes, *, end: bool) -> bytes:
        pcm = self._samples.feed(audio, end=end)
        self._has_audio = self._has_audio or bool(pcm)
        pages = self._encoder.encode(pcm) if pcm else b""
        if end and self._has_audio:
            pages += self._encoder.finish()
        return pages


class _PassedOn:
    def __init__(self) -> None:
        self._start = b""

    def feed(self, audio: bytes, *, end: bool) -> bytes:
        del end
        if len(self._start) < len(_OGG_CAPTURE):
            self._start += audio[: len(_OGG_CAPTURE) - len(self._start)]
            if not _OGG_CAPTURE.startswith(self._start):
                name = foreign_container(audio) or "something else"
                raise error(ErrorCode.INVALID_AUDIO_INPUT, f"The round is {name}, not Ogg Opus.")
        return audio


def _invalid(reason: str) -> Exception:
    return error(ErrorCode.CONFIGURATION_INVALID, f"{reason}.")
