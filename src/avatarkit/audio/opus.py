"""Opus, streaming: packets or an Ogg Opus stream cut anywhere to PCM, and PCM to Ogg Opus (RFC 6716, RFC 7845).

Coding is libopus, which PyAV's wheels carry. Everything is mono. Decoded PCM is at 48 kHz, Opus's own clock;
the encoder also takes the lower rates that libopus knows.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from avatarkit.audio.ogg import OggError, OggPage, OggReader, OggWriter
from avatarkit.errors import ErrorCode, error, missing_dependency

if TYPE_CHECKING:
    import numpy.typing as npt

OPUS_RATE_HZ: Final = 48_000
ENCODER_RATES_HZ: Final = (8_000, 12_000, 16_000, 24_000, 48_000)
"""PCM rates that the encoder takes without resampling."""
ENCODER_FRAMES_MS: Final = (10, 20, 40, 60)
ENCODER_DELAY_SAMPLES: Final = 312
"""What a decoder drops at the start (``pre-skip``)."""
MAX_PACKET_SAMPLES: Final = 5760
"""120 ms, the longest that one packet can hold."""
_HEAD: Final = b"OpusHead"
_TAGS: Final = b"OpusTags"
_FOREIGN_CONTAINERS: Final = {
    b"RIFF": "WAV",
    b"\x1aE\xdf\xa3": "WebM",
    b"caff": "CAF",
    b"fLaC": "FLAC",
    b"ID3\x03": "MP3",
    b"ID3\x04": "MP3",
}


def _codec(mode: Literal["r", "w"], sample_rate: int = OPUS_RATE_HZ) -> Any:
    try:
        import av  # noqa: PLC0415 - optional
    except ImportError as exc:
        raise missing_dependency("av", "audio") from exc
    context: Any = av.CodecContext.create("libopus", mode)
    context.sample_rate = sample_rate
    context.layout = "mono"
    if mode == "w":
        context.format = "s16"
    return context


def _refused(reason: str) -> Exception:
    return error(
        ErrorCode.INVALID_AUDIO_INPUT,
        f"This is not mono Opus: {reason}.",
        hint="Send one Ogg Opus stream a round, cut anywhere, or bare Opus packets, one a call.",
    )


class OpusPacketDecoder:
    """Bare Opus packets to PCM. Damaged packets are refused and leave the decoder usable."""

    def __init__(self) -> None:
        self._context = _codec("r")

    def decode(self, packet: bytes) -> bytes:
        """PCM (signed 16-bit little endian, mono, 48 kHz) of one packet; ``AvatarError`` (``invalidAudioInput``)
        for an empty, foreign or damaged one."""
        import av  # noqa: PLC0415 - present, or the constructor had failed

        if not packet:
            raise _refused("an empty packet")
        if name := foreign_container(packet):
            raise _refused(f"it is a {name} file")
        try:
            frames = self._context.decode(av.Packet(packet))
        except (av.FFmpegError, ValueError) as exc:
            raise _refused("a damaged packet") from exc
        chunks: list[npt.NDArray[np.int16]] = [frame.to_ndarray().reshape(-1) for frame in frames]
        pcm = np.concatenate(chunks) if chunks else np.zeros(0, np.int16)
        return pcm.astype("<i2").tobytes()


class OggOpusDecoder:
    """One Ogg Opus stream, cut anywhere, to PCM with no delay beyond the page.

    What the encoder put before and behind the sound is cut off, by pre-skip and by the last page's position
    (RFC 7845 section 4): the PCM is as long as what was encoded.
    """

    def __init__(self) -> None:
        self._reader = OggReader()
        self._packets: OpusPacketDecoder | None = None
        self._tags_seen = False
        self._start = b""
        self._pre_skip = 0
        self._decoded = 0
        self._origin: int | None = None
        """Position at which the stream begins: above zero where it was cut out of a longer one."""

    def decode(self, data: bytes) -> bytes:
        """PCM (signed 16-bit little endian, mono, 48 kHz) that ``data`` completes.

        ``AvatarError`` (``invalidAudioInput``) when it is another container, not Opus, not mono, or damaged.
        """
        if len(self._start) < 12:
            self._start += data[: 12 - len(self._start)]
            if name := foreign_container(self._start):
                raise _refused(f"it is a {name} file")
        try:
            pages = self._reader.pages(data)
        except OggError as exc:
            raise _refused(str(exc)) from exc
        return b"".join(map(self._page, pages))

    def _page(self, page: OggPage) -> bytes:
        pcm = b"".join(map(self._packet, page.packets))
        first, count = self._decoded, len(pcm) // 2
        self._decoded += count
        if self._origin is None and count:
            self._origin = 0 if page.is_last else max(0, page.granule - count)
        begin = min(max(self._pre_skip - first, 0), count)
        end = count
        if page.is_last and page.granule >= 0:
            end = min(max(page.granule - (self._origin or 0) - first, begin), count)
        return pcm[2 * begin : 2 * end]

    def _packet(self, packet: bytes) -> bytes:
        if self._packets is None:
            self._pre_skip = _pre_skip(packet)
            self._packets = OpusPacketDecoder()
            return b""
        if not self._tags_seen:
            if not packet.startswith(_TAGS):
                raise _refused("the comment header is missing")
            self._tags_seen = True
            return b""
        return self._packets.decode(packet) if packet else b""


def _pre_skip(head: bytes) -> int:
    if len(head) < 19 or not head.startswith(_HEAD) or head[8] & 0xF0:
        raise _refused("the stream does not start with an Opus header")
    if head[9] != 1:
        raise _refused(f"it has {head[9]} channels")
    return int(struct.unpack_from("<H", head, 10)[0])


def foreign_container(start: bytes) -> str | None:
    """Name of the container that these first bytes announce, if it is one that we refuse."""
    if len(start) >= 8 and start[4:8] == b"ftyp":
        return "MP4"
    return next((name for magic, name in _FOREIGN_CONTAINERS.items() if start.startswith(magic)), None)


class OggOpusEncoder:
    """PCM to one Ogg Opus stream, a page for each frame, ready to send as it comes.

    Args:
        sample_rate: Hertz of the PCM; one of :data:`ENCODER_RATES_HZ`.
        bitrate: Bits a second, 500 to 512,000.
        frame_ms: Length of a frame, one of :data:`ENCODER_FRAMES_MS`: the delay that encoding adds.
        application: ``voip`` favours speech, ``audio`` everything else.
        serial: Number of the Ogg stream.

    Raises:
        AvatarError: ``invalidAudioInput`` for a rate, bitrate or frame length outside these;
            ``missingDependency`` without PyAV.
    """

    def __init__(
        self,
        *,
        sample_rate: int = OPUS_RATE_HZ,
        bitrate: int = 48_000,
        frame_ms: int = 20,
        application: Literal["voip", "audio"] = "voip",
        serial: int = 1,
    ) -> None:
        if sample_rate not in ENCODER_RATES_HZ:
            raise _unusable(f"PCM at {sample_rate} Hz cannot be encoded, only at {ENCODER_RATES_HZ}")
        if not 500 <= bitrate <= 512_000:
            raise _unusable(f"an Opus bitrate of {bitrate} is outside 500..512000")
        if frame_ms not in ENCODER_FRAMES_MS:
            raise _unusable(f"an Opus frame of {frame_ms} ms is none of {ENCODER_FRAMES_MS}")
        self._sample_rate = sample_rate
        self._frame_bytes = sample_rate * frame_ms // 1000 * 2
        self._context = _codec("w", sample_rate)
        self._context.bit_rate = bitrate
        self._context.options = {"frame_duration": str(frame_ms), "application": application}
        self._context.open()
        self._writer = OggWriter(serial)
        self._pending = bytearray()
        self._granule = 0
        self._granule_step = OPUS_RATE_HZ * frame_ms // 1000
        self._given_bytes = 0
        self._started = False

    def encode(self, pcm: bytes) -> bytes:
        """Pages for the whole frames of ``pcm`` (signed 16-bit little endian, mono, cut anywhere) so far."""
        self._pending += pcm
        self._given_bytes += len(pcm)
        pages = self._headers()
        while len(self._pending) >= self._frame_bytes:
            pages += b"".join(map(self._page, self._packets(bytes(self._pending[: self._frame_bytes]))))
            del self._pending[: self._frame_bytes]
        return pages

    def finish(self) -> bytes:
        """The rest, padded with silence, and the page that ends the stream. The encoder is spent afterwards."""
        packets = []
        if self._pending:
            packets += self._packets(bytes(self._pending).ljust(self._frame_bytes, b"\0"))
            self._pending.clear()
        packets += [bytes(packet) for packet in self._context.encode(None)]
        pages = self._headers() + b"".join(map(self._page, packets[:-1]))
        # The granule of the last page cuts the padding off again.
        last = packets[-1] if packets else b""
        given = self._given_bytes // 2 * OPUS_RATE_HZ // self._sample_rate
        return pages + self._writer.page(last, given + ENCODER_DELAY_SAMPLES, last=True)

    def _headers(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        head = struct.pack("<8sBBHIhB", _HEAD, 1, 1, ENCODER_DELAY_SAMPLES, self._sample_rate, 0, 0)
        vendor = b"AvatarKit"
        tags = _TAGS + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
        return self._writer.page(head, 0) + self._writer.page(tags, 0)

    def _packets(self, pcm: bytes) -> list[bytes]:
        import av  # noqa: PLC0415 - present, or the constructor had failed

        samples = np.frombuffer(pcm, "<i2").astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = self._sample_rate
        return [bytes(packet) for packet in self._context.encode(frame)]

    def _page(self, packet: bytes) -> bytes:
        self._granule += self._granule_step
        return self._writer.page(packet, self._granule)


def _unusable(reason: str) -> Exception:
    return error(ErrorCode.INVALID_AUDIO_INPUT, f"{reason[0].upper()}{reason[1:]}.")
