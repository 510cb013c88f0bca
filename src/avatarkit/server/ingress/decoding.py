"""What a request's audio is, and its way into an engine's stream."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from avatarkit.audio.opus import OggOpusDecoder
    from avatarkit.motion.contract import MotionStream

_OPUS_HZ: Final = 48_000
_OPUS_BYTES_PER_S: Final = 4_000
"""A guess at Opus speech, 32 kbit/s, where its amount is to be told before it is decoded."""
_OPUS_SLICE_BYTES: Final = 512
"""Opus decoded in one go. Packets of two bytes may hold 120 ms each, so more could keep everybody waiting."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Format of a session's audio."""

    sample_rate: int
    """Hertz; of Opus, what the client encoded from."""
    is_ogg_opus: bool = False

    @property
    def bytes_per_s(self) -> int:
        """Bytes of one second; of Opus about."""
        return _OPUS_BYTES_PER_S if self.is_ogg_opus else 2 * self.sample_rate

    def slice_bytes(self, seconds: float) -> int:
        """Most bytes to take on at once for that many seconds; whole samples of PCM."""
        size = int(self.bytes_per_s * seconds) & ~1
        return min(size, _OPUS_SLICE_BYTES) if self.is_ogg_opus else size

    def seconds(self, size: int) -> float:
        """Duration of that many bytes."""
        return size / self.bytes_per_s


class Decoder(Protocol):
    """Runs on an inference thread; one call at a time."""

    def stream(self) -> MotionStream:
        """The request's stream, opened with the first call."""
        ...

    def push(self, audio: bytes, *, is_last: bool) -> None:
        """Decode audio into the stream, and finish it with the last.

        Raises:
            AvatarError: ``invalidAudioInput`` for bytes that are not what the session announced.
        """
        ...


class PcmDecoder:
    """Nothing to decode: the engine resamples."""

    def __init__(self, sample_rate: int, open_stream: Callable[[int], MotionStream]) -> None:
        self._sample_rate = sample_rate
        self._open = open_stream
        self._stream: MotionStream | None = None

    def stream(self) -> MotionStream:
        """See :class:`Decoder`."""
        if self._stream is None:
            self._stream = self._open(self._sample_rate)
        return self._stream

    def push(self, audio: bytes, *, is_last: bool) -> None:
        """See :class:`Decoder`."""
        stream = self.stream()
        if audio:
            stream.push(audio)
        if is_last:
            stream.finish()


class OpusDecoder(PcmDecoder):
    """One Ogg Opus stream, decoded the moment a page is complete."""

    def __init__(self, open_stream: Callable[[int], MotionStream]) -> None:
        super().__init__(_OPUS_HZ, open_stream)
        self._ogg: OggOpusDecoder | None = None

    def push(self, audio: bytes, *, is_last: bool) -> None:
        """See :class:`Decoder`."""
        if self._ogg is None:
            from avatarkit.audio.opus import OggOpusDecoder  # noqa: PLC0415 - loads libopus, here off the event loop

            self._ogg = OggOpusDecoder()
        super().push(self._ogg.decode(audio), is_last=is_last)


def can_decode(audio_format: AudioFormat) -> bool:
    """Whether the library for a format is installed."""
    return not audio_format.is_ogg_opus or importlib.util.find_spec("av") is not None


def open_decoder(audio_format: AudioFormat, open_stream: Callable[[int], MotionStream]) -> Decoder:
    """A decoder for one request; ``open_stream`` makes the engine's stream for a rate in hertz."""
    if audio_format.is_ogg_opus:
        return OpusDecoder(open_stream)
    return PcmDecoder(audio_format.sample_rate, open_stream)
