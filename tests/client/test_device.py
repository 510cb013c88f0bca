"""How fast this machine draws, as an app asks before it shows an avatar."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from avatarkit import AvatarSDK, DeviceSupport, _device
from avatarkit.errors import missing_dependency


class Machine:
    """Draws a frame in so many milliseconds of its own time."""

    def __init__(self, monkeypatch, *, cpu_ms, gpu_ms=None):
        self.ms = {"cpu": cpu_ms, "gpu": gpu_ms}
        self.now_s = 0.0
        self.opened = []
        self.closed = 0
        monkeypatch.setattr(_device, "time", SimpleNamespace(perf_counter=lambda: self.now_s))
        monkeypatch.setattr(_device, "_measured", None)
        monkeypatch.setattr(_device, "open_renderer", self.open)
        monkeypatch.setattr(_device, "best_renderer", lambda: "cpu" if gpu_ms is None else "gpu")
        monkeypatch.setattr(_device, "read_bundle", lambda path: SimpleNamespace(info=SimpleNamespace(camera=None)))

    def open(self, name):
        self.opened.append(name)

        def draw(pose, camera, size):
            assert size == (512, 512)
            self.now_s += self.ms[name] / 1000.0
            return np.zeros((1, 1, 4), np.uint8)

        def close():
            self.closed += 1

        return SimpleNamespace(load=lambda bundle: None, draw=draw, close=close)


@pytest.mark.parametrize(
    ("cpu_ms", "gpu_ms", "scores", "support"),
    [
        (10.0, None, (4.0, None), DeviceSupport.SUPPORTED),
        (80.0, None, (0.5, None), DeviceSupport.INSUFFICIENT_PERFORMANCE),
        (80.0, 2.0, (0.5, 20.0), DeviceSupport.SUPPORTED),
    ],
)
async def test_the_score_is_the_speed_over_25_frames_a_second(monkeypatch, cpu_ms, gpu_ms, scores, support):
    machine = Machine(monkeypatch, cpu_ms=cpu_ms, gpu_ms=gpu_ms)
    score = await AvatarSDK.device_score()
    assert score.cpu_score == pytest.approx(scores[0], rel=0.05)
    assert score.gpu_score == (None if scores[1] is None else pytest.approx(scores[1], rel=0.05))
    assert await AvatarSDK.device_support() is support
    assert machine.opened == ["cpu", "gpu"][: 1 if gpu_ms is None else 2]  # measured once
    assert machine.closed == len(machine.opened)


async def test_without_the_renderers_library_drawing_is_not_supported(monkeypatch):
    def refuse(name):
        raise missing_dependency("numba", "render")

    Machine(monkeypatch, cpu_ms=1.0)
    monkeypatch.setattr(_device, "open_renderer", refuse)
    assert await AvatarSDK.device_support() is DeviceSupport.RENDER_NOT_SUPPORTED
