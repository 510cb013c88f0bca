"""What is seen: a face that lives, and speech laid over it."""

from __future__ import annotations

import numpy as np

from avatarkit.frames import Pose
from avatarkit.playback.life import Life
from avatarkit.playback.transitions import Fade, SpeechLayer
from avatarkit.types import Mood


class Face:
    """Life and speech of one avatar. All times are the clock's; those of :meth:`pose` never go back."""

    def __init__(self, seed: int, born_s: float) -> None:
        """``seed``: of idle motion, which begins at ``born_s``."""
        self.life = Life(seed)
        self.speech = SpeechLayer()
        self.born_s = born_s

    @property
    def is_speaking(self) -> bool:
        """Whether the face shows speech, or is going over to it."""
        return self.speech.is_speaking

    def enter_speech(self, now_s: float) -> None:
        """Begin to go over to speech, unless that has begun already."""
        if not self.speech.is_speaking:
            self.speech.enter(now_s)
            self.life.speak(self._life_time(now_s), active=True)

    def leave_speech(self, now_s: float, fade: Fade) -> None:
        """Begin to go back to rest; a quicker fade takes over from a slower one."""
        if self.speech.is_speaking:
            self.life.speak(self._life_time(now_s), active=False)
        self.speech.leave(now_s, fade)

    def take_back(self, now_s: float) -> None:
        """Forget the last pose if its time has not come: it will not be shown."""
        self.speech.take_back(now_s)

    def voice_pauses(self, now_s: float) -> None:
        """The voice pauses: people blink then."""
        self.life.pause(self._life_time(now_s))

    def set_mood(self, now_s: float, mood: Mood) -> None:
        """Change over to another mood."""
        self.life.set_mood(self._life_time(now_s), mood)

    def look_at(self, now_s: float, x: float, y: float) -> None:
        """Attend to a place in the picture; see ``Player.look_at``."""
        self.life.look_at(self._life_time(now_s), x, y)

    def pose(self, target: Pose | None, at_s: float) -> Pose:
        """The face at ``at_s``, going towards ``target`` (``None``: rest)."""
        speech, share = self.speech.show(target, at_s)
        life = self.life.pose(self._life_time(at_s), speaking=share, head=speech.head)
        return Pose(np.clip(np.maximum(life.weights, speech.weights), 0.0, 1.0), life.head + speech.head)

    def _life_time(self, clock_s: float) -> float:
        return max(0.0, clock_s - self.born_s)
