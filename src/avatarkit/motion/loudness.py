"""How loud speech is, measured against its own recent past: gain control for the mouth."""

from __future__ import annotations

import math
from typing import Final

from avatarkit.motion.classes import COLUMN_S

SILENCE_DB: Final = -62.0
"""Below this, nothing is speech: decibels against full-scale noise."""
_START_DB: Final = -24.0
_RISE: Final = 0.3
_FALL: Final = COLUMN_S / 6.0
_FLOOR_RISE: Final = COLUMN_S / 3.0
_FLOOR_FALL: Final = 0.4


class LoudnessTracker:
    """Follows the peaks of speech (up within 60 ms, down over 6 s, held in silence) and the noise between words."""

    def __init__(self) -> None:
        self.peak_db = _START_DB
        self.floor_db = -70.0
        self._started = False

    def step(self, level: float) -> float:
        """Take one column's level in decibels; returns 0 at the gate of silence, 1 at recent peaks, at most 1.15."""
        if level < self.floor_db:
            self.floor_db += (level - self.floor_db) * _FLOOR_FALL
        else:
            self.floor_db += (min(level, self.peak_db - 20.0) - self.floor_db) * _FLOOR_RISE
        gate = self.gate_db
        if level > self.peak_db:
            self.peak_db += (level - self.peak_db) * _RISE
            if not self._started and level > gate:
                self._started = True
        elif level > gate:
            share = _FALL if self._started else 5.0 * _FALL
            self.peak_db += (level - self.peak_db) * share
            self._started = self._started or level > self.peak_db - 6.0
        self.peak_db = max(self.peak_db, SILENCE_DB + 20.0)
        return max(0.0, min(1.15, (level - gate) / max(6.0, self.peak_db - gate)))

    @property
    def gate_db(self) -> float:
        """What is softer than this is not speech."""
        return max(SILENCE_DB, self.peak_db - 34.0, min(self.floor_db + 5.0, self.peak_db - 12.0))


def towards(value: float, target: float, rise_s: float, fall_s: float, step_s: float) -> float:
    """One step of a one-pole follower with time constants in seconds for going up and down."""
    time_s = rise_s if target > value else fall_s
    return value + (target - value) * (1.0 - math.exp(-step_s / time_s))
