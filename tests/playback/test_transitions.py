"""Into speech and out of it, without a jump."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, Pose
from avatarkit.playback.transitions import INTERRUPTED, INTO_SPEECH, OUT_OF_SPEECH, SpeechLayer

JAW = ARKIT_INDEX["jawOpen"]
OPEN = Pose(np.full(WEIGHT_COUNT, 1.0, np.float32), np.full(HEAD_COUNT, 0.1, np.float32))


def speaking(until_s: float = 1.0) -> SpeechLayer:
    layer = SpeechLayer()
    layer.enter(0.0)
    for i in range(round(until_s * 100) + 1):
        layer.show(OPEN, i / 100)
    return layer


def jaw(layer: SpeechLayer, target: Pose | None, at_s: float) -> float:
    return float(layer.show(target, at_s)[0].weights[JAW])


def test_into_speech_takes_eight_frames() -> None:
    layer = SpeechLayer()
    layer.enter(0.0)
    assert jaw(layer, OPEN, 0.0) == 0.0
    assert 0.5 < jaw(layer, OPEN, 0.1) < 1.0
    pose, share = layer.show(OPEN, 8 / 25)
    assert pose.weights[JAW] == pytest.approx(1.0)
    assert share == pytest.approx(1.0)
    assert INTO_SPEECH.mouth_s == 8 / 25


def test_out_of_speech_takes_twenty_frames() -> None:
    layer = speaking()
    layer.leave(1.0)
    assert 0.0 < jaw(layer, None, 1.5) < 1.0
    pose, share = layer.show(None, 1.0 + 20 / 25)
    assert not pose.weights.any()
    assert not pose.head.any()
    assert share == 0.0
    assert OUT_OF_SPEECH.rest_s == 20 / 25


def test_interrupted_mouth_is_shut_within_200_ms_and_the_head_follows_slowly() -> None:
    layer = speaking()
    layer.leave(1.0, INTERRUPTED)
    pose, _ = layer.show(None, 1.2)
    assert pose.weights[JAW] == 0.0
    assert pose.head[0] > 0.005
    assert not layer.show(None, 1.81)[0].head.any()


def test_interrupt_takes_over_from_a_slow_leave() -> None:
    layer = speaking()
    layer.leave(1.0)
    jaw(layer, None, 1.1)
    layer.leave(1.1, INTERRUPTED)
    assert jaw(layer, None, 1.27) == 0.0


@given(st.lists(st.tuples(st.sampled_from(["enter", "leave", "interrupt"]), st.floats(0.005, 0.5)), max_size=20))
@settings(deadline=None)
def test_no_sequence_of_changes_makes_a_jump(steps: list[tuple[str, float]]) -> None:
    layer = SpeechLayer()
    now_s, values = 0.0, [0.0]
    for what, length_s in steps:
        if what == "enter":
            layer.enter(now_s)
        else:
            layer.leave(now_s, OUT_OF_SPEECH if what == "leave" else INTERRUPTED)
        for _ in range(max(1, round(length_s / 0.005))):
            now_s += 0.005
            values.append(jaw(layer, OPEN, now_s))
    # The quickest fade is 160 ms; its steepest 5 ms cover 3 * 5 / 160 of the way.
    assert all(abs(b - a) < 0.1 for a, b in itertools.pairwise(values))


def test_a_fade_begins_where_the_last_frame_was_drawn_ahead() -> None:
    layer = speaking()
    layer.show(OPEN, 1.04)
    layer.leave(1.01, INTERRUPTED)
    assert jaw(layer, None, 1.045) > 0.85
