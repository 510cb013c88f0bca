"""Ogg Opus cut anywhere decodes to the same sound, and nothing else is taken for it."""

from __future__ import annotations

import io
import random

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.audio.ogg import OggError, OggReader, OggWriter
from avatarkit.audio.opus import OggOpusDecoder, OggOpusEncoder, OpusPacketDecoder
from avatarkit.errors import AvatarError, ErrorCode


def tone(seconds: float) -> bytes:
    t = np.arange(round(48000 * seconds)) / 48000
    return (np.sin(2 * np.pi * 440 * t) * 12000).astype("<i2").tobytes()


def encoded(pcm: bytes) -> bytes:
    encoder = OggOpusEncoder()
    return encoder.encode(pcm) + encoder.finish()


STREAM = encoded(tone(0.5))
WHOLE = OggOpusDecoder().decode(STREAM)


def test_what_we_encode_decodes_to_the_same_tone() -> None:
    sent = np.frombuffer(tone(0.5), "<i2").astype(float)
    heard = np.frombuffer(WHOLE, "<i2").astype(float)
    assert len(heard) == len(sent)
    middle = slice(4800, -4800)
    assert np.corrcoef(sent[middle], heard[middle])[0, 1] > 0.98


def test_ffmpeg_reads_what_we_encode_and_we_read_what_ffmpeg_encodes() -> None:
    with av.open(io.BytesIO(STREAM)) as container:
        assert container.streams.audio[0].codec_context.name == "opus"
        assert sum(frame.samples for frame in container.decode(audio=0)) >= 24000
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.frombuffer(tone(1.0), "<i2").reshape(1, -1), "s16", "mono")
        frame.sample_rate = 48000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert len(OggOpusDecoder().decode(buffer.getvalue())) == 2 * 48000


@pytest.mark.parametrize("rate", [8_000, 12_000, 16_000, 24_000, 48_000])
@pytest.mark.parametrize("frame_ms", [10, 60])
def test_every_rate_and_frame_length_keeps_the_length_of_the_speech(rate: int, frame_ms: int) -> None:
    encoder = OggOpusEncoder(sample_rate=rate, frame_ms=frame_ms)
    t = np.arange(round(rate * 0.777)) / rate
    pcm = (np.sin(2 * np.pi * 440 * t) * 12000).astype("<i2").tobytes()
    data = encoder.encode(pcm[:999]) + encoder.encode(pcm[999:]) + encoder.finish()
    with av.open(io.BytesIO(data)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    # FFmpeg cuts by the last page's granule, so a wrong one shows as a wrong length.
    assert samples == pytest.approx(0.777 * 48000, abs=2)
    assert len(OggOpusDecoder().decode(data)) // 2 == samples


def test_a_stream_cut_out_of_a_longer_one_ends_where_its_last_page_says() -> None:
    whole = OggReader().pages(STREAM)
    writer, origin = OggWriter(1), 1_000_000
    head, tags, *audio = whole
    moved = writer.page(head.packets[0], 0) + writer.page(tags.packets[0], 0)
    for page in audio:
        moved += writer.page(page.packets[0], origin + page.granule, last=page.is_last)
    assert OggOpusDecoder().decode(moved) == WHOLE


@pytest.mark.parametrize("granule", [0, -1, 2**62])
def test_a_last_page_with_a_wrong_position_cuts_no_more_than_itself(granule: int) -> None:
    head, tags, *audio = OggReader().pages(STREAM)
    writer = OggWriter(1)
    wrong = writer.page(head.packets[0], 0) + writer.page(tags.packets[0], 0)
    for page in audio:
        wrong += writer.page(page.packets[0], granule if page.is_last else page.granule, last=page.is_last)
    heard = OggOpusDecoder().decode(wrong)
    assert abs(len(heard) - len(WHOLE)) <= 2 * 960
    assert heard[: 2 * 22_000] == WHOLE[: 2 * 22_000]


@pytest.mark.parametrize("wrong", [{"sample_rate": 44_100}, {"bitrate": 499}, {"frame_ms": 30}])
def test_what_the_encoder_cannot_do_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(AvatarError) as caught:
        OggOpusEncoder(**wrong)  # type: ignore[arg-type]
    assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 7, 400, 5000]))
def test_any_cutting_gives_the_same_sound(seed: int, longest: int) -> None:
    rng = random.Random(seed)
    decoder = OggOpusDecoder()
    heard, position = b"", 0
    while position < len(STREAM):
        step = rng.randint(1, longest)
        heard += decoder.decode(STREAM[position : position + step])
        position += step
    assert heard == WHOLE


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=4000), st.integers(0, len(STREAM) - 1), st.booleans())
def test_damage_is_refused_with_the_error_of_the_catalogue(noise: bytes, at: int, after: bool) -> None:
    data = STREAM[:at] + noise + (STREAM[at:] if after else b"")
    try:
        outcome: bytes | ErrorCode = OggOpusDecoder().decode(data)
    except AvatarError as exc:
        outcome = exc.code
    assert isinstance(outcome, bytes) or outcome is ErrorCode.INVALID_AUDIO_INPUT


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "WAV"),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f", "WebM"),
        (b"\x00\x00\x00\x20ftypM4A ", "MP4"),
        (b"caff\x00\x01\x00\x00desc", "CAF"),
    ],
)
def test_other_containers_are_named(start: bytes, name: str) -> None:
    for decode in (OggOpusDecoder().decode, OpusPacketDecoder().decode):
        with pytest.raises(AvatarError, match=name) as caught:
            decode(start)
        assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT


def test_stereo_is_refused() -> None:
    writer = OggWriter(1)
    with pytest.raises(AvatarError, match="2 channels"):
        OggOpusDecoder().decode(writer.page(b"OpusHead\x01\x02" + bytes(9), 0))


def test_pages_of_two_streams_are_refused() -> None:
    reader = OggReader()
    reader.feed(OggWriter(1).page(b"one", 0))
    with pytest.raises(OggError, match="more than one"):
        reader.feed(OggWriter(2).page(b"two", 0))


@given(st.lists(st.binary(max_size=3000), max_size=8))
def test_packets_survive_pages(packets: list[bytes]) -> None:
    writer, reader = OggWriter(9), OggReader()
    data = b"".join(writer.page(packet, i) for i, packet in enumerate(packets))
    assert [packet for byte in data for packet in reader.feed(bytes([byte]))] == packets
