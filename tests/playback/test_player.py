"""Rounds, the audio clock, and which pose is shown; in virtual time, with a silent speaker."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.clock import VirtualClock
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.playback.news import News
from avatarkit.playback.player import FIRST_MOTION_WAIT_S, Player
from avatarkit.types import ConversationState

RATE = 16000
JAW = ARKIT_INDEX["jawOpen"]
S = ConversationState


class Stage:
    """A player, time that moves on demand, and everything the player told."""

    def __init__(self) -> None:
        self.clock = VirtualClock(50.0)
        self.speaker = SilentSpeaker(self.clock)
        self.speaker.open(RATE)
        self.states: list[ConversationState] = []
        self.heard: list[tuple[np.ndarray, float]] = []
        ids = itertools.count(1)
        self.player = Player(
            clock=self.clock,
            speaker=self.speaker,
            sample_rate=RATE,
            seed=7,
            new_id=lambda: f"round-{next(ids)}",
            on_heard=lambda samples, at_s: self.heard.append((samples, at_s)),
            news=News(on_state=self.states.append),
        )
        self.jaws: list[float] = []

    def speak(self, seconds: float, *, end: bool = True, expects_motion: bool = True) -> str:
        round_id = self.player.open_round(expects_motion=expects_motion)
        self.player.push_audio(b"\x01\x00" * round(seconds * RATE), end=end)
        return round_id

    def run(self, seconds: float) -> float:
        """Let time pass with a frame every 20 ms; returns the jaw of the last."""
        for _ in range(round(seconds / 0.02)):
            asyncio.run(self.clock.advance(0.02))
            self.jaws.append(self.jaw())
        return self.jaws[-1]

    def jaw(self) -> float:
        return float(self.player.frame(self.clock.now()).pose.weights[JAW])


def motion(first: int, count: int, value: float = 1.0) -> MotionFrames:
    weights = np.zeros((count, WEIGHT_COUNT), np.float32)
    weights[:, JAW] = value
    return MotionFrames(weights, np.zeros((count, HEAD_COUNT), np.float32), first)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_audio_waits_for_the_first_motion(stage: Stage) -> None:
    round_id = stage.speak(1.0)
    stage.run(0.2)
    assert stage.states == []
    assert stage.player.audio_time_s == 0.0
    stage.player.push_motion(round_id, motion(0, 25))
    assert stage.states == [S.PLAYING]
    stage.run(0.4)
    assert stage.player.audio_time_s == pytest.approx(0.4)
    assert stage.jaw() == pytest.approx(1.0)


def test_audio_does_not_wait_for_ever(stage: Stage) -> None:
    stage.speak(1.0)
    stage.run(FIRST_MOTION_WAIT_S - 0.02)
    assert stage.states == []
    stage.run(0.04)
    assert stage.states == [S.PLAYING]
    stage.run(1.1)
    assert stage.states == [S.PLAYING, S.IDLE]


def test_without_a_connection_audio_starts_at_once(stage: Stage) -> None:
    stage.speak(1.0, expects_motion=False)
    assert stage.states == [S.PLAYING]


def test_a_round_without_any_motion_starts_when_that_is_known(stage: Stage) -> None:
    round_id = stage.speak(0.04)
    stage.player.end_motion(round_id)
    assert stage.states == [S.PLAYING]


def test_motion_follows_what_is_heard(stage: Stage) -> None:
    round_id = stage.player.open_round(expects_motion=True)
    ramp = motion(0, 50)
    ramp.weights[:, JAW] = np.linspace(0.0, 0.98, 50)
    stage.player.push_motion(round_id, ramp)
    stage.player.push_audio(b"\x01\x00" * (2 * RATE), end=True)
    for _ in range(90):
        stage.run(0.02)
        position_s = stage.player.audio_time_s
        if position_s > 0.35:
            assert stage.jaw() == pytest.approx(position_s * 25 * 0.02, abs=0.01)


def test_a_frame_drawn_ahead_shows_what_will_be_heard(stage: Stage) -> None:
    round_id = stage.speak(2.0)
    stage.player.push_motion(round_id, motion(0, 50))
    stage.run(0.5)
    frame = stage.player.frame(stage.clock.now() + 0.03)
    assert frame.position_s == pytest.approx(0.53)


def test_late_motion_eases_to_rest_and_joins_again(stage: Stage) -> None:
    round_id = stage.speak(4.0)
    stage.player.push_motion(round_id, motion(0, 25))
    assert stage.run(0.9) == pytest.approx(1.0)
    assert stage.run(1.1) < 0.01  # 2.0 s heard, motion ended at 1.0 s
    assert stage.states == [S.PLAYING]
    assert stage.player.audio_time_s == pytest.approx(2.0)  # audio went on
    stage.player.push_motion(round_id, motion(25, 75))
    assert stage.run(0.4) == pytest.approx(1.0)
    assert max(abs(np.diff(stage.jaws))) < 0.35


def test_a_gap_of_one_frame_is_held(stage: Stage) -> None:
    round_id = stage.speak(2.0)
    stage.player.push_motion(round_id, motion(0, 20))
    stage.player.push_motion(round_id, motion(21, 29))
    stage.run(0.5)
    lows: list[float] = []
    for _ in range(30):
        lows.append(stage.run(0.02))
    assert min(lows) > 0.99


def test_idle_never_stops_while_the_first_motion_is_in_flight(stage: Stage) -> None:
    stage.speak(1.0)
    heads = []
    for _ in range(15):
        stage.run(0.02)
        heads.append(stage.player.frame(stage.clock.now()).pose.head.copy())
    assert all(not np.array_equal(a, b) for a, b in itertools.pairwise(heads))


def test_interrupt_is_silent_at_once_and_shuts_the_mouth(stage: Stage) -> None:
    round_id = stage.speak(5.0)
    stage.player.push_motion(round_id, motion(0, 125))
    assert stage.run(1.0) == pytest.approx(1.0)
    assert stage.player.interrupt() == round_id
    assert stage.speaker.queued_samples() == 0
    assert stage.states == [S.PLAYING, S.IDLE]
    assert stage.run(0.2) < 0.01
    assert not stage.player.push_motion(round_id, motion(0, 25))
    assert stage.run(1.0) < 0.01
    assert stage.player.interrupt() is None


def test_interrupt_voids_frames_that_are_being_drawn(stage: Stage) -> None:
    round_id = stage.speak(1.0)
    stage.player.push_motion(round_id, motion(0, 25))
    stage.run(0.4)
    drawn = stage.player.frame(stage.clock.now() + 0.02)
    stage.player.interrupt()
    assert drawn.generation != stage.player.generation


def test_a_new_round_cuts_off_and_stays_playing(stage: Stage) -> None:
    first = stage.speak(5.0)
    stage.player.push_motion(first, motion(0, 125))
    stage.run(0.5)
    second = stage.speak(0.4)
    assert second != first
    assert stage.speaker.queued_samples() == 0  # the new audio waits for its motion
    stage.player.push_motion(second, motion(0, 10))
    stage.run(0.6)
    assert stage.states == [S.PLAYING, S.IDLE]


def test_a_gap_at_the_start_of_a_round_is_not_filled_from_the_round_before(stage: Stage) -> None:
    stage.player.push_motion(stage.speak(2.0), motion(0, 50))
    before = stage.run(0.5)
    second = stage.speak(1.0)
    stage.player.push_motion(second, motion(10, 10))
    stage.player.end_motion(second)
    assert stage.states == [S.PLAYING]
    assert stage.run(0.06) < before
    assert stage.run(0.2) < 0.01


def test_a_round_ends_when_all_was_heard_and_not_before(stage: Stage) -> None:
    round_id = stage.player.open_round(expects_motion=True)
    stage.player.push_audio(b"\x01\x00" * 8000, end=False)
    stage.player.push_motion(round_id, motion(0, 13))
    stage.run(1.0)
    assert stage.states == [S.PLAYING]  # dry, but its input is open
    stage.player.push_audio(b"\x01\x00" * 8000, end=False)
    stage.run(0.6)
    stage.player.push_audio(b"", end=True)
    assert stage.states == [S.PLAYING, S.IDLE]


def test_the_face_does_not_freeze_when_the_audio_runs_dry(stage: Stage) -> None:
    round_id = stage.player.open_round(expects_motion=True)
    stage.player.push_audio(b"\x01\x00" * 8000, end=False)
    stage.player.push_motion(round_id, motion(0, 100))
    assert stage.run(0.5) == pytest.approx(1.0)
    assert stage.run(1.1) < 0.01
    stage.player.push_audio(b"\x01\x00" * 16000, end=True)
    assert stage.run(0.4) == pytest.approx(1.0)


def test_pause_keeps_the_place_and_rests_the_face(stage: Stage) -> None:
    round_id = stage.speak(2.0)
    stage.player.push_motion(round_id, motion(0, 50))
    stage.run(0.6)
    assert stage.player.pause()
    assert stage.run(2.0) < 0.01
    assert stage.player.audio_time_s == pytest.approx(0.6)
    stage.player.pause()
    assert stage.player.resume()
    assert stage.run(0.4) == pytest.approx(1.0)
    assert stage.player.audio_time_s == pytest.approx(1.0)
    assert stage.states == [S.PLAYING, S.PAUSED, S.PLAYING]


def test_end_while_paused_waits_for_resume(stage: Stage) -> None:
    round_id = stage.player.open_round(expects_motion=True)
    stage.player.push_audio(b"\x01\x00" * 3200, end=False)
    stage.player.push_motion(round_id, motion(0, 5))
    stage.run(0.1)
    stage.player.pause()
    stage.player.push_audio(b"", end=True)
    stage.run(1.0)
    assert stage.states == [S.PLAYING, S.PAUSED]
    stage.player.resume()
    stage.run(0.2)
    assert stage.states == [S.PLAYING, S.PAUSED, S.PLAYING, S.IDLE]


def test_a_new_round_ends_a_pause(stage: Stage) -> None:
    stage.player.push_motion(stage.speak(2.0), motion(0, 50))
    stage.run(0.3)
    stage.player.pause()
    stage.player.push_motion(stage.speak(0.4), motion(0, 10))
    assert stage.states == [S.PLAYING, S.PAUSED, S.PLAYING]
    stage.run(0.5)
    assert stage.states[-1] is S.IDLE


def test_pause_and_resume_without_a_round(stage: Stage) -> None:
    assert not stage.player.pause()
    assert not stage.player.resume()
    assert stage.states == []


def test_every_heard_sample_is_reported_once_at_its_time(stage: Stage) -> None:
    audio = np.arange(1, RATE + 1, dtype="<i2")
    stage.player.open_round(expects_motion=False)
    began_s = stage.clock.now()
    for start in range(0, RATE, 1000):
        stage.player.push_audio(audio[start : start + 1000].tobytes(), end=start + 1000 == RATE)
    stage.run(0.5)
    stage.player.pause()
    stage.run(0.3)
    stage.player.resume()
    stage.run(0.6)
    assert np.array_equal(np.concatenate([samples for samples, _ in stage.heard]), audio)
    for samples, at_s in stage.heard:
        first_s = (int(samples[0]) - 1) / RATE
        assert at_s == pytest.approx(began_s + first_s + (0.3 if first_s >= 0.5 else 0.0), abs=1e-6)


def test_volume_holds_for_what_is_recorded(stage: Stage) -> None:
    stage.player.volume = 0.5
    stage.player.open_round(expects_motion=False)
    stage.player.push_audio(np.full(RATE, 1000, "<i2").tobytes(), end=True)
    stage.run(1.1)
    assert {int(v) for samples, _ in stage.heard for v in np.unique(samples)} == {500}


@pytest.mark.parametrize("act", ["interrupt", "open"])
def test_acting_inside_the_state_callback(stage: Stage, act: str) -> None:
    acts: dict[str, Callable[[], object]] = {
        "interrupt": stage.player.interrupt,
        "open": lambda: stage.player.open_round(expects_motion=True),
    }
    done: list[ConversationState] = []

    def on_state(state: ConversationState) -> None:
        done.append(state)
        if state is S.PLAYING and len(done) == 1:
            acts[act]()

    stage.player.news.on_state = on_state
    stage.player.push_motion(stage.speak(0.2), motion(0, 5))
    stage.run(1.0)
    assert stage.player.audio_time_s == 0.0
    assert done[0] is S.PLAYING
