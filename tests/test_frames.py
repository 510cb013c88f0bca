"""Motion frames survive the wire within its steps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.frames import ARKIT_NAMES, MotionFrames


@given(st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_quantised_round_trip_stays_within_one_step(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = MotionFrames(
        rng.random((count, 52), np.float32),
        (rng.random((count, 6), np.float32) - 0.5) * np.array([2, 2, 2, 0.2, 0.2, 0.2], np.float32),
        first_frame=7,
    )
    weights, head = frames.quantised()
    assert len(weights) + len(head) == 64 * count
    back = MotionFrames.from_quantised(weights, head, first_frame=7, frame_rate=25.0)
    assert np.abs(back.weights - frames.weights).max(initial=0) <= 0.5 / 255 + 1e-6
    assert np.abs(back.head[:, :3] - frames.head[:, :3]).max(initial=0) <= 0.5 / 8192 + 1e-6
    assert np.abs(back.head[:, 3:] - frames.head[:, 3:]).max(initial=0) <= 0.5e-4 + 1e-6


@pytest.mark.parametrize(("weights", "head"), [(51, 12), (52, 11), (0, 12), (104, 12)])
def test_lengths_that_do_not_fit_are_refused(weights: int, head: int) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        MotionFrames.from_quantised(bytes(weights), bytes(head), first_frame=0, frame_rate=25.0)


def test_extreme_head_poses_are_clipped_not_wrapped() -> None:
    frames = MotionFrames(np.full((1, 52), 9, np.float32), np.full((1, 6), 1e9, np.float32))
    weights, head = frames.quantised()
    assert set(weights) == {255}
    assert np.frombuffer(head, "<i2").min() == 32767


def test_names_are_the_52_arkit_shapes() -> None:
    assert MotionFrames.NAMES == ARKIT_NAMES
    assert len(set(ARKIT_NAMES)) == 52
