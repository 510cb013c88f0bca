"""For any order of events: no frame of an interrupted or older round is shown, and ids never repeat."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.playback.news import News
from avatarkit.playback.player import Player
from avatarkit.protocol import new_id
from avatarkit.types import ConversationState, FrameStarvationMode

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
    told: list[tuple[object, ...]]
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
    told: list[tuple[object, ...]] = []
    player = Player(
        clock=clock,
        speaker=speaker,
        sample_rate=RATE,
        seed=1,
        new_id=new_id,
        on_heard=lambda samples, at_s: None,
        news=News(
            on_state=lambda state: told.append(("state", state)),
            on_started=lambda round_id: told.append(("started", round_id)),
            on_progress=lambda round_id, position_s: told.append(("progress", round_id, position_s)),
            on_finished=lambda round_id, position_s, cut: told.append(("finished", round_id, position_s, cut)),
            on_stall=lambda stalled: told.append(("stall", stalled)),
        ),
    )
    return World(clock, player, [], np.zeros(WEIGHT_COUNT, np.float32), told)


_I, _P, _H = ConversationState.IDLE, ConversationState.PLAYING, ConversationState.PAUSED
MOVES = {(_I, _P), (_P, _I), (_P, _H), (_H, _P), (_H, _I), (_I, _H)}  # a round may be paused before it is heard
STEPS = st.one_of(
    st.tuples(st.just("audio"), st.integers(1, 8), st.booleans()),
    st.tuples(st.just("motion"), st.integers(0, 3), st.integers(1, 20)),
    st.tuples(st.just("gap"), st.integers(0, 1), st.integers(1, 5)),
    st.tuples(
        st.sampled_from(
            ["interrupt", "pause", "resume", "lose", "end motion", "strict", "independent", "cut while drawing"]
        )
    ),
    st.tuples(st.just("time"), st.integers(1, 30)),
)


def told_rightly(world: World) -> None:
    """One finish for each round and none before it began; states along the table; stalls in pairs."""
    finished = [event for event in world.told if event[0] == "finished"]
    assert [event[1] for event in finished] == [sent.id for sent in world.rounds]
    for sent in world.rounds:
        own = [event for event in world.told if event[1] == sent.id]
        assert own[-1][0] == "finished"
        starts = [event for event in own if event[0] == "started"]
        assert len(starts) == (float(str(own[-1][2])) > 0.0)
        positions = [float(str(event[2])) for event in own if event[0] in ("progress", "finished")]
        assert positions == sorted(positions)
        assert own[0][0] == "started" if starts else len(own) == 1
    states = [ConversationState.IDLE, *(event[1] for event in world.told if event[0] == "state")]
    assert all(pair in MOVES for pair in itertools.pairwise(states))
    stalls = [event[1] for event in world.told if event[0] == "stall"]
    assert stalls == [i % 2 == 0 for i in range(len(stalls))]
    assert len(stalls) % 2 == 0


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
            case ("end motion",):
                world.player.end_motion(world.player.round_id or "")
            case ("strict",):
                world.player.starvation_mode = FrameStarvationMode.STRICT_SYNC
            case ("independent",):
                world.player.starvation_mode = FrameStarvationMode.AUDIO_INDEPENDENT
            case ("time", int(fiftieths)):
                world.pass_time(fiftieths)
    ids = [sent.id for sent in world.rounds]
    assert len(set(ids)) == len(ids)
    # Whatever happened, it comes to rest.
    world.interrupt()
    world.pass_time(50)
    assert not world.shown[SHAPES].any()
    assert world.player.state is ConversationState.IDLE
    told_rightly(world)


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
