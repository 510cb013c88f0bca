"""The relay's own wire: binary WebSocket messages of one packet each.

::

    1 byte   kind: 1 audio, 2 motion, 3 event, 4 failure
    1 byte   flags: bit 0 = the last of its kind in this round
    1 byte   length of the round's id
    n bytes  the round's id, ASCII
    rest     body: audio bytes, one raw motion message, or a JSON object

Motion bodies are passed on untouched: only the server that made them and the renderer that shows them look inside.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

HEADER_BYTES: Final = 3
MAX_BODY_BYTES: Final = 1024 * 1024
_LAST: Final = 1


class Kind(IntEnum):
    """What a packet holds."""

    AUDIO = 1
    MOTION = 2
    EVENT = 3
    FAILURE = 4


@dataclass(frozen=True, slots=True)
class Packet:
    """One message to the client."""

    kind: Kind
    round_id: str
    body: bytes
    last: bool = False

    def to_bytes(self) -> bytes:
        """The bytes on the wire. ``ValueError`` for an id of more than 255 ASCII characters or too large a body."""
        name = self.round_id.encode("ascii")
        if len(name) > 255 or len(self.body) > MAX_BODY_BYTES:
            raise ValueError("the packet is too large")
        return bytes((self.kind, _LAST if self.last else 0, len(name))) + name + self.body

    @classmethod
    def from_bytes(cls, data: bytes) -> Packet:
        """Read a packet. ``ValueError`` for anything else."""
        if len(data) < HEADER_BYTES or len(data) < HEADER_BYTES + data[2]:
            raise ValueError("the packet is cut short")
        start = HEADER_BYTES + data[2]
        if len(data) - start > MAX_BODY_BYTES:
            raise ValueError("the packet is too large")
        return cls(Kind(data[0]), data[HEADER_BYTES:start].decode("ascii"), data[start:], bool(data[1] & _LAST))

    def json(self) -> dict[str, Any]:
        """The body of an event or failure. ``ValueError`` if it is no JSON object."""
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError("the body is no JSON object")
        return value


def event(name: str, round_id: str = "", **more: Any) -> Packet:
    """A packet that tells the client something."""
    return Packet(Kind.EVENT, round_id, json.dumps({"event": name, **more}).encode())


def failure(code: str, message: str, *, retryable: bool) -> Packet:
    """A packet that tells the client what went wrong."""
    body = {"code": code, "message": message, "retryable": retryable}
    return Packet(Kind.FAILURE, "", json.dumps(body).encode())
