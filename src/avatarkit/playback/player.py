"""The player: rounds in, a pose out. It owns the audio clock and says what the avatar is doing.

Audio is the master. It is never moved to fit motion; motion is sampled at the position that has been *heard*.
The one wait there is lies before the first sample: a round's audio is held until its first motion is here, at
most :data:`FIRST_MOTION_WAIT_S`, so that the lips are right from the first sound on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.frames import MotionFrames, Pose
from avatarkit.playback.heard import HeardAudio, Samples
from avatarkit.playback.life import Life
from avatarkit.playback.round import Round
from avatarkit.playback.transitions import INTERRUPTED, OUT_OF_SPEECH, SpeechLayer
from avatarkit.types import ConversationState

FIRST_MOTION_WAIT_S: Final = 0.4
"""Seconds after a round's first audio; then it plays without motion, which joins in when it comes."""

FIRST_MOTION_FRAMES: Final = 3
"""Frames that must be here before audio begins: a cushion of 120 ms against jitter of the network."""

MAX_QUEUED_S: Final = 600.0
"""Seconds of audio that may wait unheard."""

_GAP_HOLD_S: Final = 0.08  # a shorter gap in the motion holds the last frame instead of easing to rest
_DRY_S: Final = 0.2  # a speaker that stood still for longer has run dry


@dataclass(frozen=True, slots=True)
class Frame:
    """What to draw, and what is needed to tell whether it may still be shown."""

    pose: Pose
    generation: int
    """:attr:`Player.generation` when it was made: a frame of an older generation must not be shown."""
    position_s: float | None
    """Audio position of its motion, or ``None`` when the avatar does not speak."""


