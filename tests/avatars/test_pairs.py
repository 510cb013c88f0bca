"""Weights of shapes that pull at the same skin are agreed, and named faces are made of real shapes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avatarkit.avatars import Bundle, Rig
from avatarkit.avatars.expressions import MOODS, PAIRS, VISEMES, pose_of
from avatarkit.avatars.pairs import agreed
from avatarkit.frames import ARKIT_INDEX, ARKIT_NAMES, Pose
from avatarkit.motion.style import Emotion

WEIGHTS = arrays(np.float32, 52, elements=st.floats(0.0, 1.0, width=32))


def _agreed(**weights: float) -> dict[str, float]:
    out = agreed(pose_of(tuple(weights.items())).weights)
    return {name: round(float(out[ARKIT_INDEX[name]]), 5) for name in ARKIT_NAMES if out[ARKIT_INDEX[name]]}


def test_lips_close_only_over_an_open_jaw() -> None:
    assert _agreed(mouthClose=1.0) == {}
    assert _agreed(mouthClose=1.0, jawOpen=0.4) == {"jawOpen": 0.4, "mouthClose": 0.4}
    assert _agreed(mouthClose=0.2, jawOpen=0.4) == {"jawOpen": 0.4, "mouthClose": 0.2}


def test_a_shut_eye_is_neither_squinted_nor_wide() -> None:
    shut = _agreed(eyeBlinkLeft=1.0, eyeSquintLeft=1.0, eyeWideLeft=1.0, eyeSquintRight=0.7)
    assert shut == {"eyeBlinkLeft": 1.0, "eyeSquintRight": 0.7}
    assert _agreed(eyeWideRight=0.8, eyeLookUpRight=1.0)["eyeWideRight"] == 0.4
    assert _agreed(eyeBlinkRight=1.0, eyeLookDownRight=1.0)["eyeBlinkRight"] == 0.75


def test_funnel_and_pucker_share_the_lips() -> None:
    assert _agreed(mouthFunnel=0.5, mouthPucker=0.4) == {"mouthFunnel": 0.5, "mouthPucker": 0.4}
    assert _agreed(mouthFunnel=1.0, mouthPucker=1.0) == {"mouthFunnel": 0.5, "mouthPucker": 0.5}


@settings(max_examples=60, deadline=None)
@given(weights=WEIGHTS)
def test_agreeing_only_lessens_and_leaves_the_pose_alone(weights: np.ndarray) -> None:
    before = weights.copy()
    out = agreed(weights)
    np.testing.assert_array_equal(weights, before)
    assert (out <= before + 1e-6).all()
    assert (out >= 0.0).all()
    free = [i for name, i in ARKIT_INDEX.items() if not name.startswith(("eye", "mouthClose", "mouthF", "mouthP"))]
    np.testing.assert_array_equal(out[free], before[free])


def test_the_rig_agrees_weights(bundle: Bundle) -> None:
    skin = bundle.meshes[0]
    lips = dataclasses.replace(skin, morphs=skin.morphs | {"mouthClose": skin.morphs["mouthSmileLeft"]})
    rig = Rig(dataclasses.replace(bundle, meshes=(lips, *bundle.meshes[1:])))
    rest = rig.deform_all(Pose.neutral())[0].copy()
    np.testing.assert_array_equal(rig.deform_all(pose_of((("mouthClose", 1.0),)))[0], rest)
    moved = rig.deform_all(pose_of((("mouthClose", 1.0), ("jawOpen", 0.5))))[0] - rest
    np.testing.assert_allclose(moved[13], lips.morphs["mouthClose"].deltas[0] * 0.5, atol=1e-6)


@pytest.mark.parametrize("faces", [VISEMES, MOODS, PAIRS], ids=["visemes", "moods", "pairs"])
def test_named_faces_are_within_range(faces: dict[str, tuple[tuple[str, float], ...]]) -> None:
    for expression in faces.values():
        weights = pose_of(expression).weights
        assert weights.max(initial=0.0) <= 1.0
        assert (weights > 0.0).sum() >= len(expression)


def test_visemes_and_moods_are_the_known_ones() -> None:
    assert list(VISEMES) == ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"]
    assert set(MOODS) == {emotion.value for emotion in Emotion}
