"""Streaming resampling: what comes out is right, whole and the same however the input is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.audio.resample import TARGET_HZ, Resampler
from avatarkit.types import SAMPLE_RATES_HZ


def tone(rate: int, hertz: float, seconds: float = 0.5, level: float = 0.5) -> bytes:
    t = np.arange(int(rate * seconds)) / rate
    return np.rint(level * 32767 * np.sin(2 * np.pi * hertz * t)).astype("<i2").tobytes()


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples[400:-100]))))


@pytest.mark.parametrize("rate", SAMPLE_RATES_HZ)
def test_a_tone_keeps_its_shape(rate: int) -> None:
    resampler = Resampler(rate)
    out = resampler.push(tone(rate, 1000.0))
    t = np.arange(len(out)) / TARGET_HZ - resampler.delay_s
    assert out.dtype == np.float32
    assert np.abs(out - 0.5 * np.sin(2 * np.pi * 1000.0 * t))[100:].max() < 2e-3


@pytest.mark.parametrize("rate", [r for r in SAMPLE_RATES_HZ if r > TARGET_HZ])
def test_what_16_khz_cannot_hold_is_removed(rate: int) -> None:
    assert rms(Resampler(rate).push(tone(rate, 10_000.0))) < 0.01 * rms(Resampler(rate).push(tone(rate, 1000.0)))


@pytest.mark.parametrize("rate", SAMPLE_RATES_HZ)
def test_output_keeps_pace_with_input_and_lags_a_millisecond_at_most(rate: int) -> None:
    resampler = Resampler(rate)
    given_samples = got = 0
    for size in (2, 20, 300, 882, 1764, 4000):
        got += len(resampler.push(bytes(size)))
        given_samples += size // 2
        assert 0 <= got - given_samples * TARGET_HZ / rate < 1
    assert resampler.delay_s <= 0.001


@pytest.mark.parametrize("rate", SAMPLE_RATES_HZ)
def test_a_constant_stays_that_constant(rate: int) -> None:
    out = Resampler(rate).push(np.full(rate // 4, 1234, "<i2").tobytes())
    assert np.abs(out[100:] - 1234 / 32768).max() < 1e-7


@pytest.mark.parametrize("rate", SAMPLE_RATES_HZ)
def test_flushing_gives_the_click_at_the_very_end(rate: int) -> None:
    samples = np.zeros(rate // 10, "<i2")
    samples[-1] = 20_000
    resampler = Resampler(rate)
    body, tail = resampler.push(samples.tobytes()), resampler.flush()
    energy = float(np.sum(np.square(tail))) if rate != TARGET_HZ else float(np.sum(np.square(body)))
    assert energy > 0.005


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(SAMPLE_RATES_HZ), st.binary(max_size=6000), st.lists(st.integers(0, 700), max_size=30))
def test_any_cut_of_any_bytes_gives_the_same_bits(rate: int, pcm: bytes, sizes: list[int]) -> None:
    whole = Resampler(rate)
    expected = np.concatenate([whole.push(pcm), whole.flush()])
    cut = Resampler(rate)
    parts, at = [], 0
    for size in [*sizes, len(pcm)]:
        parts.append(cut.push(pcm[at : at + size]))
        at = min(len(pcm), at + size)
    assert np.array_equal(np.concatenate([*parts, cut.flush()]), expected)
    assert np.all(np.isfinite(expected))


@pytest.mark.parametrize("rate", [0, -16000, 11025, 96000])
def test_other_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="sample_rate must be one of"):
        Resampler(rate)
