"""What is heard in columns, against the same computed plainly in double precision."""

from __future__ import annotations

import numpy as np
import pytest

from avatarkit.motion.hearing import analyse, columns_of
from avatarkit.motion.kernels.fourier import LANES, PLACE, SIZE, transform
from avatarkit.motion.melspec import BLOCK_SAMPLES, bands


def noise(count: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(count) * 0.1).astype(np.float32)


def plainly(samples: np.ndarray, start: int) -> np.ndarray:
    block = samples[start : start + BLOCK_SAMPLES].astype(float)
    block -= block.mean()
    weights, firsts, starts = bands()
    features = []
    for first in (0, 160):
        power = np.abs(np.fft.rfft(block[first : first + 400] * np.hanning(401)[:400], SIZE)) ** 2
        for band, low in enumerate(firsts):
            of_band = weights[starts[band] : starts[band + 1]]
            features.append(np.log(power[low : low + len(of_band)] @ of_band + 1e-6))
    return np.array(features)


def test_sixteen_transforms_at_once_are_each_that_of_its_own_lane() -> None:
    rng = np.random.default_rng(1)
    values = rng.standard_normal((LANES, SIZE)) + 1j * rng.standard_normal((LANES, SIZE))
    re, im = (np.ascontiguousarray(part.T, np.float32).ravel() for part in (values.real, values.imag))
    transform(re, im)
    found = (re + 1j * im).reshape(SIZE, LANES)[PLACE].T
    assert np.abs(found - np.fft.fft(values, axis=1)).max() < 1e-4


def test_features_are_logarithms_of_mel_energies() -> None:
    samples = noise(12_000)
    starts = np.arange(35) * 320
    heard = analyse(samples, starts)
    wanted = np.stack([plainly(samples, start) for start in starts])
    assert np.abs(heard.features - wanted).max() < 1e-4
    energy = np.exp(wanted).sum(axis=1) / 2.0
    assert np.allclose(heard.prosody[:, 0], 10.0 * np.log10(energy / 36000.0 + 1e-9), atol=1e-3)


@pytest.mark.parametrize("hertz", [90.0, 143.0, 220.0, 350.0])
def test_pitch_is_that_of_a_tone_and_only_where_it_is_asked_for(hertz: float) -> None:
    t = np.arange(16_000) / 16_000
    tone = sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, 6)).astype(np.float32) * 0.2
    wanted = np.arange(40) % 2 == 1
    heard = analyse(tone, np.arange(40) * 320, wanted)
    assert np.abs(heard.prosody[wanted, 1] - np.log2(hertz)).max() < 0.05
    assert heard.prosody[wanted, 2].min() > 0.5  # what counts as voiced
    assert not heard.prosody[~wanted, 1:].any()
    assert analyse(noise(16_000), np.arange(40) * 320, wanted).prosody[wanted, 2].mean() < 0.5


def test_a_column_does_not_depend_on_those_beside_it() -> None:
    samples = np.concatenate([noise(8000) * np.float32(8.0), noise(8000, 1) * np.float32(1e-4)])
    starts, wanted = np.arange(45) * 320, np.ones(45, bool)
    together = analyse(samples, starts, wanted)
    for at in (0, 17, 30, 44):
        alone = analyse(samples, starts[at : at + 1], wanted[:1])
        assert np.array_equal(alone.features[0], together.features[at])
        assert np.array_equal(alone.prosody[0], together.prosody[at])


@pytest.mark.parametrize("start", [-1, 441, 10_000])
def test_a_column_outside_the_samples_is_an_error(start: int) -> None:
    with pytest.raises(IndexError):
        analyse(noise(1000), np.array([0, start]))


def test_no_columns_and_an_odd_end() -> None:
    assert columns_of(np.zeros(0, np.float32)).features.shape == (0, 80)
    assert len(columns_of(noise(321)).features) == 2
