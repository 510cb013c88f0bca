"""A window on a display that nobody sees."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.render import WindowSurface

PROGRAM = Path(__file__).with_name("window_program.py")
RED, GREEN, BLUE = (220, 40, 30), (30, 160, 60), (0x20, 0x40, 0xC0)


@pytest.fixture
def display():
    if shutil.which("Xvfb") is None:
        pytest.skip("the window needs Xvfb, which is not installed")
    pytest.importorskip("rendercanvas", reason="the window needs rendercanvas, which is not installed")
    pytest.importorskip("wgpu", reason="the window needs wgpu, which is not installed")
    pytest.importorskip("glfw", reason="the window needs glfw, which is not installed")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    number = server.stdout.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait()
    server.stdout.close()


def area(path, color):
    """Width and height of what has a colour on a screenshot."""
    near = np.abs(np.asarray(Image.open(path).convert("RGB")).astype(int) - color).max(axis=2) < 12
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1) if len(rows) else (0, 0)


def test_a_window_shows_frames_over_its_background_follows_its_size_and_closes(display, tmp_path):
    environment = {**os.environ, "DISPLAY": display}
    environment.pop("WAYLAND_DISPLAY", None)
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    run = subprocess.run(
        [sys.executable, str(PROGRAM), str(first), str(second), "close"],
        env=environment, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:3] == ["320 240", "480 400", "True [True]"], run.stderr
    for path, color, size in ((first, RED, (320, 240)), (second, GREEN, (480, 400))):
        assert area(path, BLUE) == pytest.approx(size, abs=4)
        assert area(path, color) == pytest.approx((size[0] / 2, size[1] / 2), abs=6)


def test_outside_an_event_loop_a_window_is_refused():
    with pytest.raises(AvatarError, match="event loop") as caught:
        WindowSurface()
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


async def test_without_its_library_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "rendercanvas.glfw", None)
    with pytest.raises(AvatarError, match=r"pyavatarkit\[window\]"):
        WindowSurface()


@pytest.mark.parametrize("options", [{"size": (0, 1)}, {"frame_rate": 0}, {"background": "transparent"}])
async def test_impossible_windows_are_refused(options):
    with pytest.raises(AvatarError) as caught:
        WindowSurface(**options)
    assert caught.value.code is ErrorCode.CONFIGURATION_INVALID
