"""A face that lives without speaking."""

from __future__ import annotations

import numpy as np
import pytest

from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.playback.life import Life, blink_shape

BLINK = ARKIT_INDEX["eyeBlinkLeft"]
FPS = 50


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
