"""What the player tells, the strict mode, and underruns; in virtual time."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.news import News
from avatarkit.playback.player import Player
from avatarkit.types import ConversationState, FrameStarvationMode

RATE = 16000
TONGUE = ARKIT_INDEX["tongueOut"]
S = ConversationState


class HandClock:
    time_s = 100.0

    def now(self) -> float:
        return self.time_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError


class Stage:
    """A player, and all that it told, with times from 0."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.speaker = SilentSpeaker(self.clock)
        self.speaker.open(RATE)
        self.told: list[tuple[Any, ...]] = []
        self.meter = SessionMeter()
        ids = itertools.count(1)

        def tell(kind: str) -> Any:
            return lambda *what: self.told.append((round(self.clock.time_s - 100.0, 3), kind, *what))

        self.player = Player(
            clock=self.clock,
            speaker=self.speaker,
            sample_rate=RATE,
            seed=1,
            new_id=lambda: f"r{next(ids)}",
            on_heard=lambda samples, at_s: None,
            news=News(
                on_state=tell("state"),
                on_started=tell("started"),
                on_progress=tell("progress"),
                on_finished=tell("finished"),
                on_stall=tell("stall"),
            ),
            meter=self.meter,
        )

    def speak(self, seconds: float, *, frames: int = 0, end: bool = True) -> str:
        round_id = self.player.open_round(expects_motion=True)
        self.player.push_audio(b"\x01\x00" * round(seconds * RATE), end=end)
        if frames:
            self.move(round_id, 0, frames)
        return round_id

    def move(self, round_id: str, first: int, count: int) -> None:
        weights = np.zeros((count, WEIGHT_COUNT), np.float32)
        weights[:, TONGUE] = (np.arange(first, first + count) % 250) / 255
        self.player.push_motion(round_id, MotionFrames(weights, np.zeros((count, HEAD_COUNT), np.float32), first))

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.time_s += 0.02
            self.player.update()

    def of(self, *kinds: str) -> list[tuple[Any, ...]]:
        return [event for event in self.told if event[1] in kinds]


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_started_progress_and_one_finish(stage: Stage) -> None:
    round_id = stage.speak(0.6, frames=15)
    assert stage.of("started") == []  # nothing is heard yet
    stage.run(1.0)
    assert stage.of("started") == [(0.02, "started", round_id)]
    assert [event[3] for event in stage.of("progress")] == [
        pytest.approx(0.26, abs=0.02),
        pytest.approx(0.52, abs=0.02),
    ]
    assert stage.of("finished") == [(pytest.approx(0.6, abs=0.021), "finished", round_id, pytest.approx(0.6), False)]
    kinds = [event[1] for event in stage.told]
    assert kinds.index("state") < kinds.index("started") < kinds.index("finished") < len(kinds) - 1
    assert stage.told[-1][2] is S.IDLE


def test_each_way_to_end_a_round_tells_once(stage: Stage) -> None:
    cut = stage.speak(2.0, frames=50)
    stage.run(0.5)
    replaced = stage.speak(1.0)
    held = stage.speak(1.0)  # never heard
    stage.player.interrupt()
    stage.player.interrupt()
    lost = stage.speak(0.4, frames=10, end=False)
    stage.player.lose_connection()
    stage.run(1.0)
    assert [(e[2], e[3], e[4]) for e in stage.of("finished")] == [
        (cut, pytest.approx(0.5), True),
        (replaced, 0.0, True),
        (held, 0.0, True),
        (lost, pytest.approx(0.4), False),
    ]
    assert [e[2] for e in stage.of("started")] == [cut, lost]
    report = stage.meter.report()
    assert (report.rounds_finished, report.rounds_interrupted) == (1, 3)


def test_interrupt_is_told_at_once(stage: Stage) -> None:
    stage.speak(2.0, frames=50)
    stage.run(0.5)
    stage.player.interrupt()
    assert [e[1] for e in stage.told[-2:]] == ["finished", "state"]
    assert stage.told[-1][0] == 0.5


def test_a_callback_may_open_the_next_round(stage: Stage) -> None:
    """What it does is told after what was to be told before, and no round is lost."""
    first = stage.speak(0.2, frames=5)
    opened: list[str] = []

    def on_finished(round_id: str, position_s: float, interrupted: bool) -> None:
        stage.told.append((0.0, "finished", round_id, position_s, interrupted))
        if len(opened) < 2:
            opened.append(stage.speak(0.2, frames=5))

    stage.player.news.on_finished = on_finished
    stage.run(2.0)
    assert [e[2] for e in stage.of("finished")] == [first, *opened]
    assert [e[2] for e in stage.of("state")] == [S.PLAYING, S.IDLE, S.PLAYING, S.IDLE, S.PLAYING, S.IDLE]


