"""Fundamental frequency from a power spectrum, by autocorrelation."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.melspec import RATE_HZ

LOWEST_HZ, HIGHEST_HZ = 75.0, 400.0
_SHORTEST, _LONGEST = int(RATE_HZ / HIGHEST_HZ), int(RATE_HZ / LOWEST_HZ)
_ROWS: Final = 32
"""Windows worked on at once, so that they stay in the cache."""
_WINDOW: Final = np.hanning(401)[:400]
_WINDOW_TERM: Final = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, 1024)) ** 2)[: _LONGEST + 1]
_SHORT_LAGS_FIRST: Final = 1.0 - 0.0006 * np.arange(_SHORTEST, _LONGEST + 1)
_CORRECTION: Final = (_WINDOW_TERM[0] / _WINDOW_TERM[_SHORTEST:] * _SHORT_LAGS_FIRST).astype(np.float32)


def pitch_of(power: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Pitch of windows, each computed by itself.

    Args:
        power: float32 (n, 257), power spectra of 25 ms Hann windows.

    Returns:
        Octaves above 1 Hz, and how periodic the window is, about 0..1; both float32 (n,). The autocorrelation is
        divided by that of the window (Boersma 1993).
    """
    octaves, strength = np.empty(len(power), np.float32), np.empty(len(power), np.float32)
    for first in range(0, len(power), _ROWS):
        rows = slice(first, first + _ROWS)
        octaves[rows], strength[rows] = _pitch_of_some(power[rows])
    return octaves, strength


def _pitch_of_some(power: FloatArray) -> tuple[FloatArray, FloatArray]:
    correlation = np.fft.irfft(power)
    lags = correlation[:, _SHORTEST : _LONGEST + 1] * _CORRECTION
    best = lags.argmax(axis=1)
    strength = lags[np.arange(len(lags)), best] / (correlation[:, 0] + np.float32(1e-9))
    octaves = np.log2(RATE_HZ / (best + _SHORTEST))
    return octaves.astype(np.float32), strength.astype(np.float32)
