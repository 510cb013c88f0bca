"""A face that lives without speaking."""

from __future__ import annotations

import numpy as np
import pytest

from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.playback.life import Life, blink_shape
from avatarkit.types import Mood

BLINK = ARKIT_INDEX["eyeBlinkLeft"]
FPS = 25


def lids(seed: int, seconds: float, *, speaking: float = 0.0) -> np.ndarray:
    life = Life(seed)
    life.speak(0.0, active=speaking > 0.0)
    return np.array([life.pose(i / FPS, speaking=speaking).weights[BLINK] for i in range(round(seconds * FPS))])


def blink_starts(closure: np.ndarray) -> np.ndarray:
    shut = closure > 0.7
    return np.flatnonzero(shut[1:] & ~shut[:-1]) / FPS


def same(a: Pose, b: Pose) -> bool:
    return bool(np.array_equal(a.weights, b.weights) and np.array_equal(a.head, b.head))


def test_the_same_seed_lives_the_same_life_at_any_time_asked() -> None:
    one, two = Life(5), Life(5)
    times = [0.0, 700.0, 3.3, 59.9, 3.31]
    for t in times:
        one.pose(t)
    assert all(same(one.pose(t), two.pose(t)) for t in sorted(times))
    assert not same(Life(6).pose(30.0), one.pose(30.0))


def test_blinks_as_people_do() -> None:
    starts = blink_starts(lids(1, 600.0))
    assert 10 * 10 <= len(starts) <= 22 * 10
    gaps = np.diff(starts)
    assert 0.4 <= gaps.std() / gaps.mean() <= 0.9
    spoken = blink_starts(lids(1, 300.0, speaking=1.0))
    assert 18 * 5 <= len(spoken) <= 32 * 5


def test_a_blink_closes_quicker_than_it_opens() -> None:
    assert blink_shape(-0.1) == blink_shape(0.3) == 0.0
    assert blink_shape(0.08) == blink_shape(0.1) == 1.0
    assert blink_shape(0.06) > blink_shape(0.12 + 0.06 + 0.04)
    curve = [blink_shape(t) for t in np.arange(0.0, 0.3, 0.001)]
    assert np.abs(np.diff(curve)).max() < 0.03


def test_moves_always_and_never_wildly() -> None:
    life = Life(2)
    poses = [life.pose(i / FPS) for i in range(120 * FPS)]
    heads = np.array([p.head for p in poses])
    weights = np.array([p.weights for p in poses])
    assert weights.min() >= 0.0
    assert weights.max() <= 1.0
    speed_deg = np.degrees(np.abs(np.diff(heads[:, :3], axis=0))) * FPS
    assert 1.0 < np.percentile(speed_deg, 95) < 40.0
    assert np.degrees(np.abs(heads[:, :3])).max() < 12.0
    # No five seconds pass in which the head stands still.
    for start in range(0, len(heads) - 5 * FPS, 5 * FPS):
        assert np.ptp(heads[start : start + 5 * FPS, 1]) > np.radians(0.1)


def test_eyes_look_mostly_ahead_and_now_and_then_aside() -> None:
    life = Life(3)
    names = ["eyeLookOutLeft", "eyeLookInLeft", "eyeLookUpLeft", "eyeLookDownLeft"]
    columns = [ARKIT_INDEX[name] for name in names]
    away = np.array([max(life.pose(i / 10).weights[columns]) for i in range(3000)])
    assert (away < 0.1).mean() > 0.7
    assert away.max() > 0.2


def test_both_eyes_look_the_same_way() -> None:
    life = Life(4)
    for i in range(500):
        weights = life.pose(i / 5).weights
        assert weights[ARKIT_INDEX["eyeLookOutLeft"]] == weights[ARKIT_INDEX["eyeLookInRight"]]
        assert weights[ARKIT_INDEX["eyeLookInLeft"]] == weights[ARKIT_INDEX["eyeLookOutRight"]]


@pytest.mark.parametrize("at_s", [0.0, 0.02, 86_400.0])
def test_any_time_can_be_sampled(at_s: float) -> None:
    assert np.isfinite(Life(9).pose(at_s).head).all()


def test_blinks_fall_into_the_pauses_of_speech() -> None:
    life, pauses, starts, before = Life(1), [], [], 0.0
    life.speak(0.0, active=True)
    for i in range(480 * FPS):
        t_s = i / FPS
        if i % (3 * FPS) == 2 * FPS:
            life.pause(t_s)
            pauses.append(t_s)
        lid = float(life.pose(t_s, speaking=1.0).weights[BLINK])
        if lid > 0.7 >= before:
            starts.append(t_s)
        before = lid
    near = np.mean([np.abs(np.array(starts) - (p + 0.15)).min() < 0.3 for p in pauses])
    by_chance = 1.0 - np.exp(-len(starts) / 480.0 * 0.6)
    assert near > by_chance + 0.08