# --- strict sync ------------------------------------------------------------------------------------------


def strict(stage: Stage) -> Stage:
    stage.player.starvation_mode = FrameStarvationMode.STRICT_SYNC
    return stage


def test_strict_waits_for_the_first_motion_however_long(stage: Stage) -> None:
    round_id = strict(stage).speak(1.0)
    stage.run(5.0)
    assert stage.told == []
    stage.move(round_id, 0, 25)
    stage.run(1.1)
    assert [e[1] for e in stage.of("started", "stall", "finished")] == ["started", "finished"]


def test_strict_halts_the_voice_with_the_motion_and_says_so(stage: Stage) -> None:
    round_id = strict(stage).speak(2.0, frames=20)
    stage.run(1.5)
    assert stage.player.audio_time_s == pytest.approx(0.8)  # not a sample beyond its motion
    assert stage.of("stall") == [(pytest.approx(0.8, abs=0.021), "stall", True)]
    stage.move(round_id, 20, 1)
    stage.run(0.2)
    assert len(stage.of("stall")) == 1  # one frame is too little to go on with
    stage.move(round_id, 21, 29)
    stage.run(1.4)
    assert [e[2] for e in stage.of("stall")] == [True, False]
    assert stage.of("finished")[0][3:] == (pytest.approx(2.0), False)
    report = stage.meter.report()
    assert (report.stalls, report.starvations) == (1, 0)
    assert report.stalled_ms == pytest.approx(900.0, abs=50.0)


@pytest.mark.parametrize("relief", ["end_motion", "lose_connection", "refuse_motion", "mode", "interrupt"])
def test_a_strict_round_never_hangs(stage: Stage, relief: str) -> None:
    round_id = strict(stage).speak(1.0, frames=10)
    stage.run(1.0)
    assert [e[2] for e in stage.of("stall")] == [True]
    match relief:
        case "mode":
            stage.player.starvation_mode = FrameStarvationMode.AUDIO_INDEPENDENT
        case "lose_connection" | "interrupt":
            getattr(stage.player, relief)()
        case _:
            getattr(stage.player, relief)(round_id)
    stage.run(1.0)
    assert [e[2] for e in stage.of("stall")] == [True, False]
    assert stage.of("finished")[0][4] is (relief == "interrupt")


def test_an_app_that_sends_slowly_is_no_stall(stage: Stage) -> None:
    strict(stage).speak(0.4, frames=10, end=False)
    stage.run(2.0)
    assert stage.of("stall") == []


def test_an_underrun_leaves_no_drift(stage: Stage) -> None:
    """The speaker runs dry forty times in one round; sound and face stand still then, and go on together."""
    round_id = stage.speak(0.5, frames=250, end=False)
    worst_s, frames = 0.0, 0
    for piece in range(1, 41):
        for i in range(9):
            stage.clock.time_s += 0.1
            frame = stage.player.frame(stage.clock.time_s)
            if frame.position_s is not None and i == 3:
                shown_s = float(frame.pose.weights[TONGUE]) * 255 / 25
                worst_s = max(worst_s, abs(shown_s - stage.player.audio_time_s % 10.0))
                frames += 1
        assert stage.player.audio_time_s == pytest.approx(0.5 * piece)  # dry since a while
        stage.player.push_audio(b"\x01\x00" * (RATE // 2), end=piece == 40)
        stage.move(round_id, 243 + piece * 7, 7)
    stage.run(0.6)
    assert stage.of("finished")[0][2:] == (round_id, pytest.approx(20.5), False)
    assert (frames, stage.of("stall")) == (40, [])
    assert worst_s < 0.01


def test_late_motion_is_measured_in_the_other_mode(stage: Stage) -> None:
    round_id = stage.speak(2.0, frames=10)
    stage.run(1.0)
    stage.move(round_id, 10, 40)
    stage.run(1.5)
    report = stage.meter.report()
    assert (report.starvations, report.stalls) == (1, 0)
    assert report.starved_ms == pytest.approx(600.0, abs=30.0)
