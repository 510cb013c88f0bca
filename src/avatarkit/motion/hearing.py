"""What the engines hear in 20 ms of speech: energies of mel bands, loudness, pitch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.entries import kernels
from avatarkit.motion.melspec import (
    BLOCK_SAMPLES,
    COLUMN_SAMPLES,
    FEATURE_COUNT,
    HISTORY_SAMPLES,
    Flags,
    Indices,
)


class Analysis(NamedTuple):
    """What is heard in n columns."""

    features: FloatArray
    """float32 (n, 80): natural logarithm of 40 mel band energies of the first window, then of the second."""
    prosody: FloatArray
    """float32 (n, 3): loudness in decibels against full-scale noise; pitch of the second window in octaves above
    1 Hz; and how periodic that is, about 0..1. The last two are 0 where they were not asked for."""


def analyse(samples: FloatArray, starts: Indices, with_pitch: Flags | None = None) -> Analysis:
    """Analyse columns.

    Args:
        samples: float32 (m,) at 16 kHz, full scale 1.
        starts: int64 (n,): where the block of each column begins, which is the 240 samples before the column and its
            own 320. Raises ``IndexError`` for one that does not lie within the samples.
        with_pitch: bool (n,): which columns' pitch is wanted; ``None`` is none's.
    """
    count = len(starts)
    if count and not 0 <= int(starts.min()) <= int(starts.max()) <= len(samples) - BLOCK_SAMPLES:
        raise IndexError("a column lies outside the samples")
    wanted = np.zeros(count, np.bool_) if with_pitch is None else with_pitch
    heard = Analysis(
        np.empty((count, FEATURE_COUNT), np.float32),
        np.zeros((count, 3), np.float32),
    )
    kernels().bind("analyse", samples, starts, wanted, *heard)()
    return heard


def columns_of(samples: FloatArray) -> Analysis:
    """Analysis of a whole recording: (n,) samples at 16 kHz give ceil(n / 320) columns, silence assumed around it."""
    count = -(-len(samples) // COLUMN_SAMPLES)
    padded = np.zeros(HISTORY_SAMPLES + count * COLUMN_SAMPLES, np.float32)
    padded[HISTORY_SAMPLES : HISTORY_SAMPLES + len(samples)] = samples
    return analyse(padded, np.arange(count) * COLUMN_SAMPLES)
