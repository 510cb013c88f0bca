"""A face that lives without speaking: blinks, gaze, breath, sway, nods, and small changes of expression.

A pure function of the seed, the time, and what happened (mood, attention, speech and its pauses) with the time at
which it happened: any instant can be sampled, live or offline, and is the same. No traffic, no loop: the noise is
a hash of the place in time. Sizes and rates: docs/playback.md; they are measured by ``python -m bench.life``.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, FloatArray, Pose
from avatarkit.playback.blinks import Blinks, blink_shape
from avatarkit.playback.chance import Chance, Wander
from avatarkit.playback.cues import Cues
from avatarkit.playback.gaze import Gaze, Look
from avatarkit.playback.mood import Style
from avatarkit.types import Mood

__all__ = ["Life", "blink_shape"]

FULL_LOOK_DEG: Final = 30.0
"""Angle of the eye in its socket at which an eyeLook shape is at weight 1."""

_BREATH_HZ: Final = 0.25
_INHALE_SHARE: Final = 0.4
_NOD_SLOT_S: Final = 4.0
_NOD_STREAM: Final = 300
_PRESS_SLOT_S: Final = 11.0
_PRESS_STREAM: Final = 301
_SWAY_SPEAKING: Final = 0.5  # the motion of speech has a sway of its own
_AXES_DEG: Final = ((0.9, 0.8), (1.2, 0.9), (0.6, 0.4))  # slow and quick part of pitch, yaw, roll

_BLINK_LEFT: Final = ARKIT_INDEX["eyeBlinkLeft"]
_BLINK_RIGHT: Final = ARKIT_INDEX["eyeBlinkRight"]
_SMILE_LEFT: Final = ARKIT_INDEX["mouthSmileLeft"]
_SMILE_RIGHT: Final = ARKIT_INDEX["mouthSmileRight"]
_BROW: Final = ARKIT_INDEX["browInnerUp"]
_SQUINTS: Final = [ARKIT_INDEX[n] for n in ("cheekSquintLeft", "cheekSquintRight", "eyeSquintLeft", "eyeSquintRight")]
_NOSTRILS: Final = [ARKIT_INDEX["noseSneerLeft"], ARKIT_INDEX["noseSneerRight"]]
_PRESSES: Final = [ARKIT_INDEX["mouthPressLeft"], ARKIT_INDEX["mouthPressRight"]]
_LOOKS: Final = {
    (side, way): ARKIT_INDEX[f"eyeLook{way}{side}"]
    for side in ("Left", "Right")
    for way in ("In", "Out", "Up", "Down")
}


class Life:
    """The idle layer of one avatar. The same seed and the same events live the same life."""

    def __init__(self, seed: int) -> None:
        """``seed``: a whole number; its lower 32 bits count."""
        chance = self._chance = Chance(seed)
        self.cues = Cues()
        self.gaze = Gaze(chance, self.cues)
        self._blinks = Blinks(chance, self.cues, self.gaze)
        self._slow = [Wander(chance, axis, 3.0) for axis in range(3)]
        self._quick = [Wander(chance, 10 + axis, 0.7) for axis in range(3)]
        self._unrest = Wander(chance, 15, 4.5)
        self._posture = [Wander(chance, 20 + axis, 23.0) for axis in range(3)]
        self._smile = Wander(chance, 30, 7.0)
        self._uneven = Wander(chance, 31, 4.3)
        self._brow = Wander(chance, 32, 3.0)
        self._breath_drift = Wander(chance, 33, 9.0)
        self._breath_phase = chance.uniform(34, 0)
        self.sampled_s = 0.0
        self._slots: dict[int, tuple[int, list[float]]] = {}

    # --- what happens, at a time of this life; not before what was sampled already ---------------------------

    def speak(self, t_s: float, *, active: bool) -> None:
        """Speech takes the face over, or gives it back; its end is a pause too."""
        t_s = max(t_s, self.sampled_s)
        if self.cues.speaking.at(t_s)[1] != active:
            self.cues.speaking.set(t_s, active)
            if not active:
                self.pause(t_s)

    def pause(self, t_s: float) -> None:
        """The voice pauses: a blink that is due soon tends to come now."""
        self.cues.pauses.set(max(t_s, self.sampled_s), None)

    def set_mood(self, t_s: float, mood: Mood) -> None:
        """Change over to a mood, within 1.5 s."""
        self.cues.set_mood(max(t_s, self.sampled_s), mood)

    def look_at(self, t_s: float, x: float, y: float) -> None:
        """Attend to a place in the picture, x and y -1..1 from its left and bottom; (0, 0) is the viewer."""
        self.gaze.attend(max(t_s, self.sampled_s), min(max(x, -1.0), 1.0), min(max(y, -1.0), 1.0))

    # --- the face ---------------------------------------------------------------------------------------------

    def pose(self, t_s: float, *, speaking: float = 0.0, head: FloatArray | None = None) -> Pose:
        """The living pose at ``t_s`` seconds (0 or more).

        Args:
            t_s: Time.
            speaking: 0..1, how much of the face speech has.
            head: float32 (6,): head pose that speech adds, which the eyes make up for.
        """
        self.sampled_s = max(self.sampled_s, t_s)
        style = self.cues.style(t_s)
        quiet = 1.0 - speaking
        breath = self._breath(t_s) * style.breath
        own = self._head(t_s, style, speaking, breath)
        pitch, yaw = (own[0], own[1]) if head is None else (own[0] + float(head[0]), own[1] + float(head[1]))
        look = self.gaze.eyes(t_s)
        in_socket = Look(look.yaw - math.degrees(yaw), look.pitch - math.degrees(pitch))
        weights = [0.0] * WEIGHT_COUNT
        _set_gaze(weights, in_socket)
        hanging = min(style.droop + 0.012 * max(0.0, in_socket.pitch), 0.5)  # lids follow a look down
        lids = hanging + (1.0 - hanging) * self._blinks.closure(t_s)
        weights[_BLINK_LEFT] = weights[_BLINK_RIGHT] = lids
        smile = style.smile + 0.02 * self._smile.at(t_s)
        uneven = 0.01 * self._uneven.at(t_s)
        weights[_SMILE_LEFT] = min(max(smile + uneven, 0.0), 0.4) * (1.0 - 0.7 * speaking)
        weights[_SMILE_RIGHT] = min(max(smile - uneven, 0.0), 0.4) * (1.0 - 0.7 * speaking)
        brow = style.brow + 0.025 * self._brow.at(t_s) + 0.006 * max(0.0, -in_socket.pitch)
        weights[_BROW] = min(max(brow, 0.0), 0.25)
        for shapes, weight in (
            (_SQUINTS, style.squint * (1.0 - 0.5 * speaking)),
            (_NOSTRILS, 0.02 * max(0.0, breath) * quiet),
            (_PRESSES, self._press(t_s) * quiet),
        ):
            for shape in shapes:
                weights[shape] = weight
        return Pose(np.array(weights, np.float32), np.array(own, np.float32))

    def _head(self, t_s: float, style: Style, speaking: float, breath: float) -> list[float]:
        size = style.sway * (1.0 - (1.0 - _SWAY_SPEAKING) * speaking)
        follow = self.gaze.head(t_s)
        added = (
            follow.pitch + style.bow_deg + self._nod(t_s) * (1.0 - speaking) - 0.35 * breath,
            follow.yaw,
            0.0,
        )
        head = [0.0] * HEAD_COUNT
        unrest = min(abs(self._unrest.at(t_s)), 1.5)  # people move in bouts, with stillness between
        for axis, (slow, quick) in enumerate(_AXES_DEG):
            wander = slow * (self._slow[axis].at(t_s) + 0.6 * self._posture[axis].at(t_s))
            angle_deg = size * (wander + quick * unrest * self._quick[axis].at(t_s)) + added[axis]
            head[axis] = math.radians(angle_deg)
        head[3] = 0.02 * head[1]  # the neck is behind the face: a turn takes it along
        head[4] = 0.0008 * breath
        return head

    def _breath(self, t_s: float) -> float:
        """-1..1: a quicker rise (40 % of the cycle) and a slower fall, never quite regular."""
        x = (t_s * _BREATH_HZ + self._breath_phase + 0.15 * self._breath_drift.at(t_s)) % 1.0
        if x < _INHALE_SHARE:
            return -math.cos(math.pi * x / _INHALE_SHARE)
        return math.cos(math.pi * (x - _INHALE_SHARE) / (1.0 - _INHALE_SHARE))

    def _nod(self, t_s: float) -> float:
        """Degrees of a listener's nod: one to three dips, each smaller."""
        slot = math.floor(t_s / _NOD_SLOT_S)
        draw = self._draws(_NOD_STREAM, slot)
        start_s = (slot + 0.3 * draw[1]) * _NOD_SLOT_S
        if t_s < start_s or draw[0] >= self.cues.style(start_s).nods_a_minute * _NOD_SLOT_S / 60.0:
            return 0.0
        dips, dip_s = 1 + int(3.0 * draw[2]), 0.42 + 0.2 * draw[3]
        place = (t_s - start_s) / dip_s
        if place >= dips:
            return 0.0
        return (2.0 + 2.5 * draw[4]) * 0.6 ** int(place) * 0.5 * (1.0 - math.cos(2.0 * math.pi * place))

    def _press(self, t_s: float) -> float:
        """Now and then the lips press together for a moment."""
        slot = math.floor(t_s / _PRESS_SLOT_S)
        draw = self._draws(_PRESS_STREAM, slot)
        x = (t_s - (slot + 0.8 * draw[1]) * _PRESS_SLOT_S) / 0.9
        if draw[0] > 0.35 or not 0.0 < x < 1.0:
            return 0.0
        return (0.1 + 0.15 * draw[2]) * math.sin(math.pi * x) ** 2

    def _draws(self, stream: int, slot: int) -> list[float]:
        """Five random numbers of a slot of time."""
        kept = self._slots.get(stream)
        if kept is None or kept[0] != slot:
            kept = self._slots[stream] = (slot, [self._chance.uniform(stream, 8 * slot + i) for i in range(5)])
        return kept[1]


def _set_gaze(weights: list[float], look: Look) -> None:
    side = min(abs(look.yaw) / FULL_LOOK_DEG, 1.0)
    # To the avatar's left, its left eye turns out and its right eye in.
    left, right = ("Out", "In") if look.yaw >= 0.0 else ("In", "Out")
    weights[_LOOKS["Left", left]] = weights[_LOOKS["Right", right]] = side
    way = "Down" if look.pitch >= 0.0 else "Up"
    weights[_LOOKS["Left", way]] = weights[_LOOKS["Right", way]] = min(abs(look.pitch) / FULL_LOOK_DEG, 1.0)
