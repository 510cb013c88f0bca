"""From class probabilities to mouth gestures, for many streams at once.

Each column, every class leaves a trace that fades (what was said carries over) and, from what the network already
suspects, throws one ahead (what comes is prepared). The mouth is the mean of the classes' targets, weighted by trace
and dominance. Closures of lips and of lip on teeth are not averaged but held at their peak, so that a p of 60 ms is
seen at 25 frames a second.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, FloatArray
from avatarkit.motion.classes import CLASS_COUNT, CLASS_INDEX, COLUMN_S
from avatarkit.motion.gestures import (
    ATTACK_S,
    DOMINANCE,
    GESTURE_COUNT,
    GESTURE_INDEX,
    RELEASE_S,
    TARGET_STEPS,
    TARGETS,
    weights_of,
)
from avatarkit.motion.intake import COLUMNS_PER_FRAME
from avatarkit.motion.state import Layout
from avatarkit.motion.style import JAW, LIPS

STATE: Final = Layout(
    jaw_trace=CLASS_COUNT, lip_trace=CLASS_COUNT, columns=3 * GESTURE_COUNT, seals=3, bites=3, sealed=1, bitten=1,
    gestures=GESTURE_COUNT, envelope=1, peak=1, talking=1,
)  # fmt: skip

_TRACE_S: Final = np.array([0.018, 0.030], np.float32)
"""How long a class lingers: jaw, lips."""
_AHEAD_S: Final = np.array([0.10, 0.10], np.float32)
"""How far ahead a class is prepared: jaw, lips."""
_KEEP: Final = np.exp(-COLUMN_S / _TRACE_S)
_SHARES: Final = 2047
"""Steps of a class's share; with 255 target steps, sums of 36 stay exact in float32."""
_PARTED: Final = np.float32(0.09)
"""Jaw in a short pause: whoever will go on talking does not close the mouth; it fades in half a second."""
_LIPS_FROM, _LIPS_SPAN = 0.40, 0.28
_TEETH_FROM, _TEETH_SPAN = 0.26, 0.35
_START_DB: Final = -26.0
_FRAME_S: Final = COLUMN_S * COLUMNS_PER_FRAME
_RISE: Final = 1.0 - np.exp(-_FRAME_S / ATTACK_S)
_FALL: Final = 1.0 - np.exp(-_FRAME_S / RELEASE_S)
_SIL, _PP, _FF = (CLASS_INDEX[name] for name in ("sil", "PP", "FF"))
_G: Final = GESTURE_INDEX
_PARTING: Final = [_G["lower"], _G["upper"], _G["tongue"]]
_JAW_OPEN, _MOUTH_CLOSE = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]
_JAW_RANGE: Final = np.float32(0.74)
"""jawOpen of the widest vowel at ordinary loudness; ARKit's 1 is a yawn."""


def start(states: FloatArray) -> None:
    """Set the rows of new streams."""
    states[:] = 0.0
    STATE.part(states, "jaw_trace")[:, _SIL] = 4.0
    STATE.part(states, "lip_trace")[:, _SIL] = 4.0
    STATE.part(states, "envelope")[:] = -60.0
    STATE.part(states, "peak")[:] = _START_DB


def hear(states: FloatArray, now: FloatArray, ahead: list[FloatArray], level: FloatArray) -> None:
    """One column of each stream, in place.

    Args:
        states: float32 (n, STATE.size).
        now: Probabilities of the column's classes, (n, 18).
        ahead: Those of the next columns, as far as they are suspected; nearest first.
        level: Loudness of the column in decibels, (n,).
    """
    shares = np.empty((len(now), 2 * CLASS_COUNT), np.float32)
    for part, name in enumerate(("jaw_trace", "lip_trace")):
        trace = STATE.part(states, name)
        trace *= np.float32(_KEEP[part])
        trace += now
        total = trace.copy()
        for i, suspected in enumerate(ahead):
            total += suspected * np.float32(np.exp(-(i + 1) * COLUMN_S / _AHEAD_S[part]))
        total *= DOMINANCE[part]
        total /= total.sum(axis=1, keepdims=True)
        shares[:, part * CLASS_COUNT : (part + 1) * CLASS_COUNT] = total
    gestures = np.rint(shares * np.float32(_SHARES)) @ TARGETS
    gestures *= np.float32(1.0 / (_SHARES * TARGET_STEPS))
    gestures[:, _G["jaw"]] *= _loudness(states, level)
    talking = STATE.part(states, "talking")[:, 0]
    talking += (np.float32(1.0) - now[:, _SIL] - talking) * np.float32(0.06)
    gestures[:, _G["jaw"]] += _PARTED * talking * now[:, _SIL]
    _shift(STATE.part(states, "columns"), gestures)
    _shift(STATE.part(states, "seals"), now[:, _PP, None])
    _shift(STATE.part(states, "bites"), now[:, _FF, None])


