"""For any order of events: no frame of an interrupted or older round is shown, and ids never repeat."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.playback.player import Player
from avatarkit.protocol import new_id
from avatarkit.types import ConversationState

RATE = 8000
# Each round moves a mouth shape of its own, which idle motion never touches.
SHAPES = [ARKIT_INDEX[name] for name in ("jawOpen", "mouthPucker", "mouthFunnel", "mouthLeft", "tongueOut")]


class HandClock:
    """A clock moved by hand."""

    time_s = 10.0

    def now(self) -> float:
        return self.time_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError


@dataclass
class Sent:
    id: str
    shape: int
    frames: int = 0
    cut: bool = False


@dataclass
class World:
    """A player, and what a careless app, server and network may do to it."""

    clock: HandClock
    player: Player
    rounds: list[Sent]
    shown: np.ndarray
    cut_while_drawing: bool = False

    def open(self) -> None:
        self.cut()
        shape = SHAPES[len(self.rounds) % len(SHAPES)]
        self.rounds.append(Sent(self.player.open_round(expects_motion=True), shape))

    def audio(self, tenths: int, *, end: bool) -> None:
        if not self.player.input_open:
            self.open()
        self.player.push_audio(b"\x01\x00" * (RATE // 10 * tenths), end=end)

    def motion(self, which: int, count: int, *, gap: int = 0) -> None:
        """Motion for a round that may be long over, with a value that grows: any fresh frame raises it."""
        if not self.rounds:
            return
        sent = self.rounds[-1 - which % len(self.rounds)]
        weights = np.zeros((count, WEIGHT_COUNT), np.float32)
        weights[:, sent.shape] = np.linspace(0.5, 1.0, count)
        head = np.zeros((count, HEAD_COUNT), np.float32)
        self.player.push_motion(sent.id, MotionFrames(weights, head, sent.frames + gap))
        sent.frames += gap + count

    def cut(self) -> None:
        for sent in self.rounds:
            sent.cut = True

    def interrupt(self) -> None:
        self.player.interrupt()
        self.cut()

    def pass_time(self, fiftieths: int) -> None:
        for _ in range(fiftieths):
            self.clock.time_s += 0.01
            slot_s = self.clock.time_s + 0.01
            frame = self.player.frame(slot_s)
            if self.cut_while_drawing and self.player.round_id is not None:
                self.cut_while_drawing = False
                self.interrupt()
                assert frame.generation != self.player.generation
                frame = self.player.frame(slot_s)
            self.clock.time_s = slot_s
            weights = frame.pose.weights
            live = {sent.shape for sent in self.rounds if not sent.cut}
            for shape in set(SHAPES) - live:
                # A fade from the last frame that was shown rightly; never a step up.
                assert weights[shape] <= self.shown[shape] + 1e-6
            self.shown = weights.copy()


def make_world() -> World:
    clock = HandClock()
    speaker = SilentSpeaker(clock)
    speaker.open(RATE)
    player = Player(
        clock=clock,
        speaker=speaker,
        sample_rate=RATE,
        seed=1,
        new_id=new_id,
        on_state=lambda state: None,
        on_heard=lambda samples, at_s: None,
    )
    return World(clock, player, [], np.zeros(WEIGHT_COUNT, np.float32))


STEPS = st.one_of(
    st.tuples(st.just("audio"), st.integers(1, 8), st.booleans()),
    st.tuples(st.just("motion"), st.integers(0, 3), st.integers(1, 20)),
    st.tuples(st.just("gap"), st.integers(0, 1), st.integers(1, 5)),
    st.tuples(st.sampled_from(["interrupt", "pause", "resume", "lose", "cut while drawing"])),
    st.tuples(st.just("time"), st.integers(1, 30)),
)


@given(st.lists(STEPS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_no_frame_of_an_old_round_is_ever_shown(steps: list[tuple[object, ...]]) -> None:
    world = make_world()
    for step in steps:
        match step:
            case ("audio", int(tenths), bool(end)):
                world.audio(tenths, end=end)
            case ("motion", int(which), int(count)):
                world.motion(which, count)
            case ("gap", int(which), int(count)):
                world.motion(which, count, gap=3)
            case ("interrupt",):
                world.interrupt()
            case ("cut while drawing",):
                world.cut_while_drawing = True
            case ("pause",):
                world.player.pause()
            case ("resume",):
                world.player.resume()
            case ("lose",):
                world.player.lose_connection()
            case ("time", int(fiftieths)):
                world.pass_time(fiftieths)
    ids = [sent.id for sent in world.rounds]
    assert len(set(ids)) == len(ids)
    # Whatever happened, it comes to rest.
    world.interrupt()
    world.pass_time(50)
    assert not world.shown[SHAPES].any()
    assert world.player.state is ConversationState.IDLE


def test_the_property_can_fail() -> None:
    """With motion taken for any id, the check above catches it."""
    world = make_world()
    world.audio(8, end=False)
    world.motion(0, 20)
    world.pass_time(10)
    world.interrupt()
    world.audio(8, end=False)
    impostor = world.rounds[0]
    impostor.id = world.rounds[1].id
    world.motion(1, 20, gap=-20)
    try:
        world.pass_time(30)
    except AssertionError:
        return
    raise AssertionError("a frame of an old round went unnoticed")


def test_ids_never_repeat() -> None:
    assert len({new_id() for _ in itertools.repeat(None, 20_000)}) == 20_000
