"""The player: rounds in, a pose out. It owns the audio clock and says what the avatar is doing.

Audio is the master. It is never moved to fit motion; motion is sampled at the position that has been *heard*.
Before the first sample a round waits for its first motion, at most :data:`FIRST_MOTION_WAIT_S`, so that the lips
are right from the first sound on. In ``strictSync`` the speaker is given no more audio than there is motion for.

What the player does follows from its seed, the calls, and two readings that each call takes once, at its
beginning: the time, and what was heard. So a record of these plays again to the same poses, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.frames import MotionFrames
from avatarkit.playback.face import Face
from avatarkit.playback.frame import Frame, Tap
from avatarkit.playback.heard import Samples
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.news import PROGRESS_S, News
from avatarkit.playback.pacing import Pacer
from avatarkit.playback.round import FIRST_MOTION_FRAMES, FIRST_MOTION_WAIT_S, MAX_QUEUED_S, Round
from avatarkit.playback.transitions import INTERRUPTED, OUT_OF_SPEECH
from avatarkit.playback.voice import Voice
from avatarkit.types import ConversationState, FrameStarvationMode, Mood

__all__ = ["FIRST_MOTION_FRAMES", "FIRST_MOTION_WAIT_S", "MAX_QUEUED_S", "PROGRESS_S", "Frame", "Player", "Tap"]


class Player:
    """Playback of one avatar: rounds in, a :class:`Voice` and a :class:`Face` out.

    Not thread safe; it never blocks, and nothing happens but in its methods.

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
        on_heard: Callable[[Samples, float], None],
        news: News | None = None,
        meter: SessionMeter | None = None,
    ) -> None:
        """Take an open speaker.

        Args:
            clock: Time.
            speaker: Open at ``sample_rate`` hertz.
            sample_rate: Of the PCM that will come.
            seed: Of idle motion.
            new_id: Makes a round id, never the same twice.
            on_heard: Called with samples (int16, volume applied) as they are heard, and the clock time in
                seconds of the first.
            news: Who is told of what happens. Default: nobody.
            meter: Counts rounds, starvation and stalls.
        """
        self._clock = clock
        self._new_id = new_id
        self._meter = SessionMeter() if meter is None else meter
        self.tap: Tap | None = None
        self.news = News() if news is None else news
        self.voice = Voice(speaker, sample_rate, on_heard)
        self.face = Face(seed, clock.now())
        self._pacer = Pacer(self.voice, self.news, self._meter)
        self._round: Round | None = None
        self._last_id: str | None = None
        self._state = ConversationState.IDLE
        self._starvation_mode = FrameStarvationMode.AUDIO_INDEPENDENT
        self._paused = False
        self._now_s = self.face.born_s
        self._heard = 0.0
        self._generation = 0
        self._frames = 0

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
        return 0.0 if self._round is None else self._round.samples / self.voice.rate - self.audio_time_s

    @property
    def audio_time_s(self) -> float:
        """Heard position in the round, in seconds; 0 without one."""
        return self._read_heard() / self.voice.rate

    @property
    def sample_rate(self) -> int:
        """Hertz of the PCM that is taken."""
        return self.voice.rate

    @property
    def face_speaks(self) -> bool:
        """Whether the face shows speech, or is going over to it."""
        return self.face.is_speaking

    @property
    def volume(self) -> float:
        """Gain 0..1."""
        return self.voice.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._begin("volume", volume)
        self.voice.volume = volume

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
        self.news.tell()

    # --- rounds in ----------------------------------------------------------------------------------------

    def open_round(self, *, expects_motion: bool) -> str:
        """Begin a round under a new id. Whatever still plays is cut off, which the next call tells."""
        round_id = self._new_id()
        self._begin("open_round", round_id, expects_motion)
        self._cut()
        strict = self._starvation_mode is FrameStarvationMode.STRICT_SYNC
        self._round = Round(round_id, self._now_s, self.voice.rate, expects_motion, strict)
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
        self.news.tell()

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
        self.news.tell()
        return True

    def end_motion(self, round_id: str) -> None:
        """No more motion will come for a round."""
        if self._round is not None and round_id == self._round.id:
            self._begin("end_motion", round_id)
            self._round.motion_ended = True
            self._advance()
            self.news.tell()

    def refuse_motion(self, round_id: str) -> None:
        """A round goes on as sound alone, whatever motion still comes for it."""
        if self._round is not None and round_id == self._round.id:
            self._begin("refuse_motion", round_id)
            self._round.refuses_motion = self._round.motion_ended = True
            self._round.timeline = None
            self._advance()
            self.news.tell()

    def lose_connection(self) -> None:
        """No more motion will come at all; an open round is over when what it has was heard."""
        if self._round is not None:
            self._begin("lose_connection")
            self._round.expects_motion = False
            self._round.input_lost = True
            self._advance()
            self.news.tell()

    # --- control ------------------------------------------------------------------------------------------

    def interrupt(self) -> str | None:
        """Fall silent and let the face ease to rest; returns the id of the round that was cut off."""
        self._begin("interrupt")
        cut = self._cut()
        self._set_state(ConversationState.IDLE)
        self.news.tell()
        return cut

    def pause(self) -> bool:
        """Hold the round: silence at once, buffers kept, the face eases to rest. False without a round."""
        if self._round is None:
            return False
        if not self._paused:
            self._begin("pause")
            self.voice.hand_on(self._heard, self._now_s, everything=True)
            self._paused = True
            self.voice.pause()
            self.face.leave_speech(self._now_s, OUT_OF_SPEECH)
            self._set_state(ConversationState.PAUSED)
            self.news.tell()
        return True

    def resume(self) -> bool:
        """Go on from the same position. False without a round."""
        if self._round is None:
            return False
        if self._paused:
            self._begin("resume")
            self._paused = False
            self.voice.resume()
            self._round.moved = (self._heard, self._now_s)
            self._set_state(ConversationState.PLAYING)
            self._advance()
            self.news.tell()
        return True

    def change_rate(self, sample_rate: int) -> None:
        """Take PCM at another rate, in hertz, from now on. Whatever still plays is cut off.

        Raises ``AvatarError`` (``playbackInitFailed``) when the speaker cannot be opened at that rate.
        """
        self.interrupt()
        self.voice.reopen(sample_rate)
        self._begin("change_rate", sample_rate)
        self.voice.take_rate(sample_rate)

    def set_mood(self, mood: Mood) -> None:
        """Let the face live in another mood; it changes over within 1.5 s."""
        self._begin("set_mood", mood)
        self.face.set_mood(self._now_s, mood)

    def look_at(self, x: float, y: float) -> None:
        """Attend to a place in the picture: x and y -1..1, left to right and bottom to top; (0, 0) is the viewer."""
        self._begin("look_at", x, y)
        self.face.look_at(self._now_s, x, y)

    # --- time ---------------------------------------------------------------------------------------------

    def update(self) -> None:
        """Let time have its effects: start what was held, hand on what was heard, end what is over."""
        if self._round is None and not self.news:
            return
        self._begin("update")
        self._advance()
        self.news.tell()

    def frame(self, at_s: float) -> Frame:
        """The face for the clock time ``at_s``, which may lie a little ahead; times never go back."""
        self._begin("frame", at_s)
        self._advance()
        target, position_s = None, None
        if self._round is not None and not self._paused:
            target, position_s = self._round.motion(at_s, self._now_s, self._heard)
        if target is None:
            self.face.leave_speech(self._now_s, OUT_OF_SPEECH)
        else:
            self.face.enter_speech(self._now_s)
        frame = Frame(self.face.pose(target, at_s), self._generation, position_s, self._frames)
        self._frames += 1
        self.news.tell()
        return frame

    # --- inside -------------------------------------------------------------------------------------------

    def _begin(self, call: str, *arguments: Any) -> None:
        """Take the readings that the whole call goes by."""
        self._now_s = max(self._now_s, self._clock.now())
        self._heard = self._read_heard()
        if self.tap is not None:
            self.tap(call, self._now_s, self._heard, arguments)

    def _advance(self) -> None:
        current = self._round
        if current is None or self._paused:
            return
        if self._pacer.start(current, self._now_s) and current.samples:
            self._set_state(ConversationState.PLAYING)
        if not current.started:
            return
        self._pacer.move(current, self._heard, self._now_s)
        if current.pauses.take(self._heard):
            self.face.voice_pauses(self._now_s)
        self._pacer.watch(current, self._heard, self._now_s)
        if current.is_over(self._heard):
            self._finish(current)

    def _cut(self) -> str | None:
        """Stop the round, if there is one: speaker empty, its frames void, the mouth closing."""
        cut = self._round
        if cut is None:
            return None
        self._generation += 1
        self.face.take_back(self._now_s)
        self._end_round(cut, interrupted=True)
        if self._paused:
            self._paused = False
            self.voice.resume()
        self.face.leave_speech(self._now_s, INTERRUPTED)
        return cut.id

    def _finish(self, current: Round) -> None:
        self._end_round(current, interrupted=False)
        self.face.leave_speech(self._now_s, OUT_OF_SPEECH)
        self._set_state(ConversationState.IDLE)

    def _end_round(self, current: Round, *, interrupted: bool) -> None:
        self._round = None
        self._pacer.end(current, self._heard, self._now_s, interrupted=interrupted)
        self._heard = 0.0

    def _read_heard(self) -> float:
        return self.voice.read() if self._round is not None and self._round.started else 0.0

    def _set_state(self, state: ConversationState) -> None:
        if state is not self._state:
            self._state = state
            self.news.state(state)
