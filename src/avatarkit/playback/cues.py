"""What happens to a living face from outside, and when: moods, places to look at, speech and its pauses."""

from __future__ import annotations

import bisect
from typing import Final, Generic, NamedTuple, TypeVar

from avatarkit.playback.mood import CHANGE_S, STYLES, Style, between
from avatarkit.types import Mood

_KEPT: Final = 256
_T = TypeVar("_T")


class Steps(Generic[_T]):
    """A value that changes at points in time. The newest 256 changes are kept; before them, the oldest holds."""

    def __init__(self, first: _T) -> None:
        self._times = [0.0]
        self._values = [first]

    def set(self, t_s: float, value: _T) -> None:
        """Change it; a time before the last change counts as that."""
        self._times.append(max(t_s, self._times[-1]))
        self._values.append(value)
        if len(self._times) > _KEPT:
            del self._times[: -_KEPT // 2]
            del self._values[: -_KEPT // 2]

    def at(self, t_s: float) -> tuple[float, _T]:
        """When it last changed, and the value since."""
        index = max(0, bisect.bisect_right(self._times, t_s) - 1)
        return self._times[index], self._values[index]

    def changes(self) -> list[tuple[float, _T]]:
        """All changes that are kept, the first value included."""
        return list(zip(self._times, self._values, strict=True))

    def replace(self, changes: list[tuple[float, _T]]) -> None:
        """Take the changes of another, as :meth:`changes` gives them."""
        self._times = [t_s for t_s, _ in changes]
        self._values = [value for _, value in changes]

    def after(self, t_s: float) -> tuple[float, _T] | None:
        """The next change, or ``None``."""
        index = bisect.bisect_right(self._times, t_s)
        return (self._times[index], self._values[index]) if index < len(self._times) else None


class Cue(NamedTuple):
    """A moment that makes a blink likely."""

    t_s: float
    likelihood: float
    """0..1."""
    reach_s: float
    """A blink that would come within so many seconds comes now; infinite: one comes in any case."""


class Cues:
    """All of it, for one face."""

    def __init__(self) -> None:
        neutral = STYLES[Mood.NEUTRAL]
        self.speaking = Steps(False)
        self.pauses: Steps[None] = Steps(None)
        self.moods: Steps[tuple[Style, Style]] = Steps((neutral, neutral))

    def set_mood(self, t_s: float, mood: Mood) -> None:
        """Begin to change over to a mood."""
        self.moods.set(t_s, (self.style(t_s), STYLES[mood]))

    def style(self, t_s: float) -> Style:
        """How the face lives at a time."""
        since_s, (before, after) = self.moods.at(t_s)
        x = min((t_s - since_s) / CHANGE_S, 1.0)
        return between(before, after, x * x * (3.0 - 2.0 * x))
