"""From frames at any time to pictures at a constant rate."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from avatarkit.render.contract import Image

_LONGEST_HOLD_S: Final = 600.0


class Held(NamedTuple):
    """A picture for a number of slots in a row."""

    image: Image
    slots: int


class Slots:
    """Slot k shows the latest frame presented with ``time_s <= k / frame_rate``.

    A slot for which there is no new frame repeats the one before; those before the first frame show the first.
    """

    def __init__(self, size: tuple[int, int], frame_rate: float) -> None:
        self._shape = (size[1], size[0], 4)
        self._frame_rate = frame_rate
        self._pending: Image | None = None
        self._last_time_s = 0.0
        self.filled = 0
        """Slots that were given out."""

    def add(self, image: Image, time_s: float) -> Held | None:
        """Take a frame, and give what is settled by it.

        Raises ``ValueError`` for an image of another size, a time that goes back, or a jump of over ten minutes.
        """
        if image.shape != self._shape:
            raise ValueError(f"the image must be {self._shape[0]} x {self._shape[1]} x 4, not {image.shape}")
        if not self._last_time_s <= time_s <= self._last_time_s + _LONGEST_HOLD_S:
            raise ValueError(f"time {time_s} s does not follow {self._last_time_s} s")
        self._last_time_s = time_s
        # A frame belongs to the first slot that is not before it, less what rounding of k / rate may cost.
        slot = max(0, math.ceil(time_s * self._frame_rate - 1e-6))
        settled = self._give(slot - self.filled, image) if slot > self.filled else None
        self._pending = image
        return settled

    def finish(self) -> Held | None:
        """The last frame, once."""
        if self._pending is None:
            return None
        settled = self._give(1, self._pending)
        self._pending = None
        return settled

    def _give(self, slots: int, first: Image) -> Held:
        self.filled += slots
        return Held(first if self._pending is None else self._pending, slots)
