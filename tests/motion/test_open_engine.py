"""Choosing an engine by name."""

from __future__ import annotations

import pytest

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.motion import ENGINES, MotionFrames, open_engine


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_every_engine_opens_by_name(name: str) -> None:
    stream = open_engine(name).open(16000)
    stream.push(bytes(1280))
    stream.finish()
    frames = stream.take()
    assert isinstance(frames, MotionFrames)
    assert len(frames) == 1


def test_an_unknown_name_is_refused_and_the_choices_named() -> None:
    with pytest.raises(AvatarError) as caught:
        open_engine("telepathy")
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
    for name in ENGINES:
        assert name in caught.value.message


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(AvatarError) as caught:
        open_engine("envelope", colour="blue")
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
