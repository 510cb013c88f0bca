"""The engine ``envelope``: no model, only how loud, how voiced and how bright the speech is.

It opens the jaw with the level, rounds the lips for dark sounds and widens them for bright ones. It cannot see a
closed p or a bitten f; the learned engine can. It is the floor that any other engine must beat, and the fallback.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, FloatArray, MotionFrames
from avatarkit.motion.classes import COLUMN_S
from avatarkit.motion.entries import kernels
from avatarkit.motion.hearing import analyse
from avatarkit.motion.intake import COLUMNS_PER_FRAME, ColumnIntake, FrameQueue, columns_in, samples_of
from avatarkit.motion.loudness import LoudnessTracker, towards
from avatarkit.motion.melspec import BAND_COUNT, COLUMN_SAMPLES
from avatarkit.motion.style import Style

_FRAME_S: Final = COLUMN_S * COLUMNS_PER_FRAME
_LOW, _MIDDLE, _HIGH = slice(1, 15), slice(16, 30), slice(31, BAND_COUNT)
"""Mel bands of about 100..1000 Hz, 1.1..3.6 kHz and 3.8..7.6 kHz."""


class EnvelopeEngine:
    """Loudness and spectrum to motion. Frame ``k`` needs the audio up to 40 ms after its own time."""

    name = "envelope"

    def __init__(self) -> None:
        kernels()  # now, and not with the first sound

    def open(self, sample_rate: int, *, seed: int = 0, style: Style | None = None) -> EnvelopeStream:
        """A stream for PCM of that rate in hertz; ``ValueError`` unless one of the seven accepted rates."""
        del style  # it has one only
        return EnvelopeStream(sample_rate, seed)


class EnvelopeStream:
    """One request's speech; see :class:`avatarkit.motion.contract.MotionStream`."""

    def __init__(self, sample_rate: int, seed: int) -> None:
        self._intake = ColumnIntake(sample_rate)
        self._queue = FrameQueue()
        self._shape = _MouthShape()
        self._sway = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, 3)
        self._frame = 0
        self._finished = False

    def push(self, pcm: bytes) -> None:
        """Take PCM, cut anywhere."""
        if self._finished:
            raise ValueError("the stream is finished")
        for run in self._intake.push(pcm):
            self._advance(run)

    def finish(self) -> None:
        """Flush; idempotent."""
        if not self._finished:
            self._finished = True
            for run in self._intake.finish(0):
                self._advance(run)

    def take(self) -> MotionFrames:
        """The frames that are ready and were not taken yet."""
        return self._queue.take()

    def _advance(self, run: bytes) -> None:
        samples, _ = samples_of([(run, self._intake.sample_bytes)])
        heard = analyse(samples, np.arange(columns_in(run, self._intake.sample_bytes)) * COLUMN_SAMPLES)
        weights, heads = [], []
        for feature, (level, _, _) in zip(heard.features, heard.prosody.tolist(), strict=True):
            self._shape.hear(feature, level)
            if self._shape.columns % COLUMNS_PER_FRAME == 0:
                if not self._finished or self._frame < self._intake.frame_count:
                    weights.append(self._shape.weights())
                    heads.append(self._head())
                self._frame += 1
        if weights:
            self._queue.add(np.stack(weights), np.stack(heads))

    def _head(self) -> FloatArray:
        """Slow sway, and a nod with the stress: radians and metres."""
        head = np.zeros(HEAD_COUNT, np.float32)
        time_s = self._frame * _FRAME_S
        alive = 0.3 + 0.7 * self._shape.accent
        head[0] = 0.045 * self._shape.accent + 0.008 * np.sin(2.1 * time_s + self._sway[0])
        head[1] = 0.030 * alive * np.sin(0.9 * time_s + self._sway[1])
        head[2] = 0.015 * alive * np.sin(1.3 * time_s + self._sway[2])
        return head


class _MouthShape:
    """Smoothed opening, rounding, width and stress, stepped once a column."""

    def __init__(self) -> None:
        self.columns = 0
        self.accent = 0.0
        self._loudness = LoudnessTracker()
        self._open = self._round = self._wide = 0.0

    def hear(self, feature: FloatArray, level: float) -> None:
        self.columns += 1
        loud = self._loudness.step(level)
        energy = np.exp(feature, dtype=np.float32).reshape(2, BAND_COUNT).sum(axis=0)
        low, middle, high = (float(energy[bands].sum()) + 1e-9 for bands in (_LOW, _MIDDLE, _HIGH))
        voiced = min(1.0, 1.6 * (low + 0.5 * middle) / (low + middle + high))
        bright = float(np.log10(middle / low))
        speaking = min(1.0, loud * 3.0)
        opening = loud**1.3 * (0.25 + 0.75 * voiced)
        self._open = towards(self._open, opening, 0.025, 0.045, COLUMN_S)
        self._round = towards(self._round, speaking * _ramp(-1.0 - bright, 0.0, 0.8), 0.07, 0.09, COLUMN_S)
        self._wide = towards(self._wide, speaking * _ramp(bright, -0.6, 0.5), 0.06, 0.09, COLUMN_S)
        self.accent = towards(self.accent, max(0.0, loud - 0.55) / 0.6, 0.12, 0.35, COLUMN_S)

    def weights(self) -> FloatArray:
        """The 52 weights of this moment."""
        opened, rounded, wide = self._open, self._round, self._wide
        values = {
            "jawOpen": 0.62 * opened * (1.0 - 0.45 * rounded),
            "mouthFunnel": 0.35 * rounded * min(1.0, 2.0 * opened),
            "mouthPucker": 0.45 * rounded,
            "mouthStretchLeft": 0.28 * wide,
            "mouthStretchRight": 0.26 * wide,
            "mouthSmileLeft": 0.10 * wide,
            "mouthSmileRight": 0.11 * wide,
            "mouthLowerDownLeft": 0.30 * opened,
            "mouthLowerDownRight": 0.31 * opened,
            "mouthUpperUpLeft": 0.17 * opened,
            "mouthUpperUpRight": 0.16 * opened,
            "browInnerUp": 0.22 * self.accent,
            "browOuterUpLeft": 0.14 * self.accent,
            "browOuterUpRight": 0.12 * self.accent,
            "cheekSquintLeft": 0.06 * wide,
            "cheekSquintRight": 0.05 * wide,
        }
        row = np.zeros(WEIGHT_COUNT, np.float32)
        for name, value in values.items():
            row[ARKIT_INDEX[name]] = min(1.0, max(0.0, value))
        return row


def _ramp(value: float, low: float, high: float) -> float:
    return max(0.0, min(1.0, (value - low) / (high - low)))
