"""What an avatar does when it speaks a clip: poses and sound, by the very code that runs live, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.frames import MotionFrames, Pose
from avatarkit.motion.contract import MotionEngine, MotionStream
from avatarkit.motion.style import Style
from avatarkit.offline.speech import Speech
from avatarkit.playback.heard import Samples
from avatarkit.playback.player import Player

_AHEAD_S: Final = 2.0
"""How far audio and motion are handed on before they are heard."""

_PIECE_S: Final = 0.1
"""Audio that is handed on at once, at most. For the products that a larger piece takes, NumPy wakes a second thread,
which then keeps a processor busy for a while, waiting for more."""


class Shown(NamedTuple):
    """A picture to draw."""

    pose: Pose
    time_s: float


class Heard(NamedTuple):
    """Sound, the first sample of which is heard at ``time_s``."""

    samples: Samples
    sample_rate: int
    time_s: float


class _ScriptClock:
    """Time that is set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def now(self) -> float:
        return self.now_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError(deadline_s)


def frame_count(speech: Speech, frame_rate: float, before_s: float, after_s: float) -> int:
    """Pictures that :func:`perform` gives."""
    return max(1, math.ceil((before_s + speech.duration_s + after_s) * frame_rate - 1e-6))


def perform(
    speech: Speech,
    engine: MotionEngine,
    *,
    frame_rate: float = 25.0,
    seed: int = 0,
    style: Style | None = None,
    before_s: float = 0.0,
    after_s: float = 0.0,
) -> Iterator[Shown | Heard]:
    """Pictures and sound in order: idle for ``before_s`` seconds, the speech, idle for ``after_s``.

    Picture k is for ``k / frame_rate`` seconds. Motion is rounded as on the wire, so that a live view with the same
    seed that hears the same speech at the same time shows the same poses.
    """
    clock = _ScriptClock()
    speaker = SilentSpeaker(clock)
    speaker.open(speech.sample_rate)
    sound: list[Heard] = []
    player = Player(
        clock=clock,
        speaker=speaker,
        sample_rate=speech.sample_rate,
        seed=seed,
        new_id=lambda: "speech",
        on_heard=lambda samples, at_s: sound.append(Heard(samples, speech.sample_rate, at_s)),
    )
    feed = _Feed(player, speech, engine.open(speech.sample_rate, seed=seed, style=style))
    for number in range(frame_count(speech, frame_rate, before_s, after_s)):
        time_s = number / frame_rate
        if not feed.begun and time_s >= before_s:
            clock.now_s = before_s
            feed.begin()
        clock.now_s = time_s
        if feed.begun:
            feed.until(time_s - before_s + _AHEAD_S)
        yield Shown(player.frame(time_s).pose, time_s)
        yield from sound
        sound.clear()


class _Feed:
    """Hands speech and its motion to the player, in pieces."""

    def __init__(self, player: Player, speech: Speech, stream: MotionStream) -> None:
        self._player, self._pcm, self._rate, self._stream = player, speech.pcm, speech.sample_rate, stream
        self._sent = 0
        self.begun = False

    def begin(self) -> None:
        self.begun = True
        self._round = self._player.open_round(expects_motion=True)
        self.until(_AHEAD_S)

    def until(self, position_s: float) -> None:
        """Have everything handed on up to a position, in seconds."""
        target = min(2 * round(position_s * self._rate), len(self._pcm))
        while self._sent < target:
            self._hand_on(min(target, self._sent + 2 * round(_PIECE_S * self._rate)))

    def _hand_on(self, until: int) -> None:
        """Hand on what was not yet, up to a byte."""
        piece, ended = self._pcm[self._sent : until], until == len(self._pcm)
        self._sent = until
        self._stream.push(piece)
        if ended:
            self._stream.finish()
        motion = self._stream.take()
        self._player.push_audio(piece, end=ended)
        if len(motion):
            self._player.push_motion(self._round, as_on_the_wire(motion))
        if ended:
            self._player.end_motion(self._round)


def as_on_the_wire(motion: MotionFrames) -> MotionFrames:
    """The frames as a client gets them: rounded to what a message holds."""
    weights, head = motion.quantised()
    return MotionFrames.from_quantised(weights, head, first_frame=motion.first_frame, frame_rate=motion.frame_rate)
