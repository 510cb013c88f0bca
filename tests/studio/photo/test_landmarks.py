"""Reading the models' answers."""

from __future__ import annotations

import importlib.util
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.studio.photo import landmarks


def encoded(points: list[tuple[float, float, float]]) -> bytes:
    out = b""
    for point in points:
        body = b"".join(struct.pack("<Bf", (k + 1) << 3 | 5, value) for k, value in enumerate(point))
        out += bytes([0x0A, len(body)]) + body
    return out


_numbers = st.floats(-10, 10, width=32)


@given(st.lists(st.tuples(_numbers, _numbers, _numbers), max_size=40))
def test_a_list_of_landmarks_is_read_as_it_was_written(points: list[tuple[float, float, float]]) -> None:
    assert np.array_equal(landmarks._landmark_list(encoded(points)), np.array(points).reshape(-1, 3))


def test_without_the_models_the_error_names_the_line_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    landmarks._runner.cache_clear()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(AvatarError) as caught:
        landmarks.find_faces(np.zeros((400, 400, 3), np.uint8))
    landmarks._runner.cache_clear()
    assert caught.value.code is ErrorCode.MISSING_DEPENDENCY
    assert "pip install --no-deps mediapipe==" in caught.value.hint
