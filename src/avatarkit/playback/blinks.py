"""When the eyes blink, and how a blink looks."""

from __future__ import annotations

import math
from typing import Final

from avatarkit.playback.chance import Chance
from avatarkit.playback.cues import Cue, Cues
from avatarkit.playback.gaze import EPOCH_S, Gaze

SPEAKING_MEDIAN_S: Final = 2.2
"""Median time between two blinks while speaking, unless the mood's is shorter."""

SIGMA: Final = 0.6
REFRACTORY_S: Final = 0.35
DOUBLE: Final = 0.08
"""Share of blinks that another follows at once."""

_STREAM: Final = 200
_CUE_STREAM: Final = 201
_EPOCH_EVENTS: Final = 1024
_CLOSE_S: Final = 0.08
_SHUT_S: Final = 0.04
_OPEN_S: Final = 0.16
_PAUSE: Final = (0.6, 1.0)
_SHIFT: Final = (0.4, math.inf)


class Blinks:
    """Blinks with log-normal intervals; one that is due soon is drawn to a speech pause or to a large gaze shift.

    Rates follow Bentivoglio et al. (Movement Disorders 1997), the drawing to pauses Nakano and Kitazawa
    (Experimental Brain Research 2010).
    """

    def __init__(self, chance: Chance, cues: Cues, gaze: Gaze) -> None:
        self._chance = chance
        self._cues = cues
        self._gaze = gaze
        self._epoch = -1
        self._seen_s = 0.0  # cues up to here have had their effect
        self._starts_s: list[float] = []
        self._due_s = 0.0
        self._cue_count = 0

    def closure(self, t_s: float) -> float:
        """How far the lids are shut, 0..1."""
        self._run_to(t_s)
        for start_s in reversed(self._starts_s):
            if start_s <= t_s:
                return blink_shape(t_s - start_s)
        return 0.0

    def _run_to(self, t_s: float) -> None:
        epoch = int(t_s // EPOCH_S)
        if epoch != self._epoch:
            self._begin(epoch)
        while True:
            cue = self._next_cue(self._seen_s)
            if self._due_s <= min(t_s, math.inf if cue is None else cue.t_s):
                self._blink()
            elif cue is not None and cue.t_s <= t_s:
                self._seen_s = cue.t_s
                self._obey(cue)
            else:
                return

    def _begin(self, epoch: int) -> None:
        self._epoch, self._starts_s, self._cue_count = epoch, [], 0
        self._seen_s = start_s = epoch * EPOCH_S
        # The end of an epoch is kept free of blinks that would reach into the next.
        share = self._chance.uniform(_CUE_STREAM, epoch * _EPOCH_EVENTS)
        self._due_s = start_s + max(0.05, share * self._interval_s(start_s, 0))

    def _blink(self) -> None:
        if self._due_s > (self._epoch + 1) * EPOCH_S - REFRACTORY_S:
            self._due_s = math.inf
            return
        self._starts_s.append(self._due_s)
        self._due_s += self._interval_s(self._due_s, len(self._starts_s))

    def _interval_s(self, t_s: float, count: int) -> float:
        place = self._epoch * _EPOCH_EVENTS + 4 * count
        if self._chance.uniform(_STREAM, place + 2) < DOUBLE:
            return REFRACTORY_S + 0.1 * self._chance.uniform(_STREAM, place + 3)
        median_s = self._cues.style(t_s).blink_median_s
        if self._cues.speaking.at(t_s)[1]:
            median_s = min(median_s, SPEAKING_MEDIAN_S)
        # Box and Muller's two uniforms are those at `place` and `place + 1`.
        return max(REFRACTORY_S, self._chance.lognormal(_STREAM, place // 2, median_s, SIGMA))

    def _next_cue(self, after_s: float) -> Cue | None:
        pause, shift = self._cues.pauses.after(after_s), self._gaze.large_shift_after(after_s)
        end_s = (self._epoch + 1) * EPOCH_S
        cues = []
        if pause is not None and pause[0] < end_s:
            cues.append(Cue(pause[0], *_PAUSE))
        if shift is not None and shift < end_s:
            cues.append(Cue(shift, *_SHIFT))
        return min(cues, default=None)

    def _obey(self, cue: Cue) -> None:
        self._cue_count += 1
        place = self._epoch * _EPOCH_EVENTS + 2 * self._cue_count
        within = self._due_s - cue.t_s <= cue.reach_s
        if within and self._chance.uniform(_CUE_STREAM, place) < cue.likelihood:
            delay_s = 0.02 + 0.1 * self._chance.uniform(_CUE_STREAM, place + 1)
            last_s = self._starts_s[-1] if self._starts_s else -math.inf
            self._due_s = min(self._due_s, max(cue.t_s + delay_s, last_s + REFRACTORY_S))


def blink_shape(since_start_s: float) -> float:
    """Closure 0..1 of a blink: 80 ms closing, 40 ms shut, 160 ms opening, the opening slower at its end."""
    if since_start_s < 0.0:
        return 0.0
    if since_start_s < _CLOSE_S:
        return math.sin(0.5 * math.pi * since_start_s / _CLOSE_S)
    opening_s = since_start_s - _CLOSE_S - _SHUT_S
    if opening_s < 0.0:
        return 1.0
    x = opening_s / _OPEN_S
    return (1.0 - x) ** 2 * (1.0 + 2.0 * x) if x < 1.0 else 0.0
