"""WebSocket frames as clients send them, well and badly."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.server.ingress.framing import (
    FrameError,
    FrameReader,
    Opcode,
    binary_frame,
    close_code_of,
    close_frame,
)

MASK = b"\x12\x34\x56\x78"


def frame(
    payload: bytes, opcode: int = 2, *, fin: bool = True, mask: bytes | None = MASK, reserved: int = 0
) -> bytes:
    first, flag = (0x80 if fin else 0) | reserved | opcode, 0x80 if mask is not None else 0
    if len(payload) < 126:
        head = bytes((first, flag | len(payload)))
    elif len(payload) < 65536:
        head = struct.pack(">BBH", first, flag | 126, len(payload))
    else:
        head = struct.pack(">BBQ", first, flag | 127, len(payload))
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_message_of_each_head_is_read(size: int) -> None:
    payload = bytes(i % 251 for i in range(size))

    assert FrameReader(1 << 20).receive(frame(payload)) == [(Opcode.BINARY, payload)]


@given(st.lists(st.tuples(st.sampled_from([1, 2, 9, 10]), st.binary(max_size=120)), max_size=8), st.data())
def test_where_the_bytes_are_cut_makes_no_difference(messages: list[tuple[int, bytes]], data: st.DataObject) -> None:
    stream = b"".join(frame(payload, opcode) for opcode, payload in messages)
    reader, received = FrameReader(1000), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        received += reader.receive(stream[:size])
        stream = stream[size:]

    assert received == messages


def test_fragments_are_joined_around_a_ping() -> None:
    stream = frame(b"ab", 1, fin=False) + frame(b"?", 9) + frame(b"", 0, fin=False) + frame(b"cd", 0)

    assert FrameReader(100).receive(stream) == [(Opcode.PING, b"?"), (Opcode.TEXT, b"abcd")]


@pytest.mark.parametrize(
    "stream",
    [
        frame(b"x", mask=None),
        frame(b"x", reserved=0x40),
        frame(b"x", 3),
        frame(b"x", 11),
        frame(b"x", 9, fin=False),
        frame(b"x" * 126, 9),
        frame(b"x", 0),
        frame(b"x", 2, fin=False) + frame(b"y", 2),
    ],
    ids=["unmasked", "reserved", "opcode", "control", "split ping", "long ping", "continuation", "nested"],
)
def test_what_clients_may_not_send_is_refused(stream: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        FrameReader(1000).receive(stream)
    assert caught.value.code == 1002


@pytest.mark.parametrize("stream", [frame(b"x" * 101)[:8], frame(b"x" * 60, 2, fin=False) + frame(b"x" * 60, 0)[:8]])
def test_a_message_over_the_limit_is_refused_by_its_head(stream: bytes) -> None:
    with pytest.raises(FrameError) as caught:
        FrameReader(100).receive(stream)
    assert caught.value.code == 1009


@given(st.lists(st.binary(max_size=64), max_size=10))
def test_garbage_is_refused_or_read_and_never_crashes(pieces: list[bytes]) -> None:
    reader = FrameReader(256)
    try:
        for piece in pieces:
            assert all(len(message.data) <= 256 for message in reader.receive(piece))
    except FrameError as refused:
        assert refused.code in (1002, 1009)  # noqa: PT017 - it need not be refused


@pytest.mark.parametrize(("payload", "code"), [(b"", 1005), (b"\x03\xe8", 1000), (b"\x0f\xa1why", 4001)])
def test_the_clients_close_code(payload: bytes, code: int) -> None:
    assert close_code_of(payload) == code


@pytest.mark.parametrize("payload", [b"\x03", b"\x03\xed", b"\x03\xee", b"\x00\x00", b"\x04\x00", b"\xff\xff"])
def test_close_codes_that_may_not_be_sent(payload: bytes) -> None:
    with pytest.raises(FrameError):
        close_code_of(payload)


def test_what_the_server_sends_is_not_masked_and_has_the_shortest_head() -> None:
    assert binary_frame(b"ab") == b"\x82\x02ab"
    assert binary_frame(b"x" * 300)[:4] == b"\x82\x7e\x01\x2c"
    assert binary_frame(b"x" * 70000)[:10] == b"\x82\x7f" + (70000).to_bytes(8, "big")


def test_a_reason_is_cut_to_what_fits_and_stays_utf8() -> None:
    closed = close_frame(4001, "é" * 100)

    assert closed[1] <= 125
    assert closed[4:].decode() == "é" * 61
    assert close_frame(1005) == b"\x88\x00"
