"""The player: rounds in, a pose out. It owns the audio clock and says what the avatar is doing.

Audio is the master. It is never moved to fit motion; motion is sampled at the position that has been *heard*.
Before the first sample a round waits for its first motion, at most :data:`FIRST_MOTION_WAIT_S`, so that the lips
are right from the first sound on. In ``strictSync`` the speaker is given no more audio than there is motion for.

What the player does follows from its seed, the calls, and two readings that each call takes once, at its
beginning: the time, and what was heard. So a record of these plays again to the same poses, bit for bit.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np

from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.frames import MotionFrames, Pose
from avatarkit.playback.frame import Frame, Tap
from avatarkit.playback.heard import HeardAudio, Samples
from avatarkit.playback.life import Life
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.round import FIRST_MOTION_FRAMES, FIRST_MOTION_WAIT_S, MAX_QUEUED_S, Round
from avatarkit.playback.transitions import INTERRUPTED, OUT_OF_SPEECH, Fade, SpeechLayer
from avatarkit.types import ConversationState, FrameStarvationMode, Mood

__all__ = ["FIRST_MOTION_FRAMES", "FIRST_MOTION_WAIT_S", "MAX_QUEUED_S", "PROGRESS_S", "Frame", "Player", "Tap"]

PROGRESS_S: Final = 0.25
"""Seconds of heard audio between two tellings of progress."""


def _ignore(*_: object) -> None:
    pass


class Player:
    """Playback of one avatar. Not thread safe; it never blocks, and nothing happens but in its methods.

    Call :meth:`update` some fifty times a second, besides :meth:`frame` for every picture. Callbacks are called
    one after the other at the end of the method that caused them, when the player is ready for further calls.
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
        on_started: Callable[[str], None] = _ignore,
        on_progress: Callable[[str, float], None] = _ignore,
        on_finished: Callable[[str, float, bool], None] = _ignore,
        on_stall: Callable[[bool], None] = _ignore,
        meter: SessionMeter | None = None,
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
            on_started: Called with a round's id when its first sound was heard.
            on_progress: Called with a round's id and heard seconds, every :data:`PROGRESS_S` of them.
            on_finished: Called once for each round: its id, heard seconds, and whether it was cut off.
            on_stall: Called with true when a strict round halts for want of motion, with false when it goes on.
            meter: Counts rounds, starvation and stalls.
        """
        self._clock = clock
        self._speaker = speaker
        self._rate = sample_rate
        self._new_id = new_id
        self._on_state, self._on_heard, self._on_started = on_state, on_heard, on_started
        self._on_progress, self._on_finished, self._on_stall = on_progress, on_finished, on_stall
        self._meter = SessionMeter() if meter is None else meter
        self.tap: Tap | None = None
        self._life = Life(seed)
        self._layer = SpeechLayer()
        self._heard_audio = HeardAudio(sample_rate)
        self._born_s = clock.now()
        self._round: Round | None = None
        self._last_id: str | None = None
        self._state = ConversationState.IDLE
        self._starvation_mode = FrameStarvationMode.AUDIO_INDEPENDENT
        self._paused = False
        self._volume = 1.0
        self._now_s = self._born_s
        self._heard = 0.0
        self._generation = 0
        self._frames = 0
        self._news: deque[Callable[[], None]] = deque()
        self._telling = False

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
        return 0.0 if self._round is None else self._round.samples / self._rate - self.audio_time_s

    @property
    def audio_time_s(self) -> float:
        """Heard position in the round, in seconds; 0 without one."""
        return self._read_heard() / self._rate

    @property
    def sample_rate(self) -> int:
        """Hertz of the PCM that is taken."""
        return self._rate

    @property
    def face_speaks(self) -> bool:
        """Whether the face shows speech, or is going over to it."""
        return self._layer.is_speaking

    @property
    def volume(self) -> float:
        """Gain 0..1."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._begin("volume", volume)
        self._volume = volume
        self._speaker.set_volume(volume)

    @property
    def starvation_mode(self) -> FrameStarvationMode:
        """What late motion does. ``strictSync`` holds from the next round on, ``audioIndependent`` at once."""
        return self._starvation_mode

    @starvation_mode.setter
    def starvation_mode(self, mode: FrameStarvationMode) -> None:
        self._begin("starvation_mode", mode)
        self._starvation_mode = mode
        if self._round is not None and mode is FrameStarvationMode.AUDIO_INDEPENDENT:
            self._round.strict = False
            self._advance()
        self._tell()

    # --- rounds in ----------------------------------------------------------------------------------------

    def open_round(self, *, expects_motion: bool) -> str:
        """Begin a round under a new id. Whatever still plays is cut off, which the next call tells."""
        round_id = self._new_id()
        self._begin("open_round", round_id, expects_motion)
        self._cut()
        strict = self._starvation_mode is FrameStarvationMode.STRICT_SYNC
        self._round = Round(round_id, self._now_s, self._rate, expects_motion, strict)
        self._last_id = round_id
        return round_id

    def push_audio(self, pcm: bytes, *, end: bool) -> None:
        """Take whole samples of the open round; ``end`` closes its input. A round must be open for input."""
        current = self._round
        assert current is not None
        assert not current.input_ended
        self._begin("push_audio", pcm, end)
        current.samples += len(pcm) // 2
        current.input_ended = end
        if pcm:
            current.held.append(pcm)
            current.pauses.push(pcm)
        self._advance()
        self._tell()

    def push_motion(self, round_id: str, frames: MotionFrames) -> bool:
        """Take motion; false, and nothing else, when it is of any but the present round.

        Raises ``ValueError`` as in ``MotionTimeline.add``.
        """
        current = self._round
        if current is None or round_id != current.id or current.refuses_motion:
            self._meter.motion_frames_unused += len(frames)
            return False
        self._begin("push_motion", round_id, frames)
        self._meter.motion_frames_unused += len(frames) - current.add_motion(frames)
        self._advance()
        self._tell()
        return True

    def end_motion(self, round_id: str) -> None:
        """No more motion will come for a round."""
        if self._round is not None and round_id == self._round.id:
            self._begin("end_motion", round_id)
            self._round.motion_ended = True
            self._advance()
            self._tell()

    def refuse_motion(self, round_id: str) -> None:
        """A round goes on as sound alone, whatever motion still comes for it."""
        if self._round is not None and round_id == self._round.id:
            self._begin("refuse_motion", round_id)
            self._round.refuses_motion = self._round.motion_ended = True
            self._round.timeline = None
            self._advance()
            self._tell()

    def lose_connection(self) -> None:
        """No more motion will come at all; an open round is over when what it has was heard."""
        if self._round is not None:
            self._begin("lose_connection")
            self._round.expects_motion = False
            self._round.input_lost = True
            self._advance()
            self._tell()

    # --- control ------------------------------------------------------------------------------------------

    def interrupt(self) -> str | None:
        """Fall silent and let the face ease to rest; returns the id of the round that was cut off."""
        self._begin("interrupt")
        cut = self._cut()
        self._set_state(ConversationState.IDLE)
        self._tell()
        return cut

    def pause(self) -> bool:
        """Hold the round: silence at once, buffers kept, the face eases to rest. False without a round."""
        if self._round is None:
            return False
        if not self._paused:
            self._begin("pause")
            self._report_heard()
            self._paused = True
            self._speaker.pause()
            self._leave(OUT_OF_SPEECH)
            self._set_state(ConversationState.PAUSED)
            self._tell()
        return True

    def resume(self) -> bool:
        """Go on from the same position. False without a round."""
        if self._round is None:
            return False
        if self._paused:
            self._begin("resume")
            self._paused = False
            self._speaker.resume()
            self._round.moved = (self._heard, self._now_s)
            self._set_state(ConversationState.PLAYING)
            self._advance()
            self._tell()
        return True

    def change_rate(self, sample_rate: int) -> None:
        """Take PCM at another rate, in hertz, from now on. Whatever still plays is cut off.

        Raises ``AvatarError`` (``playbackInitFailed``) when the speaker cannot be opened at that rate.
        """
        self.interrupt()
        self._speaker.close()
        self._speaker.open(sample_rate)
        self._speaker.set_volume(self._volume)
        self._begin("change_rate", sample_rate)
        self._rate = sample_rate
        self._heard_audio = HeardAudio(sample_rate)

    def set_mood(self, mood: Mood) -> None:
        """Let the face live in another mood; it changes over within 1.5 s."""
        self._begin("set_mood", mood)
        self._life.set_mood(self._life_time(self._now_s), mood)

    def look_at(self, x: float, y: float) -> None:
        """Attend to a place in the picture: x and y -1..1, left to right and bottom to top; (0, 0) is the viewer."""
        self._begin("look_at", x, y)
        self._life.look_at(self._life_time(self._now_s), x, y)

    # --- time ---------------------------------------------------------------------------------------------

    def update(self) -> None:
        """Let time have its effects: start what was held, hand on what was heard, end what is over."""
        if self._round is None and not self._news:
            return
        self._begin("update")
        self._advance()
        self._tell()

    def frame(self, at_s: float) -> Frame:
        """The face for the clock time ``at_s``, which may lie a little ahead; times never go back."""
        self._begin("frame", at_s)
        self._advance()
        target, position_s = None, None
        if self._round is not None and not self._paused:
            target, position_s = self._round.motion(at_s, self._now_s, self._heard)
        if target is None:
            self._leave(OUT_OF_SPEECH)
        elif not self._layer.is_speaking:
            self._layer.enter(self._now_s)
            self._life.speak(self._life_time(self._now_s), active=True)
        speech, share = self._layer.show(target, at_s)
        life = self._life.pose(self._life_time(at_s), speaking=share, head=speech.head)
        pose = Pose(np.clip(np.maximum(life.weights, speech.weights), 0.0, 1.0), life.head + speech.head)
        frame = Frame(pose, self._generation, position_s, self._frames)
        self._frames += 1
        self._tell()
        return frame

    # --- inside -------------------------------------------------------------------------------------------

    def _begin(self, call: str, *arguments: Any) -> None:
        """Take the readings that the whole call goes by."""
        self._now_s = max(self._now_s, self._clock.now())
        self._heard = self._read_heard()
        if self.tap is not None:
            self.tap(call, self._now_s, self._heard, arguments)

    def _tell(self) -> None:
        """Call back, in order. What a callback does here is told behind what waits already."""
        if self._telling:
            return
        self._telling = True
        try:
            while self._news:
                self._news.popleft()()
        finally:
            self._telling = False

    def _advance(self) -> None:
        current = self._round
        if current is None or self._paused:
            return
        if not current.started and current.may_start(self._now_s):
            self._start(current)
        if not current.started:
            return
        self._feed(current)
        self._report_heard(everything=False)
        if self._heard > current.moved[0]:
            current.moved = (self._heard, self._now_s)
        self._tell_position(current)
        if current.pauses.take(self._heard):
            self._life.pause(self._life_time(self._now_s))
        if current.timeline is not None:
            current.timeline.forget_before(self._heard / self._rate - 1.0)
        self._watch(current)
        over = current.input_ended or current.input_lost
        if over and not current.held and current.written <= int(self._heard):
            self._finish(current)

    def _start(self, current: Round) -> None:
        current.started = True
        current.moved = (0.0, self._now_s)
        if current.samples:
            self._set_state(ConversationState.PLAYING)

    def _feed(self, current: Round) -> None:
        """Hand held audio to the speaker: all of it, or in a strict round as much as there is motion for."""
        room = current.room(self._heard)
        wrote = False
        while current.held and room > 0:
            pcm = current.held.popleft()
            if len(pcm) // 2 > room:
                current.held.appendleft(pcm[2 * room :])
                pcm = pcm[: 2 * room]
            self._speaker.write(pcm)
            self._heard_audio.queue(pcm)
            current.written += len(pcm) // 2
            room -= len(pcm) // 2
            wrote = True
        ran_dry = bool(current.held) and current.written <= int(self._heard)
        if current.stalled and wrote:
            self._end_stall(current)
        elif ran_dry and not current.stalled:
            current.stalled = True
            self._meter.stall_began(self._now_s)
            self._news.append(partial(self._on_stall, True))

    def _end_stall(self, current: Round) -> None:
        current.stalled = False
        self._meter.stall_ended(self._now_s)
        self._news.append(partial(self._on_stall, False))

    def _tell_position(self, current: Round) -> None:
        heard_s = self._heard / self._rate
        if heard_s > 0.0 and not current.was_heard:
            current.was_heard = True
            self._news.append(partial(self._on_started, current.id))
        if heard_s >= current.told_s + PROGRESS_S:
            current.told_s = heard_s
            self._news.append(partial(self._on_progress, current.id, heard_s))

    def _watch(self, current: Round) -> None:
        """Measure how long the round is heard without the motion that it expects."""
        starved = current.lacks_motion(self._heard)
        if starved != current.starved:
            current.starved = starved
            self._meter.starved(starved, self._now_s)

    def _cut(self) -> str | None:
        """Stop the round, if there is one: speaker empty, its frames void, the mouth closing."""
        cut = self._round
        if cut is None:
            return None
        self._generation += 1
        self._layer.take_back(self._now_s)
        self._end_round(cut, interrupted=True)
        if self._paused:
            self._paused = False
            self._speaker.resume()
        self._leave(INTERRUPTED)
        return cut.id

    def _finish(self, current: Round) -> None:
        self._end_round(current, interrupted=False)
        self._leave(OUT_OF_SPEECH)
        self._set_state(ConversationState.IDLE)

    def _end_round(self, current: Round, *, interrupted: bool) -> None:
        self._report_heard()
        self._tell_position(current)
        if current.stalled:
            self._end_stall(current)
        if current.starved:
            self._meter.starved(False, self._now_s)
        self._meter.round_ended(interrupted=interrupted)
        self._news.append(partial(self._on_finished, current.id, self._heard / self._rate, interrupted))
        self._round = None
        self._speaker.flush()
        self._heard_audio.clear()
        self._heard = 0.0

    def _leave(self, fade: Fade) -> None:
        if self._layer.is_speaking:
            self._life.speak(self._life_time(self._now_s), active=False)
        self._layer.leave(self._now_s, fade)

    def _life_time(self, clock_s: float) -> float:
        return max(0.0, clock_s - self._born_s)

    def _read_heard(self) -> float:
        return self._speaker.heard_samples() if self._round is not None and self._round.started else 0.0

    def _report_heard(self, *, everything: bool = True) -> None:
        piece = self._heard_audio.take(self._heard, self._now_s, everything=everything)
        if piece is None:
            return
        samples, at_s = piece
        if self._volume != 1.0:
            samples = np.rint(samples * np.float32(self._volume)).astype(np.int16)
        self._on_heard(samples, at_s)

    def _set_state(self, state: ConversationState) -> None:
        if state is not self._state:
            self._state = state
            self._news.append(partial(self._on_state, state))
