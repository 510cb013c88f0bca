"""What the app feeds in, made into PCM to be heard and bytes to go upstream. One feed for each round."""

from __future__ import annotations

import importlib.util
import logging
from typing import Final, NamedTuple, Protocol

from avatarkit._link import WireFormat
from avatarkit.errors import ErrorCode, Phase, error
from avatarkit.types import OPUS_SAMPLE_RATE_HZ, AudioCodec, AudioFormat

_log = logging.getLogger(__name__)
_UPLINK_RATES_HZ: Final = (8000, 16000, 24000, 48000)
_OGG: Final = b"OggS"
_SHORTEST_HEADER: Final = 12


class Fed(NamedTuple):
    """A piece of a round."""

    pcm: bytes
    """To be heard: signed 16-bit little endian, whole samples, at the format's rate."""
    upstream: bytes


class RoundFeed(Protocol):
    """Takes the audio of one round."""

    def feed(self, data: bytes, *, end: bool) -> Fed:
        """Take a piece. Raises ``AvatarError`` (``invalidAudioInput``)."""
        ...

    @property
    def is_spoilt(self) -> bool:
        """Whether a refused piece broke the round's stream, so that nothing can follow."""
        ...


def encodes_uplink(audio_format: AudioFormat) -> bool:
    """Whether PCM is sent as Opus; a wish that cannot be met is logged."""
    if audio_format.input_format is AudioCodec.OPUS or not audio_format.opus_uplink:
        return False
    if audio_format.sample_rate not in _UPLINK_RATES_HZ:
        _log.warning("no Opus uplink at %d Hz; sending PCM", audio_format.sample_rate)
        return False
    if importlib.util.find_spec("av") is None:
        _log.warning("no Opus uplink without the extra 'audio'; sending PCM")
        return False
    return True


def wire_format(audio_format: AudioFormat) -> WireFormat:
    """How a format goes upstream."""
    if audio_format.input_format is AudioCodec.OPUS:
        return WireFormat(OPUS_SAMPLE_RATE_HZ, is_ogg_opus=True)
    if encodes_uplink(audio_format):
        return WireFormat(OPUS_SAMPLE_RATE_HZ, is_ogg_opus=True, bitrate=audio_format.opus_bitrate)
    return WireFormat(audio_format.sample_rate)


def changed_format(
    known: AudioFormat,
    sample_rate: int | None,
    input_format: AudioCodec | None,
    opus_bitrate: int | None,
    opus_uplink: bool | None,
) -> AudioFormat:
    """The format with some fields changed; ``None`` keeps one. Raises as ``AvatarController.set_audio_format``."""
    try:
        codec = known.input_format if input_format is None else AudioCodec(input_format)
        if codec is AudioCodec.OPUS and sample_rate is not None:
            raise ValueError("Opus has its own sample rate, so none may be given with it")
        return AudioFormat(
            sample_rate=known.sample_rate if sample_rate is None else sample_rate,
            input_format=codec,
            opus_uplink=known.opus_uplink if opus_uplink is None else opus_uplink,
            opus_bitrate=known.opus_bitrate if opus_bitrate is None else opus_bitrate,
        )
    except ValueError as exc:
        raise error(ErrorCode.CONFIGURATION_INVALID, f"{exc}.", phase=Phase.INTERACT) from exc


def open_feed(audio_format: AudioFormat, *, encode_uplink: bool) -> RoundFeed:
    """A feed for one round; ``AvatarError`` (``missingDependency``) where Opus needs PyAV."""
    if audio_format.input_format is AudioCodec.OPUS:
        return _OpusFeed()
    return _PcmFeed(audio_format if encode_uplink else None)


class _PcmFeed:
    """PCM, optionally encoded on its way up."""

    is_spoilt = False

    def __init__(self, encode: AudioFormat | None) -> None:
        self._begun = False
        self._encoder = None
        if encode is not None:
            from avatarkit.audio.opus import OggOpusEncoder  # noqa: PLC0415 - needs an extra

            self._encoder = OggOpusEncoder(sample_rate=encode.sample_rate, bitrate=encode.opus_bitrate)

    def feed(self, data: bytes, *, end: bool) -> Fed:
        """See :class:`RoundFeed`."""
        if len(data) % 2:
            raise error(ErrorCode.INVALID_AUDIO_INPUT, f"{len(data)} bytes are no whole number of 16-bit samples.")
        if data and not self._begun:
            _check_no_container(data)
            self._begun = True
        if self._encoder is None:
            return Fed(data, data)
        pages = self._encoder.encode(data) if data else b""
        if end:
            pages += self._encoder.finish()
        return Fed(data, pages)


class _OpusFeed:
    """An Ogg Opus stream cut anywhere, passed on as it is, or bare packets, put into pages."""

    def __init__(self) -> None:
        from avatarkit.audio.opus import OggOpusDecoder, OpusPacketDecoder  # noqa: PLC0415 - needs an extra

        self._ogg: OggOpusDecoder | None = None
        self._packets: OpusPacketDecoder | None = None
        self._new_ogg, self._new_packets = OggOpusDecoder, OpusPacketDecoder
        self.is_spoilt = False

    def feed(self, data: bytes, *, end: bool) -> Fed:
        """See :class:`RoundFeed`."""
        if data and self._ogg is None and self._packets is None:
            self._choose(data)
        if self._ogg is not None:
            try:
                return Fed(self._ogg.decode(data), data)
            except Exception:
                self.is_spoilt = True
                raise
        if self._packets is None:
            return Fed(b"", b"")
        pcm = self._packets.decode(data) if data else b""
        pages = self._packager.page(data) if data else b""
        return Fed(pcm, pages + (self._packager.finish() if end else b""))

    def _choose(self, start: bytes) -> None:
        from avatarkit.audio.opus_pages import OggOpusPackager  # noqa: PLC0415 - needs an extra

        if start[:4] == _OGG[: len(start)]:
            self._ogg = self._new_ogg()
        else:
            self._packets = self._new_packets()
            self._packager = OggOpusPackager()


def _check_no_container(start: bytes) -> None:
    if len(start) < _SHORTEST_HEADER:
        return
    from avatarkit.audio.opus import foreign_container  # noqa: PLC0415 - the module is not needed otherwise

    name = "Ogg" if start.startswith(_OGG) else foreign_container(start)
    if name is not None:
        raise error(ErrorCode.INVALID_AUDIO_INPUT, f"This is a {name} file, not bare PCM.")
