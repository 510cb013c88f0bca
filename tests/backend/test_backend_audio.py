"""What goes upstream is what was fed in: whole samples, or one Ogg Opus stream a round."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.audio.opus import OggOpusDecoder
from avatarkit.backend import OggOpusUplink, OpusUplink, PcmUplink
from avatarkit.backend.audio import round_encoder
from avatarkit.errors import AvatarError, ErrorCode


@given(st.lists(st.binary(max_size=9)))
def test_pcm_cut_anywhere_goes_up_as_whole_samples(pieces: list[bytes]) -> None:
    encoder = round_encoder(PcmUplink())
    sent = [encoder.feed(piece, end=False) for piece in pieces] + [encoder.feed(b"", end=True)]
    whole = b"".join(pieces)
    assert all(len(data) % 2 == 0 for data in sent)
    assert b"".join(sent) == whole[: len(whole) & ~1]


@pytest.mark.parametrize("rate", [8_000, 16_000, 24_000, 48_000])
def test_opus_carries_the_same_tone(rate: int) -> None:
    t = np.arange(rate) / rate
    pcm = (np.sin(2 * np.pi * 300 * t) * 12_000).astype("<i2").tobytes()
    encoder = round_encoder(OpusUplink(sample_rate=rate))
    stream = b"".join(encoder.feed(pcm[at : at + 333], end=False) for at in range(0, len(pcm), 333))
    stream += encoder.feed(b"", end=True)
    heard = np.frombuffer(OggOpusDecoder().decode(stream), "<i2").astype(float)
    assert len(stream) < len(pcm) / 2 or rate == 8_000
    spectrum = np.abs(np.fft.rfft(heard[4_800:43_200]))
    assert np.argmax(spectrum) * 48_000 / 38_400 == pytest.approx(300, abs=2)


def test_a_round_without_audio_is_empty_in_every_form() -> None:
    for uplink in (PcmUplink(), OpusUplink(), OggOpusUplink()):
        assert round_encoder(uplink).feed(b"", end=True) == b""


def test_encoded_audio_is_passed_on_untouched_and_checked() -> None:
    encoder = round_encoder(OggOpusUplink())
    assert [encoder.feed(piece, end=False) for piece in (b"Og", b"gSrest")] == [b"Og", b"gSrest"]
    with pytest.raises(AvatarError, match="WAV") as caught:
        round_encoder(OggOpusUplink()).feed(b"RIFF\x24\x00\x00\x00WAVEfmt ", end=False)
    assert caught.value.code is ErrorCode.INVALID_AUDIO_INPUT


@pytest.mark.parametrize("make", [lambda: PcmUplink(11_025), lambda: OpusUplink(44_100)])
def test_rates_that_cannot_work_are_refused_at_once(make: object) -> None:
    with pytest.raises(AvatarError) as caught:
        make()  # type: ignore[operator]
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
