"""WebSocket frames (RFC 6455), the server's side after the handshake, without I/O: bytes in, messages out.

The handshake is the web server's. What follows it is this small, because at five thousand messages a second the
general machinery costs more than making the motion does. No extension is negotiated.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without compiled wheels
    from websockets.utils import apply_mask

MAX_REASON_BYTES: Final = 123
"""Longest text of a close frame."""

_CONTINUATION: Final = 0
_FIN: Final = 0x80
_RESERVED: Final = 0x70
_MASKED: Final = 0x80
_WHOLE_BINARY: Final = 0x82
_MAX_CONTROL_BYTES: Final = 125


class Opcode(IntEnum):
    """What a message is."""

    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class Received(NamedTuple):
    """A whole message of the client; fragments are joined."""

    opcode: Opcode
    data: bytes


class FrameError(Exception):
    """The client broke the rules of the frame layer: close with ``code``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class FrameReader:
    """Takes bytes, cut anywhere, and gives whole messages.

    Args:
        max_bytes: Longest message; memory is bounded by it.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self.frames = 0
        """How many were read so far: of any kind, fragments and empty ones too."""
        self._rest = bytearray()
        self._needed = 0
        self._opcode: Opcode | None = None
        self._parts: bytearray | None = None

    def receive(self, data: bytes) -> list[Received]:
        """Messages that ``data`` completes.

        Raises:
            FrameError: 1002 for a frame that clients may not send, 1009 for a message over the limit. Nothing that
                follows can be read; messages before it in the same call are lost.
        """
        if not self._rest and self._parts is None and (whole := self._whole(data)) is not None:
            self.frames += 1
            return [whole]
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return []
            data = bytes(self._rest)
            self._rest = bytearray()
        messages: list[Received] = []
        position, end = 0, len(data)
        while position < end:
            head_bytes, length = self._head(data, position)
            self._needed = head_bytes + length
            if head_bytes == 0 or end - position < self._needed:
                self._needed = self._needed or _head_bytes(data, position)
                self._rest += memoryview(data)[position:]
                break
            body = position + head_bytes
            payload = apply_mask(data[body : body + length], data[body - 4 : body])
            message = self._take(data[position], payload)
            if message is not None:
                messages.append(message)
            position = body + length
            self.frames += 1
        return messages

    def _whole(self, data: bytes) -> Received | None:
        """The usual case, without a general parse: one binary message in one frame of less than 64 KiB, no more."""
        size = len(data)
        if size < 8 or data[0] != _WHOLE_BINARY or data[1] < _MASKED:
            return None
        length, body = data[1] & 0x7F, 6
        if length >= 126:
            length, body = (data[2] << 8) | data[3], 8 if length == 126 else 14
        if body == 14 or size != body + length or length > self._max_bytes:
            return None
        return Received(Opcode.BINARY, apply_mask(data[body:], data[body - 4 : body]))

    def _head(self, data: bytes, position: int) -> tuple[int, int]:
        """Sizes of the frame's head and body; (0, 0) while the head is incomplete."""
        if len(data) - position < 2:
            return 0, 0
        first, second = data[position], data[position + 1]
        if first & _RESERVED:
            raise FrameError(1002, "reserved bits are set")
        if not second & _MASKED:
            raise FrameError(1002, "the frame is not masked")
        length = second & 0x7F
        if first & 0x08 and (length > _MAX_CONTROL_BYTES or not first & _FIN):
            raise FrameError(1002, "a control frame is long or fragmented")
        head_bytes = _head_bytes(data, position)
        if len(data) - position < head_bytes:
            return 0, 0
        if length == 126:
            (length,) = struct.unpack_from(">H", data, position + 2)
        elif length == 127:
            (length,) = struct.unpack_from(">Q", data, position + 2)
        if length + (0 if self._parts is None else len(self._parts)) > self._max_bytes:
            raise FrameError(1009, f"message over the limit of {self._max_bytes} bytes")
        return head_bytes, length

    def _take(self, first: int, payload: bytes) -> Received | None:
        code = first & 0x0F
        if code >= 8:
            return Received(_opcode(code), payload)
        if code != _CONTINUATION:
            if self._parts is not None:
                raise FrameError(1002, "a message begins inside another")
            opcode = _opcode(code)
            if first & _FIN:
                return Received(opcode, payload)
            self._opcode, self._parts = opcode, bytearray(payload)
            return None
        if self._parts is None or self._opcode is None:
            raise FrameError(1002, "a continuation of nothing")
        self._parts += payload
        if not first & _FIN:
            return None
        message = Received(self._opcode, bytes(self._parts))
        self._parts = None
        return message


def binary_frame(payload: bytes) -> bytes:
    """A whole binary message for the client."""
    return _frame(Opcode.BINARY, payload)


def ping_frame(payload: bytes) -> bytes:
    """A ping; the client answers with the same bytes, at most 125."""
    return _frame(Opcode.PING, payload)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a ping."""
    return _frame(Opcode.PONG, payload)


def close_frame(code: int, reason: str = "") -> bytes:
    """The last frame; 1005 stands for no code at all. Reasons over 123 bytes are cut."""
    if code == 1005:
        return _frame(Opcode.CLOSE, b"")
    text = reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore").encode()
    return _frame(Opcode.CLOSE, struct.pack(">H", code) + text)


def close_code_of(payload: bytes) -> int:
    """Code in the client's close frame; 1005 when it gave none.

    Raises:
        FrameError: 1002 for half a code or one that may not be sent.
    """
    if not payload:
        return 1005
    code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 0
    if not (1000 <= code < 5000) or code in (1004, 1005, 1006) or 1015 <= code < 3000:
        raise FrameError(1002, "an invalid close code")
    return code


def _frame(opcode: Opcode, payload: bytes) -> bytes:
    first, length = _FIN | opcode, len(payload)
    if length < 126:
        return bytes((first, length)) + payload
    if length < 65_536:
        return struct.pack(">BBH", first, 126, length) + payload
    return struct.pack(">BBQ", first, 127, length) + payload


def _head_bytes(data: bytes, position: int) -> int:
    """Size of a frame's head as far as its first two bytes tell."""
    if len(data) - position < 2:
        return 2
    length = data[position + 1] & 0x7F
    return 8 if length == 126 else 14 if length == 127 else 6


def _opcode(code: int) -> Opcode:
    try:
        return Opcode(code)
    except ValueError:
        raise FrameError(1002, "an unknown opcode") from None
