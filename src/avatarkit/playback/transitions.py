"""Into speech and out of it: a cross-fade from what was shown last to what shall be shown now.

Because a fade always starts from the pose that was really shown, it can be interrupted at any moment by
another one without a jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_NAMES, HEAD_COUNT, WEIGHT_COUNT, FloatArray, Pose

_FRAME_S: Final = 1.0 / 25.0


@dataclass(frozen=True, slots=True)
class Fade:
    """How long a fade takes, in seconds, for the mouth (lips, jaw, tongue, cheeks) and for all else."""

    mouth_s: float
    rest_s: float


INTO_SPEECH: Final = Fade(8 * _FRAME_S, 8 * _FRAME_S)
OUT_OF_SPEECH: Final = Fade(20 * _FRAME_S, 20 * _FRAME_S)
INTERRUPTED: Final = Fade(4 * _FRAME_S, 20 * _FRAME_S)
"""The mouth shuts within 160 ms, so that with one frame of delay it is shut after 200 ms."""

_MOUTH_PREFIXES: Final = ("jaw", "mouth", "tongue", "cheekPuff")
_WIDTH: Final = WEIGHT_COUNT + HEAD_COUNT + 1
_IS_MOUTH: Final = np.array(
    [name.startswith(_MOUTH_PREFIXES) for name in ARKIT_NAMES] + [False] * (HEAD_COUNT + 1), np.bool_
)


def ease_out(x: float) -> float:
    """1 - (1 - x)^3 on 0..1, clamped: quick at first, so that the lips are not late at the onset of speech."""
    x = min(max(x, 0.0), 1.0)
    return 1.0 - (1.0 - x) ** 3


class SpeechLayer:
    """What speech adds to the living face: a pose, and how much the avatar is speaking (0..1)."""

    def __init__(self) -> None:
        self._from = np.zeros(_WIDTH, np.float32)
        self._shown = np.zeros(_WIDTH, np.float32)
        self._shown_at_s = float("-inf")
        self._before = (self._shown, self._shown_at_s)  # the frame before the last one
        self._fade = OUT_OF_SPEECH
        self._fade_start_s = float("-inf")
        self._speaking = False

    @property
    def is_speaking(self) -> bool:
        """Whether the last change went into speech."""
        return self._speaking

    def enter(self, now_s: float) -> None:
        """Begin to fade into speech, unless that has begun already."""
        if not self._speaking:
            self._begin(INTO_SPEECH, now_s, speaking=True)

    def leave(self, now_s: float, fade: Fade = OUT_OF_SPEECH) -> None:
        """Begin to fade to rest. A quicker fade takes over from a slower one that is under way."""
        if self._speaking or (fade.mouth_s < self._fade.mouth_s and now_s < self._fade_start_s + self._fade.mouth_s):
            self._begin(fade, now_s, speaking=False)

    def take_back(self, now_s: float) -> None:
        """Forget the last frame if its time has not come: it was drawn ahead, and will not be shown."""
        if self._shown_at_s > now_s:
            self._shown, self._shown_at_s = self._before

    def show(self, target: Pose | None, at_s: float) -> tuple[Pose, float]:
        """The layer at ``at_s`` seconds of the clock, fading towards ``target`` (``None``: rest).

        Returns the pose and the share of speech. Times never go back.
        """
        goal = np.zeros(_WIDTH, np.float32)
        if target is not None and self._speaking:
            goal[:WEIGHT_COUNT] = target.weights
            goal[WEIGHT_COUNT:-1] = target.head
            goal[-1] = 1.0
        elapsed_s = at_s - self._fade_start_s
        mouth = ease_out(elapsed_s / self._fade.mouth_s)
        rest = ease_out(elapsed_s / self._fade.rest_s)
        share: FloatArray = np.where(_IS_MOUTH, np.float32(mouth), np.float32(rest))
        self._before = (self._shown, self._shown_at_s)
        self._shown = self._from + (goal - self._from) * share
        self._shown_at_s = at_s
        return Pose(self._shown[:WEIGHT_COUNT], self._shown[WEIGHT_COUNT:-1]), float(self._shown[-1])

    def _begin(self, fade: Fade, now_s: float, *, speaking: bool) -> None:
        # A fade starts where the last frame was, which may lie a little ahead of the clock or behind it:
        # so the first frame after the change already moves.
        self._from = self._shown
        self._fade = fade
        self._fade_start_s = self._shown_at_s if self._shown_at_s > now_s - 1.5 * _FRAME_S else now_s
        self._speaking = speaking
