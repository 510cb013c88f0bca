"""A conversation round: one utterance, its audio and its motion under one id."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from avatarkit.frames import MotionFrames, Pose
from avatarkit.playback.pauses import PauseFinder
from avatarkit.playback.timeline import MotionTimeline

FIRST_MOTION_WAIT_S: Final = 0.4
"""Seconds after a round's first audio; then it plays without motion, which joins in when it comes."""

FIRST_MOTION_FRAMES: Final = 3
"""Frames that must be here before audio begins: a cushion of 120 ms against jitter of the network."""

MAX_QUEUED_S: Final = 600.0
"""Seconds of audio that may wait unheard."""

_GAP_HOLD_S: Final = 0.08  # a shorter gap in the motion holds the last frame instead of easing to rest
_DRY_S: Final = 0.2  # a speaker that stood still for longer has run dry


@dataclass(slots=True)
class Round:
    """State of the round that is being fed or heard. Ids are never used again."""

    id: str
    opened_s: float
    """Clock time of its first audio."""
    rate: int
    """Hertz of its audio."""
    expects_motion: bool
    """Whether waiting for motion makes sense; false while there is no connection."""
    strict: bool
    """Whether audio waits for its motion."""
    held: deque[bytes] = field(default_factory=deque)
    """Audio that waits for motion."""
    samples: int = 0
    """Samples taken in, held or written."""
    written: int = 0
    """Samples handed to the speaker."""
    started: bool = False
    """Whether its audio goes to the speaker."""
    was_heard: bool = False
    """Whether its start was told."""
    told_s: float = 0.0
    """Position that was told last."""
    stalled: bool = False
    """Whether it stands still for want of motion."""
    starved: bool = False
    """Whether it is heard without the motion that it expects."""
    input_ended: bool = False
    """Whether the app has said that no more audio comes."""
    input_lost: bool = False
    """The connection broke while the round was open: it is over when what is buffered was heard."""
    motion_ended: bool = False
    refuses_motion: bool = False
    """Its motion was found to be missing, so that what still comes is not shown."""
    timeline: MotionTimeline | None = None
    pauses: PauseFinder = field(init=False)
    moved: tuple[float, float] = (0.0, 0.0)
    """Heard samples, and the clock time when they last moved."""
    last_motion: tuple[Pose, float] | None = None
    """And the time it was for."""

    def __post_init__(self) -> None:
        self.pauses = PauseFinder(self.rate)

    def add_motion(self, frames: MotionFrames) -> int:
        """Take motion and return how many frames were new; ``ValueError`` as in ``MotionTimeline``."""
        if self.timeline is None:
            self.timeline = MotionTimeline(frames.frame_rate)
        return self.timeline.add(frames)

    def has_motion_until(self, frames: int, position_s: float = 0.0) -> bool:
        """Whether motion reaches ``frames`` frames beyond a position, or all there will be is here."""
        if self.timeline is None or self.motion_ended:
            return self.motion_ended
        return self.timeline.covered_until(position_s) >= position_s + (frames - 0.5) / self.timeline.frame_rate

    def may_start(self, now_s: float) -> bool:
        """Whether its audio may go to the speaker."""
        if not self.expects_motion or self.has_motion_until(FIRST_MOTION_FRAMES):
            return True
        return not self.strict and now_s >= self.opened_s + FIRST_MOTION_WAIT_S

    def room(self, heard: float) -> int:
        """Samples that the speaker may be given now: all there are, or in a strict round what has motion."""
        if not self.strict or not self.expects_motion or self.motion_ended:
            return self.samples - self.written
        at_s = heard / self.rate
        if self.timeline is None or (self.stalled and not self.has_motion_until(FIRST_MOTION_FRAMES, at_s)):
            return 0
        return int(self.timeline.covered_until(at_s) * self.rate) - self.written

    def is_over(self, heard: float) -> bool:
        """Whether no more comes, and all of it was heard."""
        return (self.input_ended or self.input_lost) and not self.held and self.written <= int(heard)

    def lacks_motion(self, heard: float) -> bool:
        """Whether it is heard at a position for which motion has yet to come."""
        if not self.expects_motion or self.motion_ended or heard >= self.written - 1:
            return False
        return self.timeline is None or self.timeline.sample(heard / self.rate) is None

    def motion(self, at_s: float, now_s: float, heard: float) -> tuple[Pose | None, float | None]:
        """The motion for the clock time ``at_s``, when ``heard`` samples are heard at ``now_s``.

        Returns the pose and its audio position; neither where motion is missing, and only the pose while the
        last one holds through a short gap.
        """
        if not self.started or self.timeline is None:
            return None, None
        ran_dry = self.written <= int(heard) and now_s - self.moved[1] > _DRY_S
        if ran_dry:
            return None, None
        position_s = min(max(heard / self.rate + at_s - now_s, 0.0), self.written / self.rate)
        pose = self.timeline.sample(position_s)
        if pose is not None:
            self.last_motion = (pose, at_s)
            return pose, position_s
        if self.last_motion is not None and at_s - self.last_motion[1] <= _GAP_HOLD_S:
            return self.last_motion[0], None
        return None, None
