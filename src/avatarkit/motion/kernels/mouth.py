"""From class probabilities to mouth gestures, and from these to ARKit weights.

Each column, every class leaves a trace that fades (what was said carries over) and, from what the network already
suspects, throws one ahead (what comes is prepared). The mouth is the mean of the classes' targets, weighted by trace
and dominance. Closures of lips and of lip on teeth are not averaged but held at their peak, so that a p of 60 ms is
seen at 25 frames a second.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, FloatArray
from avatarkit.motion.articulation import STATE
from avatarkit.motion.classes import CLASS_COUNT, CLASS_INDEX, COLUMN_S
from avatarkit.motion.gestures import (
    ATTACK_S,
    CHANNELS,
    DOMINANCE,
    GAINS,
    GESTURE_COUNT,
    GESTURE_INDEX,
    RELEASE_S,
    SIDES,
    SOURCES,
    TARGET_STEPS,
    TARGETS,
)
from avatarkit.motion.intake import COLUMNS_PER_FRAME
from avatarkit.motion.kernels.jit import Real, kernel
from avatarkit.motion.style import JAW, LIPS

_JAW_TRACE, _LIP_TRACE, _COLUMNS, _SEALS, _BITES = (
    STATE[name].start for name in ("jaw_trace", "lip_trace", "columns", "seals", "bites")
)
_SEALED, _BITTEN, _GESTURES, _ENVELOPE, _PEAK, _TALKING = (
    STATE[name].start for name in ("sealed", "bitten", "gestures", "envelope", "peak", "talking")
)

_F = np.float32
_TRACE_S: Final = np.array([0.018, 0.030], np.float32)
"""How long a class lingers: jaw, lips."""
_AHEAD_S: Final = 0.10
"""How far ahead a class is prepared."""
_KEEP: Final = np.exp(-COLUMN_S / _TRACE_S).astype(np.float32)
_SUSPECTED: Final = np.exp(-COLUMN_S / _AHEAD_S * np.arange(1, 6)).astype(np.float32)
"""Weight of what is suspected of the next columns, the nearest first."""
_SHARES: Final = _F(2047)
"""Steps of a class's share; with 255 target steps, sums of 36 stay exact in float32."""
_PER_TARGET: Final = _F(1.0 / (2047 * TARGET_STEPS))
_PARTED: Final = _F(0.09)
"""Jaw in a short pause: whoever will go on talking does not close the mouth; it fades in half a second."""
_TALKING_RATE: Final = _F(0.06)
_LIPS_FROM, _LIPS_SPAN = _F(0.40), _F(0.28)
_TEETH_FROM, _TEETH_SPAN = _F(0.26), _F(0.35)
_FRAME_S: Final = COLUMN_S * COLUMNS_PER_FRAME
_RISE: Final = (1.0 - np.exp(-_FRAME_S / ATTACK_S)).astype(np.float32)
_FALL: Final = (1.0 - np.exp(-_FRAME_S / RELEASE_S)).astype(np.float32)
_SIL, _PP, _FF = (CLASS_INDEX[name] for name in ("sil", "PP", "FF"))
_JAW, _PRESS, _BITE, _LOWER, _UPPER, _TONGUE = (
    GESTURE_INDEX[name] for name in ("jaw", "press", "bite", "lower", "upper", "tongue")
)
_JAW_OPEN, _MOUTH_CLOSE = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]
_JAW_RANGE: Final = _F(0.74)
"""jawOpen of the widest vowel at ordinary loudness; ARKit's 1 is a yawn."""
_HELD: Final = _F(0.22)
_ZERO, _QUARTER, _HALF, _ONE = _F(0.0), _F(0.25), _F(0.5), _F(1.0)
_TWO, _THREE = _F(2.0), _F(3.0)


@kernel
def hear(state: FloatArray, decided: FloatArray, level: Real) -> None:
    """One column of a stream, in place.

    Args:
        state: float32 (STATE.size,).
        decided: Probabilities of the column's classes, then of the next columns' as far as they are suspected,
            (1 to 6, 18).
        level: Loudness of the column in decibels.
    """
    silence = decided[0, _SIL]
    gestures = np.zeros(GESTURE_COUNT, np.float32)
    for part in range(2):
        trace = (
            state[_JAW_TRACE : _JAW_TRACE + CLASS_COUNT]
            if part == 0
            else state[_LIP_TRACE : _LIP_TRACE + CLASS_COUNT]
        )
        _add_targets(trace, decided, part, gestures)
    for i in range(GESTURE_COUNT):
        gestures[i] *= _PER_TARGET
    gestures[_JAW] *= _loudness(state, level)
    state[_TALKING] += (_ONE - silence - state[_TALKING]) * _TALKING_RATE
    gestures[_JAW] += _PARTED * state[_TALKING] * silence
    for i in range(2 * GESTURE_COUNT):
        state[_COLUMNS + i] = state[_COLUMNS + GESTURE_COUNT + i]
    for i in range(GESTURE_COUNT):
        state[_COLUMNS + 2 * GESTURE_COUNT + i] = gestures[i]
    for i in range(2):
        state[_SEALS + i], state[_BITES + i] = state[_SEALS + i + 1], state[_BITES + i + 1]
    state[_SEALS + 2], state[_BITES + 2] = decided[0, _PP], decided[0, _FF]


