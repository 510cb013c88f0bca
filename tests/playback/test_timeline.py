"""Motion of one round, put in order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.frames import HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.playback.timeline import MAX_AHEAD_S, MotionTimeline


def frames(first: int, values: list[float], *, rate: float = 25.0) -> MotionFrames:
    """Frames whose first weight and pitch are the given values."""
    weights = np.zeros((len(values), WEIGHT_COUNT), np.float32)
    head = np.zeros((len(values), HEAD_COUNT), np.float32)
    weights[:, 0] = head[:, 0] = values
    return MotionFrames(weights, head, first, rate)


def value(timeline: MotionTimeline, position_s: float) -> float | None:
    pose = timeline.sample(position_s)
    return None if pose is None else float(pose.weights[0])


def test_a_frame_is_met_at_its_own_time_and_mixed_between() -> None:
    timeline = MotionTimeline(25.0)
    assert timeline.add(frames(0, [0.0, 0.5, 1.0])) == 3
    assert value(timeline, 0.04) == pytest.approx(0.5)
    assert value(timeline, 0.06) == pytest.approx(0.75)
    assert value(timeline, 3 / 25 - 0.001) == pytest.approx(1.0)  # the last one holds for its time
    assert value(timeline, 3 / 25) is None


def test_every_frame_time_of_a_long_round_is_that_frame() -> None:
    timeline = MotionTimeline(25.0)
    count = 10_000
    timeline.add(frames(0, [i / count for i in range(count)]))
    for i in range(0, count, 7):
        assert value(timeline, i / 25) == pytest.approx(i / count, abs=1e-5)


@given(st.permutations(range(12)), st.lists(st.integers(0, 11), max_size=5))
@settings(deadline=None)
def test_order_and_repeats_do_not_matter(order: list[int], repeats: list[int]) -> None:
    timeline = MotionTimeline(25.0)
    new = sum(timeline.add(frames(i, [i / 12])) for i in [*order, *repeats])
    assert new == 12
    for i in range(12):
        assert value(timeline, i / 25) == pytest.approx(i / 12, abs=1e-5)


def test_the_first_frame_of_an_index_stays() -> None:
    timeline = MotionTimeline(25.0)
    timeline.add(frames(2, [0.2, 0.3]))
    assert timeline.add(frames(0, [0.9, 0.9, 0.9, 0.9])) == 2
    assert value(timeline, 2 / 25) == pytest.approx(0.2)


def test_a_gap_has_no_motion() -> None:
    timeline = MotionTimeline(25.0)
    timeline.add(frames(0, [0.1]))
    timeline.add(frames(5, [0.5]))
    assert value(timeline, 0.039) == pytest.approx(0.1)
    assert value(timeline, 0.1) is None
    assert value(timeline, 0.21) == pytest.approx(0.5)


def test_memory_is_bounded_in_a_round_of_hours() -> None:
    timeline = MotionTimeline(25.0)
    for second in range(4000):
        timeline.add(frames(second * 25, [0.5] * 25))
        timeline.forget_before(float(second))
    assert timeline._rows.nbytes < 1_000_000
    assert value(timeline, 4000 - 0.5) == pytest.approx(0.5)
    assert value(timeline, 10.0) is None
    assert timeline.add(frames(0, [0.1])) == 0  # long past


def test_what_is_out_of_reach_is_refused() -> None:
    timeline = MotionTimeline(25.0)
    with pytest.raises(ValueError, match="out of reach"):
        timeline.add(frames(int(MAX_AHEAD_S * 25), [0.1]))
    with pytest.raises(ValueError, match="joins"):
        timeline.add(frames(0, [0.1], rate=30.0))
    with pytest.raises(ValueError, match="not finite"):
        timeline.add(frames(0, [float("nan")]))
    assert value(timeline, 0.0) is None
    for rate in (0.0, 1000.0, float("nan")):
        with pytest.raises(ValueError, match="frame rate"):
            MotionTimeline(rate)
