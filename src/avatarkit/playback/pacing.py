"""How a round comes to be heard: when it starts, how much the speaker is given, what is told of its position."""

from __future__ import annotations

from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.news import PROGRESS_S, News
from avatarkit.playback.round import Round
from avatarkit.playback.voice import Voice


class Pacer:
    """Moves a round on, as far as time and motion allow."""

    def __init__(self, voice: Voice, news: News, meter: SessionMeter) -> None:
        self._voice = voice
        self._news = news
        self._meter = meter

    def start(self, current: Round, now_s: float) -> bool:
        """Let a round begin, if it may now; true when it did."""
        if current.started or not current.may_start(now_s):
            return False
        current.started = True
        current.moved = (0.0, now_s)
        return True

    def move(self, current: Round, heard: float, now_s: float) -> None:
        """Feed the speaker, and hand on and tell what was heard."""
        self._feed(current, heard, now_s)
        self._voice.hand_on(heard, now_s, everything=False)
        if heard > current.moved[0]:
            current.moved = (heard, now_s)
        self._tell_position(current, heard)

    def watch(self, current: Round, heard: float, now_s: float) -> None:
        """Release old motion, and measure how long the round is heard without the motion that it expects."""
        if current.timeline is not None:
            current.timeline.forget_before(heard / self._voice.rate - 1.0)
        starved = current.lacks_motion(heard)
        if starved != current.starved:
            current.starved = starved
            self._meter.starved(starved, now_s)

    def end(self, current: Round, heard: float, now_s: float, *, interrupted: bool) -> None:
        """The round is over: hand on and tell the rest, silence the speaker."""
        self._voice.hand_on(heard, now_s, everything=True)
        self._tell_position(current, heard)
        if current.stalled:
            self._end_stall(current, now_s)
        if current.starved:
            self._meter.starved(False, now_s)
        self._meter.round_ended(interrupted=interrupted)
        self._news.finished(current.id, heard / self._voice.rate, interrupted)
        self._voice.stop()

    def _feed(self, current: Round, heard: float, now_s: float) -> None:
        """Hand held audio to the speaker: all of it, or in a strict round as much as there is motion for."""
        room = current.room(heard)
        wrote = False
        while current.held and room > 0:
            pcm = current.held.popleft()
            if len(pcm) // 2 > room:
                current.held.appendleft(pcm[2 * room :])
                pcm = pcm[: 2 * room]
            self._voice.write(pcm)
            current.written += len(pcm) // 2
            room -= len(pcm) // 2
            wrote = True
        ran_dry = bool(current.held) and current.written <= int(heard)
        if current.stalled and wrote:
            self._end_stall(current, now_s)
        elif ran_dry and not current.stalled:
            current.stalled = True
            self._meter.stall_began(now_s)
            self._news.stall(True)

    def _end_stall(self, current: Round, now_s: float) -> None:
        current.stalled = False
        self._meter.stall_ended(now_s)
        self._news.stall(False)

    def _tell_position(self, current: Round, heard: float) -> None:
        heard_s = heard / self._voice.rate
        if heard_s > 0.0 and not current.was_heard:
            current.was_heard = True
            self._news.started(current.id)
        if heard_s >= current.told_s + PROGRESS_S:
            current.told_s = heard_s
            self._news.progress(current.id, heard_s)
