"""The learned engine's view of sound: log-mel energies of 16 kHz speech, one column each 20 ms.

A column is made of two 25 ms windows, 10 ms apart, that end 10 ms and 20 ms after the column's start, so a
column is complete as soon as its own 20 ms have arrived. Every row is computed by itself, with operations whose
order does not depend on the number of rows: a stream gives the same bits alone or in a batch.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray

RATE_HZ: Final = 16000
COLUMN_SAMPLES: Final = 320
HISTORY_SAMPLES: Final = 240
"""Samples before a column's start that its first window reaches back over."""
BLOCK_SAMPLES: Final = HISTORY_SAMPLES + COLUMN_SAMPLES
BAND_COUNT: Final = 40
FEATURE_COUNT: Final = 2 * BAND_COUNT

_WINDOW_SAMPLES: Final = 400
_HOP_SAMPLES: Final = 160
_FFT_SIZE: Final = 512
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0
_ROWS: Final = 32
"""Columns worked on at once: they stay in the cache; beyond 100 windows the transform takes three times as long."""
_FLOOR: Final = np.float32(1e-6)
_WINDOW: Final = np.hanning(_WINDOW_SAMPLES + 1)[:_WINDOW_SAMPLES].astype(np.float32)


def mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mel scale (O'Shaughnessy 1987)."""
    return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))


def _bands() -> tuple[npt.NDArray[np.intp], FloatArray, npt.NDArray[np.intp]]:
    """Bins of all triangular bands one after the other, their weights, and where each band starts."""
    lowest_mel, highest_mel = mel(np.array([_LOWEST_HZ, _HIGHEST_HZ]))
    edges_mel = np.linspace(float(lowest_mel), float(highest_mel), BAND_COUNT + 2)
    edges_hz = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    bins_hz = np.arange(_FFT_SIZE // 2 + 1) * RATE_HZ / _FFT_SIZE
    indices: list[npt.NDArray[np.intp]] = []
    weights: list[npt.NDArray[np.float64]] = []
    starts: list[int] = []
    for low, middle, high in zip(edges_hz[:-2], edges_hz[1:-1], edges_hz[2:], strict=True):
        triangle = np.minimum((bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle))
        inside = np.flatnonzero(triangle > 0.0)
        starts.append(sum(len(bins) for bins in indices))
        indices.append(inside)
        weights.append(triangle[inside])
    return np.concatenate(indices), np.concatenate(weights).astype(np.float32), np.array(starts, np.intp)


_BINS, _WEIGHTS, _STARTS = _bands()


def analyse(blocks: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Features and spectra of columns.

    Args:
        blocks: float32 (n, 560), full scale 1: the 240 samples before each column and its own 320.

    Returns:
        float32 (n, 80): natural logarithm of 40 mel band energies of the first window, then of the second; and
        float32 (n, 257): power spectrum of the second window.
    """
    features = np.empty((len(blocks), FEATURE_COUNT), np.float32)
    second = np.empty((len(blocks), _FFT_SIZE // 2 + 1), np.float32)
    # numpy transforms single precision as double all the same; converting by ourselves takes half the time.
    windows = np.zeros((2 * min(_ROWS, len(blocks)), _FFT_SIZE))
    for first in range(0, len(blocks), _ROWS):
        some = blocks[first : first + _ROWS]
        some = some - some.mean(axis=1, keepdims=True)  # a constant offset is not sound
        used = windows[: 2 * len(some)]
        np.multiply(some[:, :_WINDOW_SAMPLES], _WINDOW, out=used[::2, :_WINDOW_SAMPLES])
        np.multiply(some[:, _HOP_SAMPLES:], _WINDOW, out=used[1::2, :_WINDOW_SAMPLES])
        spectrum = np.fft.rfft(used).astype(np.complex64)
        power = np.square(spectrum.real)
        power += np.square(spectrum.imag)
        bands = np.add.reduceat(power.take(_BINS, axis=1) * _WEIGHTS, _STARTS, axis=1)
        bands += _FLOOR
        features[first : first + _ROWS] = np.log(bands, out=bands).reshape(len(some), FEATURE_COUNT)
        second[first : first + _ROWS] = power[1::2]
    return features, second


def log_mel(blocks: FloatArray) -> FloatArray:
    """Features alone: see :func:`analyse`."""
    return analyse(blocks)[0]


def columns_of(samples: FloatArray) -> FloatArray:
    """Features of a whole recording: float32 (n,) at 16 kHz gives (ceil(n / 320), 80), silence assumed around it."""
    count = -(-len(samples) // COLUMN_SAMPLES)
    padded = np.zeros(HISTORY_SAMPLES + count * COLUMN_SAMPLES, np.float32)
    padded[HISTORY_SAMPLES : HISTORY_SAMPLES + len(samples)] = samples
    blocks = np.lib.stride_tricks.sliding_window_view(padded, BLOCK_SAMPLES)[::COLUMN_SAMPLES]
    return log_mel(np.ascontiguousarray(blocks))