@kernel
def _add_targets(trace: FloatArray, decided: FloatArray, part: int, gestures: FloatArray) -> None:
    """Step the traces (18,) of the jaw (``part`` 0) or the lips (1), and add the targets that they ask for."""
    shares = np.empty(CLASS_COUNT, np.float32)
    total = _ZERO
    for i in range(CLASS_COUNT):
        trace[i] = trace[i] * _KEEP[part] + decided[0, i]
        share = trace[i]
        for n in range(1, len(decided)):
            share += decided[n, i] * _SUSPECTED[n - 1]
        shares[i] = share * DOMINANCE[part, i]
        total += shares[i]
    for i in range(CLASS_COUNT):
        share = np.rint(shares[i] / total * _SHARES)
        for gesture in range(GESTURE_COUNT):
            gestures[gesture] += share * TARGETS[part * CLASS_COUNT + i, gesture]


@kernel
def _loudness(state: FloatArray, level: Real) -> Real:
    """How wide the jaw opens for how loud it is, .5..1.1: against a peak that rises in 80 ms and falls over 6 s."""
    envelope, peak = state[_ENVELOPE], state[_PEAK]
    envelope += (level - envelope) * (_ONE if level > envelope else _QUARTER)
    if envelope > peak:
        peak += (envelope - peak) * _QUARTER
    elif envelope > peak - _F(25.0):
        peak += (envelope - peak) * _F(COLUMN_S / 6.0)
    state[_ENVELOPE], state[_PEAK] = envelope, peak
    return min(max(_F(1.05) + (envelope - peak) * _F(1 / 32.0), _HALF), _F(1.1))


@kernel
def _closed(state: FloatArray, last_three: int, held: int, low: Real, span: Real) -> Real:
    """How far something is closed, 0..1, by the highest probability in three columns: at once up, down over two
    frames."""
    highest = max(state[last_three], state[last_three + 1], state[last_three + 2])
    x = min(max((highest - low) / span, _ZERO), _ONE)
    state[held] = max(x * x * (_THREE - _TWO * x), state[held] * _HELD)
    return state[held]


@kernel
def shape(state: FloatArray, manner: FloatArray, lean: Real, weights: FloatArray) -> None:
    """Weights of the frame in the middle of the last three columns.

    Args:
        state: As :func:`hear` left it; the followers of the frame are stepped in place.
        manner: Blended style, (58,); see :func:`avatarkit.motion.style.manner_of`.
        lean: Difference between right and left.
        weights: float32 (52,): takes what is not yet clipped.
    """
    out = np.empty(GESTURE_COUNT, np.float32)
    for i in range(GESTURE_COUNT):
        at = _COLUMNS + i
        target = state[at + GESTURE_COUNT] * _HALF + (state[at] + state[at + 2 * GESTURE_COUNT]) * _QUARTER
        now = state[_GESTURES + i]
        now += (target - now) * (_RISE[i] if target > now else _FALL[i])
        state[_GESTURES + i] = now
        out[i] = now * manner[LIPS]
    sealed = _closed(state, _SEALS, _SEALED, _LIPS_FROM, _LIPS_SPAN)
    bitten = min(_closed(state, _BITES, _BITTEN, _TEETH_FROM, _TEETH_SPAN), _ONE - sealed)
    out[_JAW] = state[_GESTURES + _JAW] * manner[JAW] * _JAW_RANGE
    out[_JAW] *= (_ONE - _F(0.65) * sealed) * (_ONE - _F(0.45) * bitten)
    out[_LOWER] *= _ONE - sealed
    out[_UPPER] *= _ONE - sealed
    out[_TONGUE] *= _ONE - sealed
    out[_PRESS] = max(out[_PRESS], _F(0.34) * sealed)
    out[_BITE] = max(out[_BITE] * (_ONE - sealed), _F(0.58) * bitten)
    _drive(out, lean, weights)
    weights[_JAW_OPEN] = max(weights[_JAW_OPEN], _F(0.05) * sealed)  # teeth part behind lips
    weights[_MOUTH_CLOSE] = weights[_JAW_OPEN] * sealed


@kernel
def _drive(gestures: FloatArray, lean: Real, weights: FloatArray) -> None:
    """ARKit ``weights`` (52,) of gestures (gestures,); ``lean`` is how much more the right side does."""
    weights[:] = _ZERO
    for i in range(len(CHANNELS)):
        weights[CHANNELS[i]] = gestures[SOURCES[i]] * GAINS[i] * (_ONE + lean * SIDES[i])
