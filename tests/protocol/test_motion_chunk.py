from __future__ import annotations

import math

import pytest

from avatarkit.protocol import (
    InvalidFieldError,
    MotionChunk,
    UnsupportedVersionError,
    chunk_from_message,
    chunk_to_message,
)
from avatarkit.protocol import avatarkit_pb2 as pb

CHUNK = MotionChunk(first_frame=7, weights=bytes(range(104)), head=bytes(range(24)))


def test_a_chunk_survives_the_wire() -> None:
    message = pb.MotionChunk.FromString(chunk_to_message(CHUNK).SerializeToString())

    assert chunk_from_message(message) == CHUNK
    assert CHUNK.frame_count == 2


def test_a_newer_format_is_refused_with_both_versions() -> None:
    message = chunk_to_message(CHUNK)
    message.version = 2

    with pytest.raises(UnsupportedVersionError, match="2 is newer than 1"):
        chunk_from_message(message)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 0},
        {"frame_count": 3},
        {"frame_count": 0},
        {"weights": b"\0" * 105},
        {"weights": b""},
        {"head": b"\0" * 23},
        {"head": b""},
        {"frame_rate": 0.0},
        {"frame_rate": -25.0},
        {"frame_rate": math.nan},
        {"frame_rate": math.inf},
        {"first_frame": 2**32 - 1},
    ],
)
def test_fields_that_do_not_fit_are_refused(change: dict[str, object]) -> None:
    message = chunk_to_message(CHUNK)
    for name, value in change.items():
        setattr(message, name, value)

    with pytest.raises(InvalidFieldError):
        chunk_from_message(message)


def test_a_chunk_that_would_not_fit_a_message_is_refused() -> None:
    with pytest.raises(InvalidFieldError, match="15001 frames"):
        MotionChunk(0, b"\0" * 52 * 15001, b"\0" * 12 * 15001)


def test_the_largest_chunk_fits_the_clients_message_limit() -> None:
    largest = MotionChunk(0, b"\0" * 52 * 15000, b"\0" * 12 * 15000)

    assert len(chunk_to_message(largest).SerializeToString()) + 1024 < 1024 * 1024
