"""Choosing an engine by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from avatarkit.compiled import kernels
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


@pytest.mark.parametrize("name", ["articulatory", "envelope"])
def test_compiled_once_an_engine_speaks_without_loading_the_compiler(name: str) -> None:
    program = (
        "import sys\n"
        "from avatarkit.motion import open_engine\n"
        f"stream = open_engine({name!r}).open(24000)\n"
        "stream.push(bytes(48000))\n"
        "stream.finish()\n"
        "assert len(stream.take()) == 25\n"
        "sys.exit(any(m in sys.modules for m in ('numba', 'scipy')))"
    )
    open_engine(name)
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_the_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: object) -> None:
        raise ModuleNotFoundError("No module named 'llvmlite'")

    monkeypatch.setattr(kernels, "_load", missing)
    with pytest.raises(AvatarError) as caught:
        open_engine()
    assert caught.value.code is ErrorCode.MISSING_DEPENDENCY
    assert "pyavatarkit[motion]" in caught.value.hint