def _shift(last_three: FloatArray, newest: FloatArray) -> None:
    size = newest.shape[1]
    last_three[:, : 2 * size] = last_three[:, size:].copy()
    last_three[:, 2 * size :] = newest


def _loudness(states: FloatArray, level: FloatArray) -> FloatArray:
    """How wide the jaw opens for how loud it is, .5..1.1: against a peak that rises in 80 ms and falls over 6 s."""
    envelope = STATE.part(states, "envelope")[:, 0]
    envelope += (level - envelope) * np.where(level > envelope, np.float32(1.0), np.float32(0.25))
    peak = STATE.part(states, "peak")[:, 0]
    fall = np.where(envelope > peak - 25.0, np.float32(COLUMN_S / 6.0), np.float32(0.0))
    peak += (envelope - peak) * np.where(envelope > peak, np.float32(0.25), fall)
    return np.asarray(np.clip(np.float32(1.05) + (envelope - peak) * np.float32(1 / 32.0), 0.5, 1.1), np.float32)


def _smooth_step(value: FloatArray, low: float, span: float) -> FloatArray:
    x = np.clip((value - np.float32(low)) / np.float32(span), 0.0, 1.0)
    return np.asarray(x * x * (np.float32(3.0) - np.float32(2.0) * x), np.float32)


def shape(states: FloatArray, manner: FloatArray, lean: FloatArray) -> FloatArray:
    """Weights of the frame in the middle of the last three columns.

    Args:
        states: As :func:`hear` left them; the followers of the frame are stepped in place.
        manner: Blended style, (n, 58); see :func:`avatarkit.motion.style.manner_of`.
        lean: Difference between right and left, (n,).

    Returns:
        float32 (n, 52), not yet clipped.
    """
    columns = STATE.part(states, "columns")
    target = columns[:, GESTURE_COUNT : 2 * GESTURE_COUNT] * np.float32(0.5)
    target += (columns[:, :GESTURE_COUNT] + columns[:, 2 * GESTURE_COUNT :]) * np.float32(0.25)
    gestures = STATE.part(states, "gestures")
    gestures += (target - gestures) * np.where(target > gestures, _RISE, _FALL).astype(np.float32)
    sealed = _held(states, "sealed", _smooth_step(_peak(states, "seals"), _LIPS_FROM, _LIPS_SPAN))
    bitten = _held(states, "bitten", _smooth_step(_peak(states, "bites"), _TEETH_FROM, _TEETH_SPAN))
    bitten = np.minimum(bitten, np.float32(1.0) - sealed)
    out = gestures * manner[:, LIPS, None]
    out[:, _G["jaw"]] = gestures[:, _G["jaw"]] * manner[:, JAW] * _JAW_RANGE
    out[:, _G["jaw"]] *= (np.float32(1.0) - np.float32(0.65) * sealed) * (np.float32(1.0) - np.float32(0.45) * bitten)
    out[:, _PARTING] *= (np.float32(1.0) - sealed)[:, None]
    out[:, _G["press"]] = np.maximum(out[:, _G["press"]], np.float32(0.34) * sealed)
    out[:, _G["bite"]] = np.maximum(out[:, _G["bite"]] * (np.float32(1.0) - sealed), np.float32(0.58) * bitten)
    weights = weights_of(out, lean)
    weights[:, _JAW_OPEN] = np.maximum(weights[:, _JAW_OPEN], np.float32(0.05) * sealed)  # teeth part behind lips
    weights[:, _MOUTH_CLOSE] = weights[:, _JAW_OPEN] * sealed
    return weights


def _peak(states: FloatArray, name: str) -> FloatArray:
    """Highest probability of a closure among the last three columns."""
    return np.asarray(STATE.part(states, name).max(axis=1))


def _held(states: FloatArray, name: str, value: FloatArray) -> FloatArray:
    """At once up, down over two frames."""
    held = STATE.part(states, name)[:, 0]
    held[:] = np.maximum(value, held * np.float32(0.22))
    return held.copy()
