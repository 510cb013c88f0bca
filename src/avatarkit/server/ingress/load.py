"""Whether the server keeps up."""

from __future__ import annotations

import math
from typing import Final

from avatarkit.clock import Clock

_MEMORY_S: Final = 1.0
"""How long lateness is remembered: one slow step is no overload, a second of them is."""
_MOST_OF_ONE_STEP_S: Final = 0.1
_NOTHING_S: Final = 0.0
_MOST_BUSY: Final = 0.75
"""Share of the time that steps and what belongs to them may take. Reading what clients send and taking in new ones
take some too, and just before all of it is used up lateness begins to grow without an end."""


class Load:
    """Follows how late motion is for those who speak in real time.

    Args:
        clock: Source of time.
        limit_s: Mean lateness above which the server is overloaded; it is, too, when its time is nearly used up.
            0 never is.
    """

    def __init__(self, clock: Clock, limit_s: float) -> None:
        self._clock = clock
        self._limit_s = limit_s
        self._late_s = _NOTHING_S
        self._noted_s = self._worked_s = clock.now()
        self._busy = 0.0

    def work(self, share: float, seconds: float) -> None:
        """Of the last so many seconds, ``share`` (0..1) went into motion for those who speak in real time."""
        now_s = self._clock.now()
        before = self._busy * math.exp(-max(0.0, now_s - seconds - self._worked_s) / _MEMORY_S)
        self._busy = before + (share - before) * (1.0 - math.exp(-seconds / _MEMORY_S))
        self._worked_s = now_s

    @property
    def busy(self) -> float:
        """Mean share of the time, 0..1, over about the last second; fades when nobody speaks."""
        return self._busy * math.exp(-max(0.0, self._clock.now() - self._worked_s) / _MEMORY_S)

    def note(self, late_s: float) -> None:
        """A step of the engine ended so many seconds after the oldest audio that it answered had arrived."""
        now_s = self._clock.now()
        # It speaks for the time it took; in the rest since the last one nobody was late.
        spoken_s = min(max(0.0, now_s - self._noted_s), late_s, _MOST_OF_ONE_STEP_S)
        self._late_s = self.late_s + late_s * (1.0 - math.exp(-spoken_s / _MEMORY_S))
        self._noted_s = now_s

    @property
    def late_s(self) -> float:
        """Mean lateness over about the last second; fades when nobody speaks."""
        return self._late_s * math.exp(-max(0.0, self._clock.now() - self._noted_s) / _MEMORY_S)

    @property
    def is_over(self) -> bool:
        """Whether a further session would make all late."""
        return self._limit_s > 0.0 and (self.late_s > self._limit_s or self.busy > _MOST_BUSY)
