"""The engines' view of sound: log-mel energies of 16 kHz speech, one column each 20 ms.

A column is made of two 25 ms windows, 10 ms apart, that end 10 ms and 20 ms after the column's start, so a
column is complete as soon as its own 20 ms have arrived.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray

Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

RATE_HZ: Final = 16000
COLUMN_SAMPLES: Final = 320
HISTORY_SAMPLES: Final = 240
"""Samples before a column's start that its first window reaches back over."""
BLOCK_SAMPLES: Final = HISTORY_SAMPLES + COLUMN_SAMPLES
WINDOW_SAMPLES: Final = 400
HOP_SAMPLES: Final = 160
TRANSFORM_SIZE: Final = 512
BIN_COUNT: Final = TRANSFORM_SIZE // 2 + 1
BAND_COUNT: Final = 40
FEATURE_COUNT: Final = 2 * BAND_COUNT

_LOWEST_HZ, _HIGHEST_HZ = 60.0, 7600.0


def mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mel scale (O'Shaughnessy 1987)."""
    return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))


def bands() -> tuple[FloatArray, Indices, Indices]:
    """Weights of all triangular bands one after the other, the first bin of each, and where its weights start."""
    lowest_mel, highest_mel = mel(np.array([_LOWEST_HZ, _HIGHEST_HZ]))
    edges_mel = np.linspace(float(lowest_mel), float(highest_mel), BAND_COUNT + 2)
    edges_hz = 700.0 * (10.0 ** (edges_mel / 2595.0) - 1.0)
    bins_hz = np.arange(BIN_COUNT) * RATE_HZ / TRANSFORM_SIZE
    weights: list[npt.NDArray[np.float64]] = []
    firsts, starts = [], [0]
    for low, middle, high in zip(edges_hz[:-2], edges_hz[1:-1], edges_hz[2:], strict=True):
        triangle = np.minimum((bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle))
        inside = np.flatnonzero(triangle > 0.0)
        firsts.append(inside[0])
        starts.append(starts[-1] + len(inside))
        weights.append(triangle[inside])
    return np.concatenate(weights).astype(np.float32), np.array(firsts, np.int64), np.array(starts, np.int64)
