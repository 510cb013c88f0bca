"""Head and brows from the melody of speech: stress nods, phrase ends, accents, a slow sway that never repeats.

One stream's state is stepped in place, once a frame: :func:`hear`, then :func:`lean`, :func:`shift`,
:func:`raise_brows`, then :func:`turn_head`.

Head movement goes with pitch and loudness in real talkers (Munhall et al. 2004). Radians, metres, seconds.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, FloatArray
from avatarkit.motion.intake import FRAME_RATE_HZ
from avatarkit.motion.kernels.chance import uniform
from avatarkit.motion.kernels.jit import Real, kernel
from avatarkit.motion.prosody import STATE
from avatarkit.motion.style import BROWS, HEAD, PITCH, TEMPO

(
    _PHASES, _TIME, _OCTAVE_MEAN, _OCTAVE_SPREAD, _LEVEL_MEAN, _LEVEL_SPREAD, _TUNE, _STRESS, _SPOKEN, _PAUSE, _NOD,
    _NOD_SIZE, _ANGLE, _SPEED, _BROW, _BROW_HOLD, _BROW_WAIT, _BROW_SIZE, _ALIVE,
) = (STATE[name].start for name in STATE)  # fmt: skip

_F = np.float32
_ZERO, _ONE = _F(0.0), _F(1.0)
_FRAME_S: Final = _F(1.0 / FRAME_RATE_HZ)
_SWAY: Final = (2.0 * np.pi) * np.array(
    [0.071, 0.137, 0.229, 0.411, 0.061, 0.127, 0.251, 0.389, 0.083, 0.149, 0.211, 0.437]
)
_SWAY_RAD_S: Final = _SWAY.astype(np.float32)
_SWAY_RAD: Final = np.array(
    [0.016, 0.014, 0.009, 0.005, 0.009, 0.008, 0.006, 0.003, 0.007, 0.006, 0.004, 0.002], np.float32
)
"""Three axes (yaw, pitch, roll) of four incommensurable waves: how fast, and how far."""
_SPRING: Final = 2.0 * np.pi * 2.0
"""Natural frequency of the neck, critically damped: 2 Hz."""
_STIFFNESS, _DAMPING = _F(_SPRING**2), _F(2.0 * _SPRING)
_NOD_S: Final = _F(0.56)
_LEARNING: Final = _F((1.0 / FRAME_RATE_HZ) / 4.0)
"""Share by which what is usual follows what is heard: in 4 s."""
_PERIODIC: Final = _F(0.5)
_AUDIBLE_DB: Final = _F(-58.0)
_PAUSE_S: Final = _F(0.14)
_PHRASE_S: Final = _F(0.8)
_FARTHEST_RAD, _FARTHEST_M = _F(0.45), _F(0.04)
_NODS, _NOD_SIZES, _BROW_SIZES = 1, 2, 3
"""Purposes of random numbers."""
_BROWS: Final = tuple(ARKIT_INDEX[f"brow{name}"] for name in ("InnerUp", "OuterUpLeft", "OuterUpRight"))
_FROWNS: Final = (ARKIT_INDEX["browDownLeft"], ARKIT_INDEX["browDownRight"])


@kernel
def hear(state: FloatArray, seed: Any, frame: int, octave: Real, periodic: Real, level: Real, silence: Real) -> None:
    """Take pitch (octaves), periodicity, level (dB) and the probability of silence of a frame."""
    talking = silence < _F(0.5) and level > _AUDIBLE_DB
    voiced = talking and periodic > _PERIODIC
    tune = _deviation(state, _OCTAVE_MEAN, _OCTAVE_SPREAD, octave, voiced, _F(0.10))
    stress = _deviation(state, _LEVEL_MEAN, _LEVEL_SPREAD, level, talking, _F(3.0))
    state[_TUNE] += ((tune if voiced else _ZERO) - state[_TUNE]) * _F(0.45)
    state[_STRESS] += ((stress if talking else _ZERO) - state[_STRESS]) * _F(0.45)
    if talking:
        state[_ALIVE] += (_ONE - state[_ALIVE]) * _F(0.2)
    else:
        state[_ALIVE] -= state[_ALIVE] * _F(0.06)
    _follow_phrase(state, seed, frame, talking)
    _follow_accent(state, seed, frame, talking)


@kernel
def _deviation(state: FloatArray, mean: int, spread: int, value: Real, heard: bool, least: Real) -> Real:
    """Standard score against the recent past (4 s), -2.5..2.5; learns only where it was heard."""
    apart = value - state[mean]
    if heard:
        state[mean] += apart * _LEARNING
        state[spread] += (abs(apart) * _F(1.25) - state[spread]) * _LEARNING
    return min(max(apart / max(state[spread], least), _F(-2.5)), _F(2.5))


@kernel
def _follow_phrase(state: FloatArray, seed: Any, frame: int, talking: bool) -> None:
    """Count speech and pause; a phrase that ends may be underlined by a nod."""
    state[_NOD] = max(state[_NOD] - _FRAME_S, _ZERO)
    if talking:
        state[_PAUSE] = _ZERO
        state[_SPOKEN] += _FRAME_S
        return
    state[_PAUSE] += _FRAME_S
    if state[_PAUSE] <= _PAUSE_S:
        return
    if state[_SPOKEN] > _PHRASE_S and uniform(seed, frame, _NODS) < 0.45:
        state[_NOD] = _NOD_S
        state[_NOD_SIZE] = 0.05 + 0.05 * uniform(seed, frame, _NOD_SIZES)
    state[_SPOKEN] = _ZERO


@kernel
def _follow_accent(state: FloatArray, seed: Any, frame: int, talking: bool) -> None:
    """Raise the brows on the strongest accents, at most once in 2.6 s: up in 150 ms, down in 350."""
    state[_BROW_WAIT] = max(state[_BROW_WAIT] - _FRAME_S, _ZERO)
    state[_BROW_HOLD] = max(state[_BROW_HOLD] - _FRAME_S, _ZERO)
    if talking and state[_TUNE] > _ONE and state[_STRESS] > _F(0.4) and state[_BROW_WAIT] <= _ZERO:
        state[_BROW_WAIT], state[_BROW_HOLD] = _F(2.6), _F(0.24)
        state[_BROW_SIZE] = 0.16 + 0.20 * uniform(seed, frame, _BROW_SIZES)
    target = state[_BROW_SIZE] if state[_BROW_HOLD] > _ZERO else _ZERO
    state[_BROW] += (target - state[_BROW]) * (_F(0.45) if target > state[_BROW] else _F(0.22))


@kernel
def turn_head(state: FloatArray, manner: FloatArray, head: FloatArray) -> None:
    """Step the head by a frame, in a blended style (58,), into ``head`` (6,)."""
    state[_TIME] += _FRAME_S * manner[TEMPO]
    size, alive = manner[HEAD], state[_ALIVE]
    sway = (_F(0.6) + _F(0.7) * alive) * size
    yaw, nod, roll = _wave(state, 0) * sway, _wave(state, 1) * sway, _wave(state, 2) * sway
    head[0] = _nodded(state, size) + nod + manner[PITCH]
    head[1] = yaw
    head[2] = roll
    head[3] = yaw * _F(0.03)
    head[4] = -state[_ANGLE] * _F(0.03)
    head[5] = alive * size * _F(0.003)
    for i in range(3):
        head[i] = min(max(head[i], -_FARTHEST_RAD), _FARTHEST_RAD)
        head[3 + i] = min(max(head[3 + i], -_FARTHEST_M), _FARTHEST_M)


@kernel
def _wave(state: FloatArray, axis: int) -> Real:
    """Where the slow sway about an axis is, in radians."""
    angle = _ZERO
    for i in range(4 * axis, 4 * axis + 4):
        angle += math.sin(state[_TIME] * _SWAY_RAD_S[i] + state[_PHASES + i]) * _SWAY_RAD[i]
    return angle


@kernel
def _nodded(state: FloatArray, size: Real) -> Real:
    """Stress pulls the head down, a high tune lifts it, a phrase end nods: through the neck's spring."""
    target = (_F(0.075) * max(state[_STRESS], _ZERO) - _F(0.030) * state[_TUNE]) * size
    if state[_NOD] > _ZERO:
        target += math.sin((_NOD_S - state[_NOD]) * (_F(np.pi) / _NOD_S)) * state[_NOD_SIZE] * size
    pull = _STIFFNESS * (target - state[_ANGLE]) - _DAMPING * state[_SPEED]
    state[_SPEED] += _FRAME_S * _F(0.6) * pull
    state[_ANGLE] += _FRAME_S * state[_SPEED]
    return state[_ANGLE]


@kernel
def raise_brows(state: FloatArray, manner: FloatArray, weights: FloatArray) -> None:
    """Add accents to the brows of weights (52,), in place."""
    raised = state[_BROW] * manner[BROWS]
    effort = max(state[_STRESS], _ZERO) * state[_ALIVE] * manner[BROWS]
    weights[_BROWS[0]] += raised
    weights[_BROWS[1]] += raised * _F(0.72)
    weights[_BROWS[2]] += raised * _F(0.60)
    weights[_FROWNS[0]] += effort * _F(0.035)
    weights[_FROWNS[1]] += effort * _F(0.045)


@kernel
def lean(state: FloatArray) -> Real:
    """How much more the right side of the face does, about -0.08..0.08; drifts slowly."""
    own = _F(0.05) * math.sin(state[_PHASES])
    return own + _F(0.03) * math.sin(_F(0.7) * state[_TIME] + state[_PHASES + 1])


@kernel
def shift(state: FloatArray) -> Real:
    """Sideways drift of jaw and mouth, about -1..1."""
    return math.sin(_F(1.1) * state[_TIME] + state[_PHASES + 2])