class Player:
    """Playback of one avatar. Not thread safe; it never blocks, and nothing happens but in its methods.

    Call :meth:`update` some fifty times a second, besides :meth:`frame` for every picture.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        speaker: Speaker,
        sample_rate: int,
        seed: int,
        new_id: Callable[[], str],
        on_state: Callable[[ConversationState], None],
        on_heard: Callable[[Samples, float], None],
    ) -> None:
        """Take an open speaker.

        Args:
            clock: Time.
            speaker: Open at ``sample_rate`` hertz.
            sample_rate: Of the PCM that will come.
            seed: Of idle motion.
            new_id: Makes a round id, never the same twice.
            on_state: Called on every change of the conversation state, when its transition begins.
            on_heard: Called with samples (int16, volume applied) as they are heard, and the clock time in
                seconds of the first.
        """
        self._clock = clock
        self._speaker = speaker
        self._rate = sample_rate
        self._new_id = new_id
        self._on_state = on_state
        self._on_heard = on_heard
        self._life = Life(seed)
        self._layer = SpeechLayer()
        self._heard = HeardAudio(sample_rate)
        self._born_s = clock.now()
        self._round: Round | None = None
        self._last_id: str | None = None
        self._state = ConversationState.IDLE
        self._paused = False
        self._volume = 1.0
        self._moved = (0.0, clock.now())  # heard samples, and when they last moved
        self._last_motion: tuple[Pose, float] | None = None  # and the time it was for
        self._generation = 0

    # --- what it is doing ---------------------------------------------------------------------------------

    @property
    def state(self) -> ConversationState:
        """Idle, playing or paused."""
        return self._state

    @property
    def generation(self) -> int:
        """Rises whenever a round is cut off; frames made before are void then."""
        return self._generation

    @property
    def round_id(self) -> str | None:
        """Id of the round that is fed, held or heard."""
        return None if self._round is None else self._round.id

    @property
    def input_open(self) -> bool:
        """Whether the next audio continues the round."""
        return self._round is not None and not self._round.input_ended

    @property
    def last_id(self) -> str | None:
        """Id of the newest round, over or not."""
        return self._last_id

    @property
    def queued_s(self) -> float:
        """Seconds of audio that were not heard yet."""
        if self._round is None:
            return 0.0
        if not self._round.started:
            return self._round.samples / self._rate
        return self._speaker.queued_samples() / self._rate

    @property
    def audio_time_s(self) -> float:
        """Heard position in the round, in seconds; 0 without one."""
        return self._heard_samples() / self._rate

    @property
    def volume(self) -> float:
        """Gain 0..1."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._volume = volume
        self._speaker.set_volume(volume)

    # --- rounds in ----------------------------------------------------------------------------------------

    def open_round(self, *, expects_motion: bool) -> str:
        """Begin a round under a new id. Whatever still plays is cut off."""
        self._cut()
        self._round = Round(self._new_id(), self._clock.now(), expects_motion)
        self._last_id = self._round.id
        return self._round.id

    def push_audio(self, pcm: bytes, *, end: bool) -> None:
        """Take whole samples of the open round; ``end`` closes its input. A round must be open for input."""
        current = self._round
        assert current is not None
        assert not current.input_ended
        current.samples += len(pcm) // 2
        current.input_ended = end
        if current.started:
            self._write(pcm)
        elif pcm:
            current.held.append(pcm)
        self.update()

    def push_motion(self, round_id: str, frames: MotionFrames) -> bool:
        """Take motion; false, and nothing else, when it is of any but the present round.

        Raises ``ValueError`` as in ``MotionTimeline.add``.
        """
        if self._round is None or round_id != self._round.id:
            return False
        self._round.add_motion(frames)
        self.update()
        return True

    def end_motion(self, round_id: str) -> None:
        """No more motion will come for a round."""
        if self._round is not None and round_id == self._round.id:
            self._round.motion_ended = True
            self.update()

    def lose_connection(self) -> None:
        """No more motion will come at all; an open round is over when what it has was heard."""
        if self._round is not None:
            self._round.expects_motion = False
            self._round.input_lost = True
            self.update()

    # --- control ------------------------------------------------------------------------------------------

    def interrupt(self) -> str | None:
        """Fall silent and let the face ease to rest; returns the id of the round that was cut off."""
        cut = self._cut()
        self._set_state(ConversationState.IDLE)
        return cut

    def pause(self) -> bool:
        """Hold the round: silence at once, buffers kept, the face eases to rest. False without a round."""
        if self._round is None:
            return False
        if not self._paused:
            self._report_heard()
            self._paused = True
            self._speaker.pause()
            self._layer.leave(self._clock.now())
            self._set_state(ConversationState.PAUSED)
        return True

    def resume(self) -> bool:
        """Go on from the same position. False without a round."""
        if self._round is None:
            return False
        if self._paused:
            self._paused = False
            self._speaker.resume()
            self._moved = (self._heard_samples(), self._clock.now())
            self._set_state(ConversationState.PLAYING)
            self.update()
        return True

    # --- time ---------------------------------------------------------------------------------------------

    def update(self) -> None:
        """Let time have its effects: start what was held, hand on what was heard, end what is over."""
        current = self._round
        if current is None or self._paused:
            return
        now_s = self._clock.now()
        if not current.started and self._may_start(current, now_s):
            self._start(current, now_s)
        if not current.started or self._round is not current:
            return  # the second: whoever was told of the start has cut the round off
        self._report_heard(everything=False)
        heard = self._heard_samples()
        if heard > self._moved[0]:
            self._moved = (heard, now_s)
        if current.timeline is not None:
            current.timeline.forget_before(heard / self._rate - 1.0)
        if (current.input_ended or current.input_lost) and self._speaker.queued_samples() == 0:
            self._finish(now_s)

    def frame(self, at_s: float) -> Frame:
        """The face for the clock time ``at_s``, which may lie a little ahead; times never go back."""
        self.update()
        now_s = self._clock.now()
        target, position_s = self._motion(at_s, now_s)
        if target is None:
            self._layer.leave(now_s, OUT_OF_SPEECH)
        else:
            self._layer.enter(now_s)
        speech, share = self._layer.show(target, at_s)
        life = self._life.pose(max(0.0, at_s - self._born_s), speaking=share)
        pose = Pose(np.clip(np.maximum(life.weights, speech.weights), 0.0, 1.0), life.head + speech.head)
        return Frame(pose, self._generation, position_s)

    # --- inside -------------------------------------------------------------------------------------------

    def _may_start(self, current: Round, now_s: float) -> bool:
        return (
            not current.expects_motion
            or current.has_motion_until(FIRST_MOTION_FRAMES)
            or now_s >= current.opened_s + FIRST_MOTION_WAIT_S
        )

    def _start(self, current: Round, now_s: float) -> None:
        current.started = True
        for pcm in current.held:
            self._write(pcm)
        current.held.clear()
        self._moved = (0.0, now_s)
        if current.samples:
            self._set_state(ConversationState.PLAYING)

    def _write(self, pcm: bytes) -> None:
        if pcm:
            self._speaker.write(pcm)
            self._heard.queue(pcm)

    def _cut(self) -> str | None:
        """Stop the round, if there is one: speaker empty, its frames void, the mouth closing."""
        cut = self._round
        if cut is None:
            return None
        self._report_heard()
        self._generation += 1
        self._round = None
        self._last_motion = None
        self._speaker.flush()
        self._heard.clear()
        if self._paused:
            self._paused = False
            self._speaker.resume()
        self._layer.take_back(self._clock.now())
        self._layer.leave(self._clock.now(), INTERRUPTED)
        return cut.id

    def _finish(self, now_s: float) -> None:
        self._report_heard()
        self._round = None
        self._last_motion = None
        self._speaker.flush()
        self._heard.clear()
        self._layer.leave(now_s, OUT_OF_SPEECH)
        self._set_state(ConversationState.IDLE)

    def _motion(self, at_s: float, now_s: float) -> tuple[Pose | None, float | None]:
        current = self._round
        if current is None or not current.started or self._paused or current.timeline is None:
            return None, None
        heard = self._heard_samples()
        ran_dry = self._speaker.queued_samples() == 0 and now_s - self._moved[1] > _DRY_S
        if ran_dry:
            return None, None
        total_s = current.samples / self._rate
        position_s = min(max(heard / self._rate + at_s - now_s, 0.0), total_s)
        pose = current.timeline.sample(position_s)
        if pose is not None:
            self._last_motion = (pose, at_s)
            return pose, position_s
        if self._last_motion is not None and at_s - self._last_motion[1] <= _GAP_HOLD_S:
            return self._last_motion[0], None
        return None, None

    def _heard_samples(self) -> float:
        return self._speaker.heard_samples() if self._round is not None and self._round.started else 0.0

    def _report_heard(self, *, everything: bool = True) -> None:
        piece = self._heard.take(self._heard_samples(), self._clock.now(), everything=everything)
        if piece is None:
            return
        samples, at_s = piece
        if self._volume != 1.0:
            samples = np.rint(samples * np.float32(self._volume)).astype(np.int16)
        self._on_heard(samples, at_s)

    def _set_state(self, state: ConversationState) -> None:
        if state is not self._state:
            self._state = state
            self._on_state(state)
