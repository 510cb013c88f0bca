"""From what the network decided to frames, column by column of each stream: one kernel for a whole step."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, WEIGHT_COUNT, FloatArray
from avatarkit.motion.classes import CLASS_INDEX
from avatarkit.motion.intake import COLUMNS_PER_FRAME
from avatarkit.motion.kernels import mouth, voice
from avatarkit.motion.kernels.jit import kernel
from avatarkit.motion.melspec import Indices
from avatarkit.motion.memory import ECHO, ECHO_SIZE, STATE
from avatarkit.motion.style import MANNER_SIZE

_VOICE, _MANNER, _ECHOES = STATE["voice"].start, STATE["manner"].start, STATE["echo"].start

_F = np.float32
_BLEND: Final = _F(0.14)
"""Share of a new style that a frame takes over: 0.3 s."""
_ZERO, _HALF, _ONE, _THREE = _F(0.0), _F(0.5), _F(1.0), _F(3.0)
_JAW_SIDEWAYS, _MOUTH_SIDEWAYS = _F(0.030), _F(0.022)
_BROWS_FROM: Final = ARKIT_INDEX["browDownLeft"]
"""The mouth's shapes come before those of brows, cheeks and nose."""
_SIL: Final = CLASS_INDEX["sil"]
_PUCKER, _FUNNEL, _JAW_OPEN, _JAW_LEFT, _JAW_RIGHT, _MOUTH_LEFT, _MOUTH_RIGHT = (
    ARKIT_INDEX[name]
    for name in ("mouthPucker", "mouthFunnel", "jawOpen", "jawLeft", "jawRight", "mouthLeft", "mouthRight")
)


@kernel
def animate(
    states: FloatArray, begins: int, seeds: Any, columns: Indices, counts: Indices, rows: Indices, look_ahead: int,
    decided: FloatArray, heard: FloatArray, wished: Indices, wishes: FloatArray, starts: Indices,
    weights: FloatArray, heads: FloatArray,
) -> None:  # fmt: skip
    """Step some streams by their columns, and make the frames that end in these.

    Args:
        states: float32 (n, m), stepped in place.
        begins: Where in a row :data:`avatarkit.motion.memory.STATE` begins.
        seeds: uint64 (n,).
        columns: (n,): number of each stream's first column.
        counts: (n,): how many columns it has.
        rows: (most columns,): column ``k`` of stream ``i`` is row ``rows[k] + i`` of what follows.
        look_ahead: Columns that the network hears beyond the one that it decides on.
        decided: Probabilities (m, horizons, 18).
        heard: Level, octaves, periodicity (m, 3).
        wished: (m,): which of ``wishes`` (w, 58) is the style asked for, below 0 for no other than so far.
        wishes: See there.
        starts: (n,): where each stream's frames begin in ``weights`` (f, 52) and ``heads`` (f, 6).
        weights: Takes the frames' weights, 0..1.
        heads: Takes their head poses.
    """
    for i in range(len(states)):
        state, frame_at = states[i, begins:], starts[i]
        lips, melody = state[:_VOICE], state[_VOICE:_MANNER]
        manner, echo = state[_MANNER:_ECHOES], state[_ECHOES:]
        for k in range(counts[i]):
            row = rows[k] + i
            for n in range(ECHO_SIZE - 3):
                echo[n] = echo[n + 3]
            for n in range(3):
                echo[ECHO_SIZE - 3 + n] = heard[row, n]
            column = columns[i] + k - look_ahead
            if column < 0:
                continue
            past = echo[3 * (ECHO - 1 - look_ahead) :]
            mouth.hear(lips, decided[row], past[0])
            if column % COLUMNS_PER_FRAME != COLUMNS_PER_FRAME - 1:
                continue
            if wished[row] >= 0:
                for n in range(MANNER_SIZE):
                    manner[n] += (wishes[wished[row], n] - manner[n]) * _BLEND
            frame = column // COLUMNS_PER_FRAME
            voice.hear(melody, seeds[i], frame, past[1], past[2], past[0], decided[row, 0, _SIL])
            mouth.shape(lips, manner, voice.lean(melody), weights[frame_at])
            _colour(weights[frame_at], manner, melody)
            voice.turn_head(melody, manner, heads[frame_at])
            frame_at += 1


@kernel
def _colour(weights: FloatArray, manner: FloatArray, melody: FloatArray) -> None:
    """Add mood, accents and the small sideways drift of a real mouth; then keep all in 0..1. In place."""
    room = _ONE - _HALF * min(weights[_PUCKER] + weights[_FUNNEL], _ONE)
    for i in range(WEIGHT_COUNT):
        mood = manner[MANNER_SIZE - WEIGHT_COUNT + i]
        weights[i] += mood * room if i < _BROWS_FROM else mood
    voice.raise_brows(melody, manner, weights)
    drift = voice.shift(melody) * min(weights[_JAW_OPEN] * _THREE, _ONE)
    left, right = max(drift, _ZERO), max(-drift, _ZERO)
    weights[_JAW_LEFT], weights[_JAW_RIGHT] = left * _JAW_SIDEWAYS, right * _JAW_SIDEWAYS
    weights[_MOUTH_LEFT], weights[_MOUTH_RIGHT] = left * _MOUTH_SIDEWAYS, right * _MOUTH_SIDEWAYS
    for i in range(WEIGHT_COUNT):
        weights[i] = min(max(weights[i], _ZERO), _ONE)
