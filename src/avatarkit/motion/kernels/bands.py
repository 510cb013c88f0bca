"""Log-mel energies of sixteen columns side by side; see :mod:`avatarkit.motion.melspec`.

Both windows of a column go through one complex transform, as its real and its imaginary part.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.compiled.vectors import Vector, floats_of, load, store
from avatarkit.frames import FloatArray
from avatarkit.motion.kernels.fourier import LANES, PLACE, SIZE, transform
from avatarkit.motion.kernels.jit import kernel
from avatarkit.motion.kernels.lanes import log
from avatarkit.motion.melspec import (
    BAND_COUNT,
    BIN_COUNT,
    BLOCK_SAMPLES,
    FEATURE_COUNT,
    HOP_SAMPLES,
    WINDOW_SAMPLES,
    Indices,
    bands,
)

_FLOOR: Final = np.float32(1e-6)
_WINDOW: Final = np.hanning(WINDOW_SAMPLES + 1)[:WINDOW_SAMPLES].astype(np.float32)
_ONE_BY_LENGTH: Final = np.float32(1.0 / BLOCK_SAMPLES)
_QUARTER: Final = np.float32(0.25)
_HALF: Final = np.float32(0.5)
_PER_FULL_SCALE: Final = np.float32(1.0 / 36000.0)
"""By the sum of mel energies of white noise at full scale."""
_LEAST_ENERGY: Final = np.float32(1e-9)
_DECIBELS: Final = np.float32(10.0 / np.log(10.0))
_WEIGHTS, _FIRSTS, _STARTS = bands()


@kernel
def spectra(
    samples: FloatArray, starts: Indices, first: int, blocks: FloatArray, re: FloatArray, im: FloatArray,
    one: FloatArray, two: FloatArray,
) -> None:  # fmt: skip
    """Power spectra of both windows of sixteen columns from number ``first`` on; the last one fills what is left.

    ``starts`` (n,) says where the 560 samples of each column begin. ``one`` and ``two`` take power ``k`` of column
    ``l`` at ``k * LANES + l``; ``blocks`` (560 * LANES,), ``re`` and ``im`` (512 * LANES,) are room to work in.
    """
    for lane in range(LANES):
        start = starts[min(first + lane, len(starts) - 1)]
        for n in range(BLOCK_SAMPLES):
            blocks[n * LANES + lane] = samples[start + n]
    mean = floats_of(np.float32(0.0))
    for n in range(BLOCK_SAMPLES):
        mean = mean + load(blocks, n * LANES)
    mean = mean * _ONE_BY_LENGTH  # a constant offset is not sound
    for n in range(WINDOW_SAMPLES):
        store(re, n * LANES, (load(blocks, n * LANES) - mean) * _WINDOW[n])
        store(im, n * LANES, (load(blocks, (n + HOP_SAMPLES) * LANES) - mean) * _WINDOW[n])
    re[WINDOW_SAMPLES * LANES :] = np.float32(0.0)
    im[WINDOW_SAMPLES * LANES :] = np.float32(0.0)
    transform(re, im)
    for k in range(BIN_COUNT):
        here, there = PLACE[k] * LANES, PLACE[(SIZE - k) % SIZE] * LANES
        ar, ai, br, bi = load(re, here), load(im, here), load(re, there), load(im, there)
        x, y = ar + br, ai - bi
        store(one, k * LANES, (x * x + y * y) * _QUARTER)
        x, y = ai + bi, br - ar
        store(two, k * LANES, (x * x + y * y) * _QUARTER)


@kernel
def band_logs(power: FloatArray, logs: FloatArray, at: int) -> Vector:
    """Logarithms of the 40 bands of sixteen spectra, into ``logs`` from band ``at`` on; returns their energy."""
    energy = floats_of(np.float32(0.0))
    for band in range(BAND_COUNT):
        total = floats_of(_FLOOR)
        for n in range(_STARTS[band], _STARTS[band + 1]):
            k = _FIRSTS[band] + n - _STARTS[band]
            total = total + load(power, k * LANES) * _WEIGHTS[n]
        energy = energy + total
        store(logs, (at + band) * LANES, log(total))
    return energy


@kernel
def hear_bands(
    one: FloatArray, two: FloatArray, first: int, logs: FloatArray, features: FloatArray, levels: FloatArray
) -> None:
    """Features (n, 80) and levels (n,) in decibels against full-scale noise of sixteen columns from ``first`` on."""
    energy = (band_logs(one, logs, 0) + band_logs(two, logs, BAND_COUNT)) * _HALF
    level = log(energy * _PER_FULL_SCALE + _LEAST_ENERGY) * _DECIBELS
    store(logs, FEATURE_COUNT * LANES, level)
    for lane in range(min(LANES, len(levels) - first)):
        for band in range(FEATURE_COUNT):
            features[first + lane, band] = logs[band * LANES + lane]
        levels[first + lane] = logs[FEATURE_COUNT * LANES + lane]
