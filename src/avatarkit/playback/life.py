"""A face that lives without speaking: blinks, breath, a little sway, small shifts of gaze.

Everything is a pure function of seed and time, so any instant can be sampled, live or offline. Rates and
shapes: blinks about 17 a minute at rest and 26 in conversation, log-normal intervals (Bentivoglio et al.,
Movement Disorders 1997); gaze that dwells on the partner with short looks aside (Lee, Badler and Badler,
"Eyes Alive", SIGGRAPH 2002).
"""

from __future__ import annotations

import bisect
import math
from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, FloatArray, Pose

_BLINK_MEDIAN_S: Final = 2.9
_EXTRA_BLINK_MEDIAN_S: Final = 5.6  # on top while speaking
_BLINK_SIGMA: Final = 0.6
_BLINK_CLOSE_S: Final = 0.08
_BLINK_SHUT_S: Final = 0.04
_BLINK_OPEN_S: Final = 0.16
_BLINK_GAP_S: Final = 0.35
_BREATH_HZ: Final = 0.25
_INHALE_SHARE: Final = 0.4
_GAZE_SHIFT_S: Final = 0.05
_FULL_LOOK_DEG: Final = 30.0  # gaze angle at which an eyeLook shape is at weight 1
_LATTICE: Final = 1024

_BLINK_LEFT: Final = ARKIT_INDEX["eyeBlinkLeft"]
_BLINK_RIGHT: Final = ARKIT_INDEX["eyeBlinkRight"]
_SMILE: Final = (ARKIT_INDEX["mouthSmileLeft"], ARKIT_INDEX["mouthSmileRight"])
_BROW: Final = ARKIT_INDEX["browInnerUp"]


class Life:
    """The idle layer of one avatar. The same seed lives the same life."""

    def __init__(self, seed: int) -> None:
        self._blinks = _Train(seed, 1, _BLINK_MEDIAN_S)
        self._extra_blinks = _Train(seed, 2, _EXTRA_BLINK_MEDIAN_S)
        self._gaze = _Gaze(seed)
        table = np.random.default_rng([seed, 4]).standard_normal((8, _LATTICE))
        self._noise = [row.tolist() for row in table]
        self._breath_phase = float(np.random.default_rng([seed, 5]).random())

    def pose(self, t_s: float, *, speaking: float = 0.0) -> Pose:
        """The living pose at ``t_s`` seconds (0 or more); ``speaking`` is 0..1, how much the avatar speaks."""
        weights = np.zeros(WEIGHT_COUNT, np.float32)
        yaw_deg, pitch_deg = self._gaze.look(t_s)
        _set_gaze(weights, yaw_deg, pitch_deg)
        lid = max(self._blinks.closure(t_s), self._extra_blinks.closure(t_s) * speaking)
        droop = 0.012 * max(0.0, pitch_deg)  # lids follow a look down
        weights[_BLINK_LEFT] = weights[_BLINK_RIGHT] = min(1.0, lid + droop * (1.0 - lid))
        smile = 0.05 + 0.03 * self._smooth(6, t_s, 7.0)
        weights[list(_SMILE)] = min(max(smile, 0.0), 0.12) * (1.0 - 0.7 * speaking)
        weights[_BROW] = min(max(0.03 + 0.03 * self._smooth(7, t_s, 3.0), 0.0), 0.12)
        return Pose(weights, self._head(t_s, speaking, yaw_deg, pitch_deg))

    def _head(self, t_s: float, speaking: float, yaw_deg: float, pitch_deg: float) -> FloatArray:
        lively = 1.0 + 0.6 * speaking
        breath = _breath(t_s * _BREATH_HZ + self._breath_phase)
        # The head takes up a small part of where the eyes look, slowly.
        follow = self._gaze.slow_look(t_s)
        pitch = 0.9 * self._sway(0, t_s) * lively + 0.1 * follow[1] - 0.35 * breath
        yaw = 1.2 * self._sway(2, t_s) * lively + 0.15 * follow[0]
        roll = 0.6 * self._sway(4, t_s) * lively
        head = np.zeros(HEAD_COUNT, np.float32)
        head[:3] = np.radians([pitch, yaw, roll])
        head[4] = 0.0008 * breath
        return head

    def _sway(self, channel: int, t_s: float) -> float:
        """About unit variance: a slow wander of some 4 s with a little quicker unrest on top."""
        return 0.95 * self._smooth(channel, t_s, 3.5) + 0.25 * self._smooth(channel + 1, t_s, 0.8)

    def _smooth(self, channel: int, t_s: float, spacing_s: float) -> float:
        """Noise through random values ``spacing_s`` apart, with continuous speed and acceleration."""
        place = t_s / spacing_s
        index = math.floor(place)
        x = place - index
        row = self._noise[channel]
        a, b = row[index % _LATTICE], row[(index + 1) % _LATTICE]
        return float(a + (b - a) * x * x * x * (x * (6.0 * x - 15.0) + 10.0))


