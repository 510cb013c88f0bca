"""Motion on the wire: a run of consecutive frames as two byte strings, 64 bytes a frame."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.protocol.errors import InvalidFieldError, UnsupportedVersionError
from avatarkit.protocol.limits import MAX_CHUNK_FRAMES

MOTION_VERSION: Final = 1
"""The newest format that this reader knows, and the one it writes."""

WEIGHT_BYTES_PER_FRAME: Final = 52
"""One uint8 for each ARKit shape; weight = value / 255."""

HEAD_BYTES_PER_FRAME: Final = 12
"""Six int16, little endian: pitch, yaw, roll in 1/8192 rad, then x, y, z in 0.1 mm."""

_MAX_FRAME_RATE: Final = 240.0
_MAX_FRAME_NUMBER: Final = 2**32 - 1


@dataclass(frozen=True, slots=True)
class MotionChunk:
    """Consecutive motion frames of one request, still quantised.

    Raises:
        InvalidFieldError: The byte strings have different frame counts or are not whole frames, there are
            more than 15,000 frames or none, or the frame rate is not in (0, 240].
    """

    first_frame: int
    """Number of the first frame; frame ``i`` covers its request's audio from ``i / frame_rate`` seconds."""
    weights: bytes
    """``frame_count`` x 52 uint8, ARKit order."""
    head: bytes
    """``frame_count`` x 6 int16, little endian."""
    frame_rate: float = 25.0
    """Frames a second."""

    def __post_init__(self) -> None:
        count, rest = divmod(len(self.weights), WEIGHT_BYTES_PER_FRAME)
        if rest or len(self.head) != count * HEAD_BYTES_PER_FRAME:
            raise InvalidFieldError(
                f"motion of {len(self.weights)} weight bytes and {len(self.head)} head bytes is not whole frames"
            )
        if not 1 <= count <= MAX_CHUNK_FRAMES:
            raise InvalidFieldError(f"motion holds {count} frames, not 1..{MAX_CHUNK_FRAMES}")
        if not 0 <= self.first_frame <= _MAX_FRAME_NUMBER - count:
            raise InvalidFieldError(f"first frame {self.first_frame} is out of range")
        if not (math.isfinite(self.frame_rate) and 0.0 < self.frame_rate <= _MAX_FRAME_RATE):
            raise InvalidFieldError(f"frame rate {self.frame_rate} is out of range")

    @property
    def frame_count(self) -> int:
        """Frames in the chunk; at least one."""
        return len(self.weights) // WEIGHT_BYTES_PER_FRAME


def chunk_to_message(chunk: MotionChunk) -> pb.MotionChunk:
    """The protobuf message of a chunk."""
    message = pb.MotionChunk()
    write_chunk(chunk, message)
    return message


def write_chunk(chunk: MotionChunk, message: pb.MotionChunk) -> None:
    """Fill an empty protobuf message: in place, inside another, it takes half the time of making and copying one."""
    message.version = MOTION_VERSION
    message.frame_rate = chunk.frame_rate
    message.first_frame = chunk.first_frame
    message.frame_count = chunk.frame_count
    message.weights = chunk.weights
    message.head = chunk.head


def chunk_from_message(message: pb.MotionChunk) -> MotionChunk:
    """Check a received chunk.

    Raises:
        UnsupportedVersionError: It is of a newer format.
        InvalidFieldError: Version 0, lengths that do not fit the frame count, or a field out of range.
    """
    if message.version > MOTION_VERSION:
        raise UnsupportedVersionError(message.version, MOTION_VERSION)
    if message.version == 0:
        raise InvalidFieldError("motion without a format version")
    if len(message.weights) != message.frame_count * WEIGHT_BYTES_PER_FRAME:
        raise InvalidFieldError(f"{len(message.weights)} weight bytes do not make {message.frame_count} frames")
    return MotionChunk(
        first_frame=message.first_frame,
        weights=message.weights,
        head=message.head,
        frame_rate=message.frame_rate,
    )
