"""Makes more speakers and rooms out of few voices. Sound is float32 at 16 kHz.

`revoice` changes who speaks (pitch, vocal tract, voice quality), `disturb` changes where (room, microphone,
noise, channel). Neither moves a label except by the common factor that `revoice` returns.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray
from avatarkit.motion.melspec import RATE_HZ

_FFT_SIZE: Final = 512
_HOP: Final = 128
_LIFTER: Final = 36
"""Cepstral coefficients (1/16 ms) that make the vocal tract's envelope; pitch lies above."""
_WINDOW: Final = np.hanning(_FFT_SIZE + 1)[:_FFT_SIZE].astype(np.float32)
_BIN_HZ: Final = RATE_HZ / _FFT_SIZE
_NOMINAL_RMS: Final = 0.08

Complex = npt.NDArray[np.complex64]


def resample_by(samples: FloatArray, ratio: float) -> FloatArray:
    """Stretch a recording to ``ratio`` times its length; pitch and formants fall by the same factor."""
    length = -(-len(samples) // 512) * 512
    target = max(512, round(length * ratio / 128) * 128)
    spectrum = np.fft.rfft(samples, length)
    bins = min(length, target) // 2 + 1
    out = np.fft.irfft(spectrum[:bins], target) * (target / length)
    return np.asarray(out[: round(len(samples) * target / length)], np.float32)


def at_16_khz(samples: FloatArray, sample_rate: int) -> FloatArray:
    """A whole recording at 16 kHz."""
    return samples if sample_rate == RATE_HZ else _exact(samples, sample_rate)


def _exact(samples: FloatArray, sample_rate: int) -> FloatArray:
    """Band-limited interpolation of the whole recording, padded so that both lengths are exact."""
    step = sample_rate // np.gcd(sample_rate, RATE_HZ)
    length = -(-len(samples) // (2 * step)) * 2 * step
    target = length * RATE_HZ // sample_rate
    bins = min(length, target) // 2 + 1
    out = np.fft.irfft(np.fft.rfft(samples, length)[:bins], target) * (target / length)
    return np.asarray(out[: len(samples) * RATE_HZ // sample_rate], np.float32)


def _analyse(samples: FloatArray) -> Complex:
    padded = np.pad(samples, (_FFT_SIZE, _FFT_SIZE + _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT_SIZE)[::_HOP]
    return np.fft.rfft(frames * _WINDOW).astype(np.complex64)


def _synthesise(spectra: Complex, length: int) -> FloatArray:
    frames = np.fft.irfft(spectra, _FFT_SIZE).astype(np.float32) * _WINDOW
    out = np.zeros((len(frames) + 4) * _HOP, np.float32)
    for part in range(_FFT_SIZE // _HOP):
        piece = frames[:, part * _HOP : (part + 1) * _HOP].reshape(-1)
        out[part * _HOP : part * _HOP + len(piece)] += piece
    return out[_FFT_SIZE : _FFT_SIZE + length] / np.float32(1.5)


def _envelopes(magnitude: FloatArray) -> FloatArray:
    """Smooth log envelope of each spectrum, by keeping its low cepstral coefficients."""
    cepstrum = np.fft.irfft(np.log(magnitude + 1e-5), _FFT_SIZE)
    cepstrum[:, _LIFTER : _FFT_SIZE - _LIFTER + 1] = 0.0
    return np.asarray(np.fft.rfft(cepstrum).real, np.float32)


def _warped(envelope: FloatArray, factor: float, rng: np.random.Generator) -> FloatArray:
    """The envelope of a vocal tract whose formants lie higher by ``factor``, each region a little differently."""
    knots_hz = np.array([0.0, 700.0, 1600.0, 2800.0, 4500.0, 8000.0])
    factors = factor * np.exp(rng.normal(0.0, 0.04, len(knots_hz)))
    bins = np.arange(_FFT_SIZE // 2 + 1)
    source = np.clip(bins / np.interp(bins * _BIN_HZ, knots_hz, factors), 0, len(bins) - 1.001)
    low = source.astype(np.intp)
    share = (source - low).astype(np.float32)
    return np.asarray(envelope[:, low] * (1 - share) + envelope[:, low + 1] * share)


def revoice(samples: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Another speaker saying the same.

    Pitch x 0.75..1.4, formants x 0.82..1.22 apart from it, formant sharpness, breathiness.

    Returns:
        The sound, and the factor by which its times are longer.
    """
    pitch = float(np.exp(rng.uniform(np.log(0.75), np.log(1.4))))
    formants = float(np.exp(rng.uniform(np.log(0.82), np.log(1.22))))
    moved = resample_by(samples, 1.0 / pitch)
    scale = len(moved) / len(samples)
    spectra = _analyse(moved)
    magnitude = np.abs(spectra)
    envelope = _envelopes(magnitude)
    sharpness = np.float32(rng.uniform(0.85, 1.2))
    level = envelope.mean(axis=1, keepdims=True)
    target = (_warped(envelope, formants * scale, rng) - level) * sharpness + level
    spectra = spectra * np.exp(np.clip(target - envelope, -3.0, 2.5))
    if rng.random() < 0.5:
        spectra = _breathe(spectra, rng)
    return _synthesise(spectra.astype(np.complex64), len(moved)), scale


def _breathe(spectra: Complex, rng: np.random.Generator) -> Complex:
    """Replace a share of the voice's phases by random ones, more above a corner frequency: breathy to whispered."""
    corner = rng.uniform(500.0, 5000.0) / _BIN_HZ
    share = rng.uniform(0.2, 1.0) / (1.0 + np.exp(-(np.arange(spectra.shape[1]) - corner) / 12.0))
    noise = np.exp(2j * np.pi * rng.random(spectra.shape)) * np.abs(spectra)
    return (spectra * (1.0 - share) + noise * share).astype(np.complex64)


def padded(samples: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, float]:
    """Silence of 0..0.5 s before and 0.1..0.6 s after; also returns the seconds before."""
    before = int(rng.integers(0, RATE_HZ // 2)) if rng.random() < 0.7 else 0
    return np.pad(samples, (before, int(rng.integers(RATE_HZ // 10, RATE_HZ * 6 // 10)))), before / RATE_HZ


def normalised(samples: FloatArray) -> FloatArray:
    """The sound at the nominal level, 0.08 RMS."""
    rms = np.sqrt(np.mean(np.square(samples)) + 1e-12)
    return (samples * (_NOMINAL_RMS / rms)).astype(np.float32)


def disturb(samples: FloatArray, rng: np.random.Generator, babble: FloatArray) -> FloatArray:
    """Room, microphone, noise, channel and level, each with some probability. ``babble`` is other speech."""
    if rng.random() < 0.4:
        samples = reverberated(samples, rng.uniform(0.15, 0.7), rng.uniform(0.1, 0.8), rng)
    if rng.random() < 0.5:
        samples = _equalised(samples, rng)
    if rng.random() < 0.65:
        samples = samples + _noise(samples, rng, babble)
    if rng.random() < 0.25:
        samples = band_limited(samples, rng.uniform(3300.0, 4000.0))
    if rng.random() < 0.1:
        samples = _companded(samples)
    return np.clip(samples * 10.0 ** (rng.uniform(-22.0, 11.0) / 20.0), -1.0, 1.0).astype(np.float32)


def reverberated(samples: FloatArray, t60_s: float, amount: float, rng: np.random.Generator) -> FloatArray:
    """Convolved with an exponentially decaying noise tail; ``amount`` is its energy against the direct sound's."""
    count = int(t60_s * RATE_HZ)
    tail = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail[: int(rng.uniform(0.001, 0.02) * RATE_HZ)] *= 0.2
    tail *= amount / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    size = 1 << (len(samples) + count - 1).bit_length()
    out = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(tail, size), size)
    return out[: len(samples)].astype(np.float32)


def _filtered(samples: FloatArray, gain_of_hz: npt.NDArray[np.floating]) -> FloatArray:
    """Zero-phase filter given as gains over 257 frequencies from 0 to 8 kHz."""
    size = (len(samples) // 1024 + 1) * 1024
    spectrum = np.fft.rfft(samples, size)
    grid = np.linspace(0.0, 256.0, len(spectrum))
    return np.fft.irfft(spectrum * np.interp(grid, np.arange(257), gain_of_hz), size)[: len(samples)].astype(
        np.float32
    )


def band_limited(samples: FloatArray, corner_hz: float) -> FloatArray:
    """Low-passed, 12th-order Butterworth magnitude."""
    hertz = np.arange(257) * RATE_HZ / 512
    return _filtered(samples, 1.0 / np.sqrt(1.0 + (hertz / corner_hz) ** 24))


def _equalised(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    knots = np.linspace(0.0, 256.0, 8)
    decibels = np.cumsum(rng.normal(0.0, 3.0, 8))
    return _filtered(samples, 10.0 ** (np.interp(np.arange(257), knots, decibels - decibels.mean()) / 20.0))


def _noise(samples: FloatArray, rng: np.random.Generator, babble: FloatArray) -> FloatArray:
    """White, coloured or babble noise at 3..40 dB below the speech."""
    kind = rng.random()
    snr_db = rng.uniform(3.0, 40.0)
    if kind < 0.15:
        noise = np.resize(babble, len(samples)).astype(np.float32)
        snr_db = max(snr_db, 12.0)
    else:
        noise = rng.standard_normal(len(samples)).astype(np.float32)
        slope = rng.uniform(0.0, 1.2) if kind < 0.75 else 0.0
        noise = _filtered(noise, (np.arange(257) + 4.0) ** -slope)
        if rng.random() < 0.3:
            noise = _equalised(noise, rng)
    power = np.mean(np.square(samples)) / (np.mean(np.square(noise)) + 1e-12)
    return np.asarray(noise * np.sqrt(power * 10.0 ** (-snr_db / 10.0)), np.float32)


def _companded(samples: FloatArray) -> FloatArray:
    """Through 8-bit mu-law, as a telephone does."""
    level = np.clip(samples, -1.0, 1.0)
    coded = np.sign(level) * np.log1p(255.0 * np.abs(level)) / np.log(256.0)
    coded = np.rint(coded * 127.0) / 127.0
    return (np.sign(coded) * np.expm1(np.abs(coded) * np.log(256.0)) / 255.0).astype(np.float32)
