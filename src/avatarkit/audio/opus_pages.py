"""Bare Opus packets into one Ogg Opus stream (RFC 7845), for a wire that knows no bare packets."""

from __future__ import annotations

import struct
from typing import Final

from avatarkit.audio.ogg import OggWriter
from avatarkit.audio.opus import OPUS_RATE_HZ

_SILK_SAMPLES: Final = (480, 960, 1920, 2880)
_CELT_SAMPLES: Final = (120, 240, 480, 960)


def packet_samples(packet: bytes) -> int:
    """Length of a packet in samples at 48 kHz, by its first bytes (RFC 6716 section 3.1); 0 for an empty one."""
    if not packet:
        return 0
    configuration, count_code = packet[0] >> 3, packet[0] & 3
    if configuration < 12:
        frame = _SILK_SAMPLES[configuration & 3]
    elif configuration < 16:
        frame = (480, 960)[configuration & 1]
    else:
        frame = _CELT_SAMPLES[configuration & 3]
    if count_code < 3:
        return frame * (1, 2, 2)[count_code]
    return frame * (packet[1] & 63) if len(packet) > 1 else 0


class OggOpusPackager:
    """One page for each packet, so that each can be sent the moment it comes."""

    def __init__(self, serial: int = 1) -> None:
        self._writer = OggWriter(serial)
        self._granule = 0
        self._started = False

    def page(self, packet: bytes) -> bytes:
        """The page of a packet, behind the stream's headers when it is the first."""
        headers = self._headers()
        self._granule += packet_samples(packet)
        return headers + self._writer.page(packet, self._granule)

    def finish(self) -> bytes:
        """The page that ends the stream."""
        return self._headers() + self._writer.page(b"", self._granule, last=True)

    def _headers(self) -> bytes:
        if self._started:
            return b""
        self._started = True
        head = struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 0, OPUS_RATE_HZ, 0, 0)
        vendor = b"AvatarKit"
        tags = b"OpusTags" + struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", 0)
        return self._writer.page(head, 0) + self._writer.page(tags, 0)
