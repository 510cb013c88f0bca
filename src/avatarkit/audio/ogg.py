"""Ogg pages (RFC 3533) without I/O: bytes cut anywhere in, whole packets out, and back.

One logical stream, as a speech request is. Streaming needs a reader that gives a packet the moment its page
is complete; file libraries want to seek or to buffer a second.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

CAPTURE: Final = b"OggS"
HEADER_BYTES: Final = 27
MAX_PAGE_BYTES: Final = HEADER_BYTES + 255 + 255 * 255
MAX_PACKET_BYTES: Final = 61_440
"""RFC 7845 section 6: no Opus packet that a player must handle is larger."""
_CONTINUED, _FIRST, _LAST = 1, 2, 4


class OggError(ValueError):
    """The bytes are not one well-formed Ogg stream."""


def _crc_table() -> tuple[int, ...]:
    table = []
    for i in range(256):
        value = i << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
        table.append(value)
    return tuple(table)


_CRC_TABLE: Final = _crc_table()


def _crc(page: bytes) -> int:
    """Ogg's checksum: CRC-32, polynomial 0x04C11DB7, not reflected, start 0."""
    value = 0
    for byte in page:
        value = ((value << 8) & 0xFFFFFFFF) ^ _CRC_TABLE[(value >> 24) ^ byte]
    return value


class OggPage(NamedTuple):
    """What a page completes."""

    packets: list[bytes]
    granule: int
    """Position behind the last of the packets, in samples at 48 kHz; -1 when none ends on this page."""
    is_last: bool


class OggReader:
    """Takes bytes of one Ogg stream and gives its packets.

    Memory is bounded by one page and one packet. ``ended`` tells whether the page marked as last was read.
    """

    def __init__(self) -> None:
        self.ended = False
        self._buffer = bytearray()
        self._partial = bytearray()
        self._serial: int | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Packets completed by ``data``; see :meth:`pages`."""
        return [packet for page in self.pages(data) for packet in page.packets]

    def pages(self, data: bytes) -> list[OggPage]:
        """Pages completed by ``data``. Raises :class:`OggError` for what is not Ogg, a wrong checksum, a second
        stream, or a packet of more than :data:`MAX_PACKET_BYTES`."""
        self._buffer += data
        pages: list[OggPage] = []
        while (page := self._next_page()) is not None:
            pages.append(self._read(page))
        return pages

    def _next_page(self) -> bytes | None:
        head = bytes(self._buffer[:4])
        if head != CAPTURE[: len(head)]:
            raise OggError("not an Ogg page")
        if len(self._buffer) < HEADER_BYTES:
            return None
        segments = self._buffer[26]
        if len(self._buffer) < HEADER_BYTES + segments:
            return None
        size = HEADER_BYTES + segments + sum(self._buffer[HEADER_BYTES : HEADER_BYTES + segments])
        if len(self._buffer) < size:
            return None
        page = bytes(self._buffer[:size])
        del self._buffer[:size]
        return page

    def _read(self, page: bytes) -> OggPage:
        version, flags = page[4], page[5]
        granule, serial, _, checksum = struct.unpack_from("<qIII", page, 6)
        if version != 0 or _crc(page[:22] + b"\0\0\0\0" + page[26:]) != checksum:
            raise OggError("damaged Ogg page")
        if self._serial is None:
            self._serial = serial
        elif serial != self._serial or flags & _FIRST:
            raise OggError("more than one stream")
        if not flags & _CONTINUED:
            self._partial.clear()
        self.ended = bool(flags & _LAST)
        lacing = page[HEADER_BYTES : HEADER_BYTES + page[26]]
        return OggPage(self._cut(lacing, page[HEADER_BYTES + page[26] :]), granule, self.ended)

    def _cut(self, lacing: bytes, body: bytes) -> list[bytes]:
        packets: list[bytes] = []
        position = 0
        for length in lacing:
            self._partial += body[position : position + length]
            position += length
            if len(self._partial) > MAX_PACKET_BYTES:
                raise OggError("packet too large")
            if length < 255:
                packets.append(bytes(self._partial))
                self._partial.clear()
        return packets


class OggWriter:
    """Puts packets into pages, one packet a page, so that each can be sent the moment it exists."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._sequence = 0

    def page(self, packet: bytes, granule: int, *, last: bool = False) -> bytes:
        """A page that holds ``packet``; ``granule`` is the position after it in 48 kHz samples.

        An empty packet with ``last`` ends the stream. ``ValueError`` when the packet does not fit one page.
        """
        lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
        if len(lacing) > 255:
            raise ValueError("packet does not fit one page")
        flags = (_FIRST if self._sequence == 0 else 0) | (_LAST if last else 0)
        header = struct.pack("<4sBBqIIIB", CAPTURE, 0, flags, granule, self._serial, self._sequence, 0, len(lacing))
        self._sequence += 1
        page = header + lacing + packet
        return page[:22] + struct.pack("<I", _crc(page)) + page[26:]
