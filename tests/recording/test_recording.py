"""A recorded session plays again bit for bit; a broken file is refused."""

from __future__ import annotations

import contextlib
import itertools
import random
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames, Pose
from avatarkit.playback.heard import Samples
from avatarkit.playback.player import Player
from avatarkit.recording.recorder import Recorder
from avatarkit.recording.replay import HeardSound, Replay, ShownFrame, ToldEvent
from avatarkit.recording.tape import SIGNATURE
from avatarkit.types import FrameStarvationMode, Mood

RATE = 16000


class HandClock:
    time_s = 41.123

    def now(self) -> float:
        self.time_s += 1.7e-6  # no two readings are the same, as with a real clock
        return self.time_s

    async def sleep_until(self, deadline_s: float) -> None:
        raise NotImplementedError


class Session:
    """A player that an app drives, and what it showed and let hear while it was recorded."""

    def __init__(self) -> None:
        self.clock = HandClock()
        speaker = SilentSpeaker(self.clock)
        speaker.open(RATE)
        self.heard: list[Samples] = []
        ids = itertools.count()
        self.player = Player(
            clock=self.clock,
            speaker=speaker,
            sample_rate=RATE,
            seed=99,
            new_id=lambda: f"round-{next(ids)}",
            on_heard=lambda samples, at_s: self.heard.append(samples),
        )
        self.recorder: Recorder | None = None
        self.shown: list[Pose] = []
        self.random = random.Random(5)

    def record(self, path: Path) -> None:
        about = {
            "seed": 99,
            "avatar": {"id": "someone", "sha256": "0" * 64},
            "surface": {"frameRate": 25.0, "width": 64, "height": 64, "start": 41.0},
        }
        self.heard.clear()
        self.recorder = Recorder(path, self.player, about)

    def run(self, frames: int) -> None:
        for _ in range(frames):
            self.clock.time_s += 0.02
            self.player.update()
            self.clock.time_s += 0.02 + self.random.uniform(-0.002, 0.002)
            frame = self.player.frame(self.clock.time_s + 0.013)
            if self.recorder is not None and self.random.random() < 0.9:  # some are drawn and never shown
                self.shown.append(frame.pose)
                self.recorder.shown(frame, len(self.shown) / 25)

    def speak(self, seconds: float, frames: int, *, end: bool = True) -> None:
        noise = np.random.default_rng(1).integers(-3000, 3000, round(seconds * RATE)).astype("<i2")
        noise[: len(noise) // 3] = 0
        round_id = self.player.open_round(expects_motion=True)
        self.player.push_audio(noise.tobytes(), end=end)
        weights = np.random.default_rng(2).random((frames, WEIGHT_COUNT)).astype(np.float32)
        self.player.push_motion(round_id, MotionFrames(weights, np.full((frames, HEAD_COUNT), 0.01, np.float32)))


def replayed(path: Path) -> tuple[list[ShownFrame], list[HeardSound], list[ToldEvent]]:
    items = list(Replay(path))
    return (
        [item for item in items if isinstance(item, ShownFrame)],
        [item for item in items if isinstance(item, HeardSound)],
        [item for item in items if isinstance(item, ToldEvent)],
    )


def same(a: Pose, b: Pose) -> bool:
    return a.weights.tobytes() == b.weights.tobytes() and a.head.tobytes() == b.head.tobytes()


def everything(session: Session) -> None:
    session.run(20)
    session.speak(1.0, 25)
    session.run(15)
    session.player.pause()
    session.player.set_mood(Mood.CHEERFUL)
    session.run(10)
    session.player.resume()
    session.player.volume = 0.5
    session.run(30)
    session.player.look_at(0.4, -0.7)
    session.player.starvation_mode = FrameStarvationMode.STRICT_SYNC
    session.speak(2.0, 10, end=False)
    session.run(40)
    session.player.interrupt()
    session.player.change_rate(24000)
    session.run(20)
    session.speak(0.5, 3)
    session.player.lose_connection()
    session.run(30)


@pytest.mark.parametrize("lived", [0, 4000])
def test_the_same_poses_and_sound_bit_for_bit(tmp_path: Path, lived: int) -> None:
    session = Session()
    session.run(3)
    session.clock.time_s += lived * 0.04
    if lived:
        everything(session)  # the recording begins in the middle of a life
        session.player.change_rate(RATE)
        session.run(5)
    session.record(tmp_path / "a.avkt")
    everything(session)
    assert session.recorder is not None
    session.recorder.event(session.clock.time_s, {"event": "PlaybackStalled", "stalled": True})
    session.recorder.close()

    frames, sounds, told = replayed(tmp_path / "a.avkt")

    assert len(frames) == len(session.shown) > 140
    assert all(frame.is_same and same(frame.pose, pose) for frame, pose in zip(frames, session.shown, strict=True))
    assert np.array_equal(np.concatenate([s.samples for s in sounds]), np.concatenate(session.heard))
    assert {s.sample_rate for s in sounds} == {RATE, 24000}
    assert [event.event for event in told] == [{"event": "PlaybackStalled", "stalled": True}]
    assert max(pose.weights[ARKIT_INDEX["jawOpen"]] for pose in session.shown) > 0.5


def test_another_pose_is_noticed(tmp_path: Path) -> None:
    session = Session()
    session.record(tmp_path / "a.avkt")
    session.run(5)
    assert session.recorder is not None
    frame = session.player.frame(session.clock.time_s + 0.04)
    frame.pose.weights[3] += 1e-6  # what another renderer thread might have done
    session.recorder.shown(frame, 1.0)
    session.recorder.close()
    assert [frame.is_same for frame in replayed(tmp_path / "a.avkt")[0]][-1] is False


def held(session: Session) -> None:
    session.player.open_round(expects_motion=True)
    session.player.push_audio(b"\1\2" * 8000, end=True)
    session.run(3)


def heard(session: Session) -> None:
    session.speak(2.0, 50)
    session.run(20)


def heard_without_motion(session: Session) -> None:
    session.player.open_round(expects_motion=True)
    session.player.push_audio(b"\1\2" * 32000, end=False)
    session.run(20)


def paused(session: Session) -> None:
    heard(session)
    session.player.volume = 0.5
    session.player.pause()
    session.run(2)


def stalled(session: Session) -> None:
    session.player.starvation_mode = FrameStarvationMode.STRICT_SYNC
    session.speak(2.0, 10, end=False)
    session.run(25)


def long_heard(session: Session) -> None:
    session.speak(40.0, 900)
    session.run(600)  # the timeline has forgotten what was heard


@pytest.mark.parametrize("before", [held, heard, heard_without_motion, paused, stalled, long_heard])
def test_a_recording_may_begin_in_the_middle_of_a_round(tmp_path: Path, before: Callable[[Session], None]) -> None:
    session = Session()
    before(session)
    assert session.player.round_id is not None
    session.record(tmp_path / "a.avkt")
    assert session.recorder is not None
    session.run(8)
    round_id = session.player.round_id
    assert round_id is not None
    weights = np.random.default_rng(3).random((20, WEIGHT_COUNT)).astype(np.float32)
    session.player.push_motion(round_id, MotionFrames(weights, np.zeros((20, HEAD_COUNT), np.float32), 10))
    if session.player.input_open:
        session.player.push_audio(b"\3\4" * 4000, end=True)
    session.player.resume()
    session.run(60)
    everything(session)
    session.recorder.close()

    frames, sounds, _ = replayed(tmp_path / "a.avkt")

    assert all(frame.is_same and same(frame.pose, pose) for frame, pose in zip(frames, session.shown, strict=True))
    assert np.array_equal(np.concatenate([s.samples for s in sounds]), np.concatenate(session.heard))


def test_a_frame_drawn_before_and_shown_within_is_left_out(tmp_path: Path) -> None:
    session = Session()
    drawn = session.player.frame(session.clock.time_s + 0.01)
    session.record(tmp_path / "a.avkt")
    assert session.recorder is not None
    session.recorder.shown(drawn, 0.0)
    session.run(3)
    session.recorder.close()
    frames, _, _ = replayed(tmp_path / "a.avkt")
    assert len(frames) == len(session.shown) > 0


def test_one_recording_at_a_time(tmp_path: Path) -> None:
    session = Session()
    session.record(tmp_path / "a.avkt")
    with pytest.raises(AvatarError, match="closing") as caught:
        session.record(tmp_path / "b.avkt")
    assert caught.value.code is ErrorCode.ILLEGAL_STATE
    assert session.recorder is not None
    session.recorder.close()
    session.recorder.close()
    with pytest.raises(AvatarError, match="cannot be written"):
        session.record(tmp_path / "no" / "b.avkt")
    session.record(tmp_path / "b.avkt")
    session.recorder.close()


def test_what_a_crash_left_can_be_replayed(tmp_path: Path) -> None:
    session = Session()
    session.record(tmp_path / "a.avkt")
    everything(session)
    assert session.recorder is not None
    session.recorder.close()
    whole = (tmp_path / "a.avkt").read_bytes()
    (tmp_path / "a.avkt").write_bytes(whole[: len(whole) // 2])
    frames, _, _ = replayed(tmp_path / "a.avkt")
    assert 0 < len(frames) < len(session.shown)
    assert all(frame.is_same for frame in frames)


def test_it_is_compact(tmp_path: Path) -> None:
    session = Session()
    session.record(tmp_path / "a.avkt")
    session.run(25 * 60)
    assert session.recorder is not None
    session.recorder.close()
    assert (tmp_path / "a.avkt").stat().st_size < 60 * 1000  # an idle minute: under 1 kB/s


@given(
    damage=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8),
    packed=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_refused_or_read_as_far_as_it_goes(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]], packed: bool
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "a.avkt"
    session = Session()
    session.speak(0.3, 4)
    session.run(2)
    session.record(path)
    session.run(2)
    session.speak(0.1, 3)
    session.run(4)
    assert session.recorder is not None
    session.recorder.close()
    content = path.read_bytes()
    inner = bytearray(content if packed else zlib.decompress(content[len(SIGNATURE) :]))
    for place, value in damage:
        inner[place % len(inner)] = value
    path.write_bytes(bytes(inner) if packed else SIGNATURE + zlib.compress(bytes(inner)))
    with contextlib.suppress(AvatarError):  # and nothing else
        list(Replay(path))


def test_what_is_no_recording(tmp_path: Path) -> None:
    for content in (b"", b"RIFF....WAVE", SIGNATURE, SIGNATURE + zlib.compress(b"\x00\x02\x00\x00\x00{}")):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(AvatarError, match="no recording"):
            Replay(tmp_path / "a")
