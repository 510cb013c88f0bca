"""Where the eyes look: on the partner with tiny shifts, now and then aside, and wherever the app asks them to."""

from __future__ import annotations

import bisect
import math
from typing import Final, NamedTuple

from avatarkit.playback.chance import Chance
from avatarkit.playback.cues import Cues, Steps

EPOCH_S: Final = 60.0
"""Chains of random events begin anew this often, so that any time can be sampled without the hours before it."""

LOOK_YAW_DEG: Final = 24.0
"""Where ``look_at(1, 0)`` lies."""
LOOK_PITCH_DEG: Final = 16.0

_STREAM: Final = 100
_EPOCH_EVENTS: Final = 4096
_SETTLE_S: Final = 1.0
_HEAD_LAG_S: Final = 0.15
_HEAD_MOVE_S: Final = 0.5
_ATTEND_MOVE_S: Final = 0.7
_HEAD_SHARE: Final = 0.3
_ATTEND_SHARE: Final = 0.45
_LARGE_DEG: Final = 10.0


class Look(NamedTuple):
    """Angles in degrees: yaw to the avatar's left, pitch down."""

    yaw: float
    pitch: float


class _Shift(NamedTuple):
    t_s: float
    target: Look


class Attention(NamedTuple):
    """What is attended to, and where eyes and head were when that began."""

    eyes_from: Look
    head_from: Look
    target: Look


_AHEAD: Final = Look(0.0, 0.0)


class Gaze:
    """Fixations of 0.55 s and more; about six in seven lie within 3 degrees of what the avatar attends to.

    A shift takes 21 ms and 2.2 ms a degree (the main sequence of saccades). The head takes up a part of a large
    one, 150 ms later.
    """

    def __init__(self, chance: Chance, cues: Cues) -> None:
        self._chance = chance
        self._cues = cues
        self._epoch = -1
        self._shifts: list[_Shift] = []
        self.attention = Steps(Attention(_AHEAD, _AHEAD, _AHEAD))

    def attend(self, t_s: float, x: float, y: float) -> None:
        """Attend to a place in the picture, x and y -1..1, from now on."""
        target = Look(x * LOOK_YAW_DEG, -y * LOOK_PITCH_DEG)
        self.attention.set(t_s, Attention(self._attended_eyes(t_s), self._attended_head(t_s), target))

    def eyes(self, t_s: float) -> Look:
        """Where the eyes look, whatever the head does."""
        attended, aside = self._attended_eyes(t_s), self._aside(t_s)
        return Look(attended.yaw + aside.yaw, attended.pitch + aside.pitch)

    def head(self, t_s: float) -> Look:
        """The part of it that the head takes up."""
        attended = self._attended_head(t_s)
        index = self._index(t_s - _HEAD_LAG_S)
        shift = self._shifts[index]
        before = self._shifts[max(index - 1, 0)].target
        x = _ease((t_s - _HEAD_LAG_S - shift.t_s) / _HEAD_MOVE_S)
        a, b = _followed(before), _followed(shift.target)
        return Look(attended.yaw + a.yaw + (b.yaw - a.yaw) * x, attended.pitch + a.pitch + (b.pitch - a.pitch) * x)

    def large_shift_after(self, t_s: float) -> float | None:
        """When the eyes next move by more than 10 degrees in the same epoch, as far as known now."""
        self._index(t_s)
        found = None
        for i in range(len(self._shifts) - 1, 0, -1):
            if self._shifts[i].t_s <= t_s:
                break
            if _size(self._shifts[i - 1].target, self._shifts[i].target) > _LARGE_DEG:
                found = self._shifts[i].t_s
        return found

    # --- inside -------------------------------------------------------------------------------------------

    def _attended_eyes(self, t_s: float) -> Look:
        since_s, (start, _, target) = self.attention.at(t_s)
        return _toward(start, target, (t_s - since_s) / _duration_s(_size(start, target)))

    def _attended_head(self, t_s: float) -> Look:
        since_s, (_, start, target) = self.attention.at(t_s)
        goal = Look(target.yaw * _ATTEND_SHARE, target.pitch * _ATTEND_SHARE)
        return _toward(start, goal, (t_s - since_s - 0.1) / _ATTEND_MOVE_S)

    def _aside(self, t_s: float) -> Look:
        index = self._index(t_s)
        shift = self._shifts[index]
        before = self._shifts[max(index - 1, 0)].target
        return _toward(before, shift.target, (t_s - shift.t_s) / _duration_s(_size(before, shift.target)))

    def _index(self, t_s: float) -> int:
        """The fixation at a time, with the fixations of its epoch made up to it."""
        t_s = max(t_s, 0.0)
        epoch = int(t_s // EPOCH_S)
        if epoch != self._epoch:
            self._epoch = epoch
            self._shifts = [_Shift(epoch * EPOCH_S, self._anchor(epoch))]
        while self._shifts[-1].t_s <= t_s and len(self._shifts) < _EPOCH_EVENTS // 8:
            following = self._next(self._shifts[-1], len(self._shifts))
            if following is None:
                break
            self._shifts.append(following)
        return max(0, bisect.bisect_right(self._shifts, t_s, key=lambda shift: shift.t_s) - 1)

    def _next(self, last: _Shift, count: int) -> _Shift | None:
        end_s = (self._epoch + 1) * EPOCH_S - _SETTLE_S
        if last.t_s >= end_s:
            return None
        place = self._epoch * _EPOCH_EVENTS + 8 * count
        speaking = self._cues.speaking.at(last.t_s)[1]
        was_aside = math.hypot(*last.target) > 3.0
        mean_s = 0.8 if was_aside else 1.6 if speaking else 2.4
        at_s = last.t_s + 0.55 + self._chance.exponential(_STREAM, place, mean_s - 0.25)
        if at_s >= end_s:  # the epoch ends where the next one begins
            return _Shift(end_s, self._anchor(self._epoch + 1))
        averted = self._cues.style(last.t_s).averted + (0.2 if speaking else 0.0)
        aside = self._chance.uniform(_STREAM, place + 1) < averted
        drawn = self._chance.exponential(_STREAM, place + 2, 5.0 if aside else 1.2)
        size = min(3.5 + drawn, 15.0) if aside else min(drawn, 3.0)
        return _Shift(at_s, self._around(place + 3, size))

    def _anchor(self, epoch: int) -> Look:
        return _AHEAD if epoch == 0 else self._around(epoch * _EPOCH_EVENTS + 3, 0.8)

    def _around(self, place: int, size_deg: float) -> Look:
        angle = 2.0 * math.pi * self._chance.uniform(_STREAM, place)
        return Look(math.cos(angle) * size_deg, math.sin(angle) * size_deg * 0.6)


def _followed(target: Look) -> Look:
    size = math.hypot(*target)
    share = _HEAD_SHARE if size > _LARGE_DEG else 0.5 * _HEAD_SHARE
    return Look(target.yaw * share, target.pitch * share)


def _size(a: Look, b: Look) -> float:
    return math.hypot(b.yaw - a.yaw, b.pitch - a.pitch)


def _duration_s(size_deg: float) -> float:
    return 0.021 + 0.0022 * size_deg


def _ease(x: float) -> float:
    x = min(max(x, 0.0), 1.0)
    return x * x * x * (x * (6.0 * x - 15.0) + 10.0)


def _toward(start: Look, target: Look, share: float) -> Look:
    x = _ease(share)
    return Look(start.yaw + (target.yaw - start.yaw) * x, start.pitch + (target.pitch - start.pitch) * x)