class _Train:
    """Blink times with log-normal gaps, made as far as they are asked for."""

    def __init__(self, seed: int, stream: int, median_s: float) -> None:
        self._rng = np.random.default_rng([seed, stream])
        self._log_median = math.log(median_s)
        self._starts_s = [self._gap_s() * 0.5]

    def closure(self, t_s: float) -> float:
        """How far the lids are shut, 0..1."""
        while self._starts_s[-1] <= t_s:
            self._starts_s.append(self._starts_s[-1] + self._gap_s())
        index = bisect.bisect_right(self._starts_s, t_s) - 1
        return 0.0 if index < 0 else blink_shape(t_s - self._starts_s[index])

    def _gap_s(self) -> float:
        return max(_BLINK_GAP_S, float(self._rng.lognormal(self._log_median, _BLINK_SIGMA)))


class _Gaze:
    """Fixations: mostly on the partner with tiny shifts, now and then aside."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 3])
        self._starts_s = [0.0]
        self._targets_deg = [(0.0, 0.0)]

    def look(self, t_s: float) -> tuple[float, float]:
        """Yaw (to the avatar's left) and pitch (down) of the eyes, in degrees."""
        return self._between(t_s, _GAZE_SHIFT_S)

    def slow_look(self, t_s: float) -> tuple[float, float]:
        """The same targets, reached at the pace of a head."""
        return self._between(t_s - 0.15, 0.5)

    def _between(self, t_s: float, shift_s: float) -> tuple[float, float]:
        while self._starts_s[-1] <= t_s:
            self._grow()
        index = max(bisect.bisect_right(self._starts_s, t_s) - 1, 0)
        target = self._targets_deg[index]
        if index == 0:
            return target
        before = self._targets_deg[index - 1]
        x = min((t_s - self._starts_s[index]) / shift_s, 1.0)
        x = x * x * (3.0 - 2.0 * x)
        return before[0] + (target[0] - before[0]) * x, before[1] + (target[1] - before[1]) * x

    def _grow(self) -> None:
        aside = self._rng.random() < 0.15
        size_deg = min(self._rng.exponential(7.0 if aside else 1.2), 12.0)
        angle = self._rng.uniform(0.0, 2.0 * math.pi)
        # The last dwell belongs to the target before: long on the partner, short aside.
        was_aside = math.hypot(*self._targets_deg[-1]) > 3.0
        dwell_s = 0.55 + float(self._rng.exponential(0.8 if was_aside else 2.4))
        self._starts_s.append(self._starts_s[-1] + dwell_s)
        self._targets_deg.append((math.cos(angle) * size_deg, math.sin(angle) * size_deg * 0.6))


def blink_shape(since_start_s: float) -> float:
    """Closure 0..1 of a blink: 80 ms closing, 40 ms shut, 160 ms opening, the opening slower at its end."""
    if since_start_s < 0.0:
        return 0.0
    if since_start_s < _BLINK_CLOSE_S:
        return math.sin(0.5 * math.pi * since_start_s / _BLINK_CLOSE_S)
    opening_s = since_start_s - _BLINK_CLOSE_S - _BLINK_SHUT_S
    if opening_s < 0.0:
        return 1.0
    x = opening_s / _BLINK_OPEN_S
    return (1.0 - x) ** 2 * (1.0 + 2.0 * x) if x < 1.0 else 0.0


def _breath(phase: float) -> float:
    """-1..1: a quicker rise (40 % of the cycle) and a slower fall."""
    x = phase % 1.0
    if x < _INHALE_SHARE:
        return -math.cos(math.pi * x / _INHALE_SHARE)
    return math.cos(math.pi * (x - _INHALE_SHARE) / (1.0 - _INHALE_SHARE))


def _set_gaze(weights: FloatArray, yaw_deg: float, pitch_deg: float) -> None:
    side = min(abs(yaw_deg) / _FULL_LOOK_DEG, 1.0)
    if yaw_deg >= 0.0:  # to the avatar's left: its left eye turns out, its right eye in
        weights[ARKIT_INDEX["eyeLookOutLeft"]] = weights[ARKIT_INDEX["eyeLookInRight"]] = side
    else:
        weights[ARKIT_INDEX["eyeLookInLeft"]] = weights[ARKIT_INDEX["eyeLookOutRight"]] = side
    height = min(abs(pitch_deg) / _FULL_LOOK_DEG, 1.0)
    way = "Down" if pitch_deg >= 0.0 else "Up"
    weights[ARKIT_INDEX[f"eyeLook{way}Left"]] = weights[ARKIT_INDEX[f"eyeLook{way}Right"]] = height