def test_eyes_and_head_attend_to_a_place() -> None:
    life = Life(8)
    life.pose(10.0)
    life.look_at(10.0, 1.0, 0.8)
    weights, head = life.pose(11.5).weights, life.pose(11.5).head
    # The right of the picture is the avatar's left; the eyes and the head share the way.
    assert weights[ARKIT_INDEX["eyeLookOutLeft"]] > 0.1
    assert weights[ARKIT_INDEX["eyeLookUpLeft"]] > 0.05
    assert head[1] > np.radians(6.0)
    assert head[0] < np.radians(-1.0)
    eyes_moved = life.pose(10.1).weights[ARKIT_INDEX["eyeLookOutLeft"]]
    assert eyes_moved > 0.5  # the eyes are there first
    life.look_at(11.5, 0.0, 0.0)
    assert abs(life.pose(14.0).head[1]) < np.radians(5.0)


def test_eyes_make_up_for_the_head_that_speech_moves() -> None:
    turned = np.array([0.0, 0.2, 0.0, 0.0, 0.0, 0.0], np.float32)
    plain, held = Life(8).pose(5.0), Life(8).pose(5.0, head=turned)
    assert np.array_equal(plain.head, held.head)
    assert held.weights[ARKIT_INDEX["eyeLookInLeft"]] > plain.weights[ARKIT_INDEX["eyeLookInLeft"]] + 0.2


def nods(mood: Mood) -> int:
    life = Life(4)
    life.set_mood(0.0, mood)
    pitch = np.degrees([life.pose(i / 8).head[0] for i in range(2400)])
    dips = pitch - np.convolve(pitch, np.ones(41) / 41, "same") > 1.8
    return int((dips[1:] & ~dips[:-1]).sum())


def test_moods_differ_and_change_smoothly() -> None:
    def mean(mood: Mood, name: str) -> float:
        life = Life(4)
        life.set_mood(0.0, mood)
        return float(np.median([life.pose(5.0 + i).weights[ARKIT_INDEX[name]] for i in range(100)]))

    assert mean(Mood.CHEERFUL, "mouthSmileLeft") > mean(Mood.NEUTRAL, "mouthSmileLeft") + 0.1
    assert mean(Mood.TIRED, "eyeBlinkLeft") > 0.15 > mean(Mood.NEUTRAL, "eyeBlinkLeft")
    assert nods(Mood.ATTENTIVE) > nods(Mood.TIRED) + 8
    life = Life(4)
    smiles = []
    for i in range(300):
        if i in {100, 120, 125}:  # again before the change is over
            life.set_mood(i / FPS, [Mood.CHEERFUL, Mood.TIRED, Mood.CHEERFUL][(100, 120, 125).index(i)])
        smiles.append(life.pose(i / FPS).weights[ARKIT_INDEX["mouthSmileLeft"]])
    assert np.abs(np.diff(smiles)).max() < 0.02


def test_what_was_shown_stays_as_it_was() -> None:
    """Events count from what was sampled last, so an instant that was shown can be asked for again."""
    life = Life(5)
    seen = []
    for i in range(0, 55 * 25):
        t_s = i / 25
        if i % 90 == 40:
            life.pause(t_s - 0.5)
        if i % 200 == 100:
            life.speak(t_s - 0.2, active=i % 400 == 100)
            life.look_at(t_s - 0.2, (i % 7) / 7 - 0.5, 0.2)
            life.set_mood(t_s, list(Mood)[i % 4])
        seen.append((t_s, life.pose(t_s)))
    changed = [t_s for t_s, pose in seen[::50] if not same(life.pose(t_s), pose)]
    assert changed == []


def test_minutes_of_idling_do_not_repeat() -> None:
    life = Life(7)
    head = np.array([life.pose(i / 5).head[:3] for i in range(5 * 600)])
    pieces = np.array([head[i : i + 75].ravel() for i in range(0, len(head) - 75, 40)])
    pieces -= pieces.mean(axis=1, keepdims=True)
    pieces /= np.linalg.norm(pieces, axis=1, keepdims=True)
    alike = pieces @ pieces.T - 2.0 * (np.abs(np.subtract.outer(range(len(pieces)), range(len(pieces)))) < 2)
    assert alike.max() < 0.95
