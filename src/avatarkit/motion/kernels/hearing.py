"""All that is heard in columns of sound, sixteen of them at once; each is worked on by itself."""

from __future__ import annotations

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.kernels import pitch
from avatarkit.motion.kernels.bands import hear_bands, spectra
from avatarkit.motion.kernels.fourier import LANES, SIZE
from avatarkit.motion.kernels.jit import kernel
from avatarkit.motion.melspec import BIN_COUNT, BLOCK_SAMPLES, FEATURE_COUNT, Flags, Indices


@kernel
def analyse(
    samples: FloatArray, starts: Indices, with_pitch: Flags, features: FloatArray, prosody: FloatArray
) -> None:
    """See :func:`avatarkit.motion.hearing.analyse`; ``features`` (n, 80), ``prosody`` (n, 3) take what is heard."""
    blocks = np.empty(BLOCK_SAMPLES * LANES, np.float32)
    re, im = np.empty(SIZE * LANES, np.float32), np.empty(SIZE * LANES, np.float32)
    one, two = np.empty(BIN_COUNT * LANES, np.float32), np.empty(BIN_COUNT * LANES, np.float32)
    logs = np.empty((FEATURE_COUNT + 1) * LANES, np.float32)
    windows = np.zeros(SIZE * LANES, np.float32)
    rows, used = np.zeros(LANES, np.int64), 0
    for first in range(0, len(starts), LANES):
        spectra(samples, starts, first, blocks, re, im, one, two)
        hear_bands(one, two, first, logs, features, prosody[:, 0])
        for lane in range(min(LANES, len(starts) - first)):
            if with_pitch[first + lane]:
                rows[used] = first + lane
                pitch.put(two, lane, used, windows)
                used += 1
                if used == LANES:
                    pitch.pitch_of(windows, im, rows, used, re, prosody)
                    used = 0
    if used:
        pitch.pitch_of(windows, im, rows, used, re, prosody)
