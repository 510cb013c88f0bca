"""A conversation round: one utterance, its audio and its motion under one id."""

from __future__ import annotations

from dataclasses import dataclass, field

from avatarkit.frames import MotionFrames
from avatarkit.playback.timeline import MotionTimeline


@dataclass(slots=True)
class Round:
    """State of the round that is being fed or heard. Ids are never used again."""

    id: str
    opened_s: float
    """Clock time of its first audio."""
    expects_motion: bool
    """Whether waiting for motion makes sense; false while there is no connection."""
    held: list[bytes] = field(default_factory=list)
    """Audio that waits for the first motion."""
    samples: int = 0
    """Samples taken in, held or written."""
    started: bool = False
    """Whether its audio goes to the speaker."""
    input_ended: bool = False
    """Whether the app has said that no more audio comes."""
    input_lost: bool = False
    """The connection broke while the round was open: it is over when what is buffered was heard."""
    motion_ended: bool = False
    timeline: MotionTimeline | None = None

    def add_motion(self, frames: MotionFrames) -> int:
        """Take motion and return how many frames were new; ``ValueError`` as in ``MotionTimeline``."""
        if self.timeline is None:
            self.timeline = MotionTimeline(frames.frame_rate)
        return self.timeline.add(frames)

    def has_motion_until(self, frames: int) -> bool:
        """Whether motion reaches ``frames`` frames into the round, or all there will be is here."""
        if self.timeline is None:
            return self.motion_ended
        return self.motion_ended or self.timeline.sample((frames - 1) / self.timeline.frame_rate) is not None
