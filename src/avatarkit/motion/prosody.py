"""Head and brows from the melody of speech: stress nods, phrase ends, accents, a slow sway that never repeats.

Head movement goes with pitch and loudness in real talkers (Munhall et al. 2004). Radians, metres, seconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, FloatArray
from avatarkit.motion import chance
from avatarkit.motion.intake import FRAME_RATE_HZ
from avatarkit.motion.state import Layout
from avatarkit.motion.style import BROWS, HEAD, PITCH, TEMPO

Flags = npt.NDArray[np.bool_]

_WAVES: Final = 12
STATE: Final = Layout(
    phases=_WAVES, sway_time=1, octave_mean=1, octave_spread=1, level_mean=1, level_spread=1, tune=1, stress=1,
    spoken_s=1, pause_s=1, nod_s=1, nod_size=1, pitch=1, speed=1, brow=1, brow_hold_s=1, brow_wait_s=1, brow_size=1,
    alive=1,
)  # fmt: skip

_FRAME_S: Final = np.float32(1.0 / FRAME_RATE_HZ)
_SWAY_HZ: Final = np.array([0.071, 0.137, 0.229, 0.411, 0.061, 0.127, 0.251, 0.389, 0.083, 0.149, 0.211, 0.437])
_SWAY_RAD: Final = np.array(
    [0.016, 0.014, 0.009, 0.005, 0.009, 0.008, 0.006, 0.003, 0.007, 0.006, 0.004, 0.002], np.float32
)
"""Three axes (yaw, pitch, roll) of four incommensurable waves."""
_SPRING: Final = 2.0 * np.pi * 2.0
"""Natural frequency of the neck, critically damped: 2 Hz."""
_NOD_S: Final = 0.56
_PERIODIC: Final = 0.5
_AUDIBLE_DB: Final = -58.0
_NOD, _NOD_SIZE, _BROW_SIZE = 1, 2, 3
"""Purposes of random numbers."""


def start(states: FloatArray, seeds: list[int]) -> None:
    """Set the rows of new streams."""
    states[:] = 0.0
    for row, seed in zip(states, seeds, strict=True):
        row[STATE["phases"]] = chance.uniforms(seed, _WAVES) * np.float32(2.0 * np.pi)
    STATE.part(states, "octave_mean")[:] = np.log2(150.0)
    STATE.part(states, "octave_spread")[:] = 0.2
    STATE.part(states, "level_mean")[:] = -32.0
    STATE.part(states, "level_spread")[:] = 6.0


class Frame:
    """Prosody of one frame of each stream: reads and steps the states in place."""

    def __init__(self, states: FloatArray, seeds: list[int], frames: list[int]) -> None:
        self._states = states
        self._seeds = seeds
        self._frames = frames

    def _of(self, name: str) -> FloatArray:
        return STATE.part(self._states, name)[:, 0]

    def hear(self, octave: FloatArray, periodic: FloatArray, level: FloatArray, silence: FloatArray) -> None:
        """Take pitch (octaves), periodicity, level (dB) and the probability of silence; all (n,)."""
        talking = (silence < 0.5) & (level > _AUDIBLE_DB)
        voiced = talking & (periodic > _PERIODIC)
        tune = self._deviation("octave", octave, voiced, least=0.10)
        stress = self._deviation("level", level, talking, least=3.0)
        for name, value, heard in (("tune", tune, voiced), ("stress", stress, talking)):
            followed = self._of(name)
            followed += (np.where(heard, value, np.float32(0.0)) - followed) * np.float32(0.45)
        alive = self._of("alive")
        alive += (talking - alive) * np.where(talking, np.float32(0.2), np.float32(0.06))
        self._phrase(talking)
        self._accent(talking)

    def _deviation(self, name: str, value: FloatArray, heard: Flags, *, least: float) -> FloatArray:
        """Standard score against the recent past (4 s), -2.5..2.5; learns only where it was heard."""
        mean, spread = self._of(f"{name}_mean"), self._of(f"{name}_spread")
        apart = value - mean
        rate = np.where(heard, _FRAME_S / np.float32(4.0), np.float32(0.0)).astype(np.float32)
        mean += apart * rate
        spread += (np.abs(apart) * np.float32(1.25) - spread) * rate
        return np.clip(apart / np.maximum(spread, np.float32(least)), -2.5, 2.5).astype(np.float32)

    def _phrase(self, talking: Flags) -> None:
        """Count speech and pause; a phrase that ends may be underlined by a nod."""
        spoken, pause = self._of("spoken_s"), self._of("pause_s")
        pause[:] = np.where(talking, np.float32(0.0), pause + _FRAME_S)
        ended = (pause > 0.14) & (spoken > 0.8)
        spoken[:] = np.where(talking, spoken + _FRAME_S, np.where(pause > 0.14, np.float32(0.0), spoken))
        nod = self._of("nod_s")
        nod[:] = np.maximum(nod - _FRAME_S, np.float32(0.0))
        for i in np.flatnonzero(ended):
            seed, frame = self._seeds[i], self._frames[i]
            if chance.uniform(seed, frame, _NOD) < 0.45:
                nod[i] = _NOD_S
                self._of("nod_size")[i] = 0.05 + 0.05 * chance.uniform(seed, frame, _NOD_SIZE)

    def _accent(self, talking: Flags) -> None:
        """Raise the brows on the strongest accents, at most once in 2.6 s: up in 150 ms, down in 350."""
        wait, hold, brow = self._of("brow_wait_s"), self._of("brow_hold_s"), self._of("brow")
        wait[:] = np.maximum(wait - _FRAME_S, np.float32(0.0))
        hold[:] = np.maximum(hold - _FRAME_S, np.float32(0.0))
        strong = talking & (self._of("tune") > 1.0) & (self._of("stress") > 0.4) & (wait <= 0.0)
        for i in np.flatnonzero(strong):
            wait[i], hold[i] = 2.6, 0.24
            self._of("brow_size")[i] = 0.16 + 0.20 * chance.uniform(self._seeds[i], self._frames[i], _BROW_SIZE)
        target = np.where(hold > 0.0, self._of("brow_size"), np.float32(0.0))
        brow += (target - brow) * np.where(target > brow, np.float32(0.45), np.float32(0.22))

    def head(self, manner: FloatArray) -> FloatArray:
        """Head pose float32 (n, 6) for blended styles (n, 58)."""
        time = self._of("sway_time")
        time += _FRAME_S * manner[:, TEMPO]
        turns = np.float32(2.0 * np.pi) * (time[:, None] * _SWAY_HZ.astype(np.float32))
        waves = np.sin(turns + STATE.part(self._states, "phases")) * _SWAY_RAD
        alive, size = self._of("alive"), manner[:, HEAD]
        sway = (np.float32(0.6) + np.float32(0.7) * alive) * size
        yaw, nod, roll = (
            waves[:, 4 * i] + waves[:, 4 * i + 1] + waves[:, 4 * i + 2] + waves[:, 4 * i + 3] for i in range(3)
        )
        head = np.zeros((len(time), HEAD_COUNT), np.float32)
        head[:, 0] = self._nodding(size) + nod * sway + manner[:, PITCH]
        head[:, 1] = yaw * sway
        head[:, 2] = roll * sway
        head[:, 3] = yaw * sway * np.float32(0.03)
        head[:, 4] = -self._of("pitch") * np.float32(0.03)
        head[:, 5] = alive * size * np.float32(0.003)
        return np.clip(head, [[-0.45] * 3 + [-0.04] * 3], [[0.45] * 3 + [0.04] * 3]).astype(np.float32)

    def _nodding(self, size: FloatArray) -> FloatArray:
        """Stress pulls the head down, a high tune lifts it, a phrase end nods: through the neck's spring."""
        stress = np.maximum(self._of("stress"), np.float32(0.0))
        target = (np.float32(0.075) * stress - np.float32(0.030) * self._of("tune")) * size
        done = np.sin((np.float32(_NOD_S) - self._of("nod_s")) * np.float32(np.pi / _NOD_S))
        target += np.where(self._of("nod_s") > 0.0, done, np.float32(0.0)) * self._of("nod_size") * size
        angle, speed = self._of("pitch"), self._of("speed")
        pull = np.float32(_SPRING**2) * (target - angle) - np.float32(2.0 * _SPRING) * speed
        speed += _FRAME_S * np.float32(0.6) * pull
        angle += _FRAME_S * speed
        return angle

    def brows(self, weights: FloatArray, manner: FloatArray) -> None:
        """Add accents to the brows of weights (n, 52), in place."""
        raised = self._of("brow") * manner[:, BROWS]
        effort = np.maximum(self._of("stress"), np.float32(0.0)) * self._of("alive") * manner[:, BROWS]
        weights[:, ARKIT_INDEX["browInnerUp"]] += raised
        weights[:, ARKIT_INDEX["browOuterUpLeft"]] += raised * np.float32(0.72)
        weights[:, ARKIT_INDEX["browOuterUpRight"]] += raised * np.float32(0.60)
        weights[:, ARKIT_INDEX["browDownLeft"]] += effort * np.float32(0.035)
        weights[:, ARKIT_INDEX["browDownRight"]] += effort * np.float32(0.045)

    def lean(self) -> FloatArray:
        """How much more the right side of the face does, about -0.08..0.08; drifts slowly, (n,)."""
        phases = STATE.part(self._states, "phases")
        time = self._of("sway_time")
        own = np.float32(0.05) * np.sin(phases[:, 0])
        return np.asarray(own + np.float32(0.03) * np.sin(np.float32(0.7) * time + phases[:, 1]))

    def shift(self) -> FloatArray:
        """Sideways drift of jaw and mouth, about -1..1; (n,)."""
        return np.asarray(np.sin(np.float32(1.1) * self._of("sway_time") + STATE.part(self._states, "phases")[:, 2]))
