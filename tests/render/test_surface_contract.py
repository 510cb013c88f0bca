"""Every surface keeps the contract; the window does so on a display, in test_window.py."""

from __future__ import annotations

import io
import itertools

import pytest
from surface_suite import SurfaceSuite

from avatarkit.render import NotebookSurface, OffscreenSurface, PipeSurface, VideoSurface


class TestOffscreen(SurfaceSuite):
    def open(self, size, frame_rate):
        return OffscreenSurface(size, frame_rate)


class TestVideo(SurfaceSuite):
    @pytest.fixture(autouse=True, params=["mp4", "webm"])
    def folder(self, request, tmp_path):
        self.names = (tmp_path / f"{n}.{request.param}" for n in itertools.count())

    def open(self, size, frame_rate):
        return VideoSurface(next(self.names), size, frame_rate)


class TestPipe(SurfaceSuite):
    def open(self, size, frame_rate):
        return PipeSurface(io.BytesIO(), size, frame_rate)


class TestNotebook(SurfaceSuite):
    @pytest.fixture(autouse=True)
    def quiet(self, capsys):
        pytest.importorskip("IPython", reason="IPython is not installed")

    def open(self, size, frame_rate):
        return NotebookSurface(size, frame_rate)
