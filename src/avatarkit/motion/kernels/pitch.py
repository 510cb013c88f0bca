"""Fundamental frequency from power spectra by autocorrelation, for sixteen windows at once."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.compiled.vectors import floats_of, load, store, where
from avatarkit.frames import FloatArray
from avatarkit.motion.kernels.fourier import LANES, PLACE, SIZE, transform
from avatarkit.motion.kernels.jit import kernel
from avatarkit.motion.kernels.lanes import log
from avatarkit.motion.melspec import BIN_COUNT, RATE_HZ

LOWEST_HZ, HIGHEST_HZ = 75.0, 400.0
_SHORTEST, _LONGEST = int(RATE_HZ / HIGHEST_HZ), int(RATE_HZ / LOWEST_HZ)
_WINDOW: Final = np.hanning(401)[:400]
_WINDOW_TERM: Final = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, 1024)) ** 2)[: _LONGEST + 1]
_SHORT_LAGS_FIRST: Final = 1.0 - 0.0006 * np.arange(_SHORTEST, _LONGEST + 1)
_CORRECTION: Final = (_WINDOW_TERM[0] / _WINDOW_TERM[_SHORTEST:] * _SHORT_LAGS_FIRST).astype(np.float32)
"""The autocorrelation is divided by that of the window (Boersma 1993)."""
_PER_SIZE: Final = np.float32(1.0 / SIZE)
_LEAST_POWER: Final = np.float32(1e-9)
_OCTAVE: Final = np.float32(1.0 / np.log(2.0))
_RATE: Final = np.float32(RATE_HZ)


@kernel
def put(power: FloatArray, lane: int, slot: int, re: FloatArray) -> None:
    """Copy one lane of power spectra (257 * LANES,) into another one of ``re`` (512 * LANES,), both halves of it."""
    for k in range(BIN_COUNT):
        value = power[k * LANES + lane]
        re[k * LANES + slot] = value
        re[((SIZE - k) % SIZE) * LANES + slot] = value


@kernel
def pitch_of(
    re: FloatArray, im: FloatArray, rows: npt.NDArray[np.int64], used: int, out: FloatArray, prosody: FloatArray
) -> None:
    """Pitch of the windows that :func:`put` laid into the first ``used`` slots of ``re``, which is used up.

    Row ``rows[s]`` of ``prosody`` (n, 3) is told of slot ``s``, behind the loudness: octaves above 1 Hz, and how
    periodic it is, about 0..1. ``im`` and ``out`` (both 512 * LANES,) are room to work in. Two windows in one
    transform would cost half, but a loud one would leave its rounding errors in the other.
    """
    im[:] = np.float32(0.0)
    transform(re, im)
    best, lag = floats_of(np.float32(-np.inf)), floats_of(np.float32(_SHORTEST))
    for n in range(_LONGEST + 1 - _SHORTEST):
        value = load(re, PLACE[_SHORTEST + n] * LANES) * _CORRECTION[n]
        is_better = value > best
        best, lag = where(is_better, value, best), where(is_better, np.float32(_SHORTEST + n), lag)
    store(out, 0, log(_RATE / lag) * _OCTAVE)
    store(out, LANES, best * _PER_SIZE / (load(re, PLACE[0] * LANES) * _PER_SIZE + _LEAST_POWER))
    for slot in range(used):
        prosody[rows[slot], 1] = out[slot]
        prosody[rows[slot], 2] = out[LANES + slot]
