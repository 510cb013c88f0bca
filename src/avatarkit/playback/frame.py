"""What a player makes, and who may listen to how it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from avatarkit.frames import Pose


@dataclass(frozen=True, slots=True)
class Frame:
    """What to draw, and what is needed to tell whether it may still be shown."""

    pose: Pose
    generation: int
    """:attr:`Player.generation` when it was made: a frame of an older generation must not be shown."""
    position_s: float | None
    """Audio position of its motion, or ``None`` when the avatar does not speak."""
    number: int = 0
    """How many were made before it."""


class Tap(Protocol):
    """Listens to every call that may change what a player does."""

    def __call__(self, call: str, now_s: float, heard: float, arguments: tuple[Any, ...]) -> None:
        """``call`` was made at the clock time ``now_s``, when the speaker had told ``heard`` samples."""
        ...
