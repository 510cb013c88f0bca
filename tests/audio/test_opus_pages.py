"""Bare packets into a stream that any reader takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from avatarkit.audio.ogg import OggReader
from avatarkit.audio.opus import OggOpusDecoder, OpusPacketDecoder
from avatarkit.audio.opus_pages import OggOpusPackager, packet_samples

MEDIA = Path(__file__).parent.parent / "conformance" / "media"


def packets() -> list[bytes]:
    return [bytes.fromhex(text) for text in json.loads((MEDIA / "packets.json").read_text())]


def test_packets_come_out_again_and_sound_the_same() -> None:
    packager, decoder, bare = OggOpusPackager(), OggOpusDecoder(), OpusPacketDecoder()
    reader = OggReader()
    for packet in packets():
        page = packager.page(packet)
        assert reader.feed(page)[-1] == packet
        assert decoder.decode(page) == bare.decode(packet)
    reader.feed(packager.finish())
    assert reader.ended


@pytest.mark.parametrize(
    ("packet", "samples"),
    [
        (b"", 0),
        (b"\x08", 960),
        (b"\x78", 960),
        (b"\x60", 480),
        (b"\xf8", 960),
        (b"\xf9", 1920),
        (b"\x0b\x03", 2880),
        (b"\x0b", 0),
    ],
)
def test_length_of_a_packet(packet: bytes, samples: int) -> None:
    assert packet_samples(packet) == samples


def test_length_agrees_with_the_decoder() -> None:
    bare = OpusPacketDecoder()
    assert all(len(bare.decode(packet)) == 2 * packet_samples(packet) for packet in packets())
