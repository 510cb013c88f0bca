"""What a view of a scenario stands on: a renderer, a surface, a sound device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from avatarkit import AvatarView, FrameRateInfo
from avatarkit.avatars import Bundle
from avatarkit.clock import VirtualClock
from avatarkit.frames import Pose
from avatarkit.types import Camera

PULL_S = 0.01
LATENCY_S = 0.02


class PoseRecorder:
    """A renderer that remembers the poses."""

    def __init__(self) -> None:
        self.poses: list[Pose] = []
        self.cameras: list[Camera] = []
        self.is_broken = False
        self.looked_at = 0

    def load(self, bundle: Bundle) -> None:
        del bundle

    def draw(self, pose: Pose, camera: Camera, size: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if self.is_broken:
            raise RuntimeError("the renderer lost its context")
        self.poses.append(pose)
        self.cameras.append(camera)
        return np.zeros((size[1], size[0], 4), np.uint8)

    def close(self) -> None:
        pass


class BlindSurface:
    """A surface that shows nothing."""

    frame_rate = 25.0

    def __init__(self) -> None:
        self.size = (2, 2)

    def present(self, image: Any, time_s: float) -> None:
        assert image.shape[1::-1] == self.size

    def present_audio(self, pcm: Any, sample_rate: int, time_s: float) -> None:
        pass

    def close(self) -> None:
        pass


async def inline(work: Callable[[], bool]) -> bool:
    """Stands for a thread of its own."""
    return work()


class DeviceError(Exception):
    """Stands for ``sounddevice.PortAudioError``."""


class _Stream:
    """An output stream that pulls samples as virtual time passes."""

    latency = LATENCY_S

    def __init__(self, device: SoundDevice, rate: int, callback: Callable[..., None], finished: Callable[[], None]):
        self.device, self.rate, self.callback, self.finished = device, rate, callback, finished
        self.pulling: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.device.streams.append(self)
        self.pulling = asyncio.create_task(self._pull())

    def close(self, **_: Any) -> None:
        self.end()

    def end(self) -> None:
        if self in self.device.streams:
            self.device.streams.remove(self)
            assert self.pulling is not None
            self.pulling.cancel()
            self.finished()

    async def _pull(self) -> None:
        clock, frames = self.device.clock, round(self.rate * PULL_S)
        next_s = clock.now()
        while True:
            when = SimpleNamespace(currentTime=next_s, outputBufferDacTime=next_s + LATENCY_S)
            self.callback(memoryview(bytearray(2 * frames)), frames, when, None)
            next_s = max(next_s + PULL_S, clock.now())
            await clock.sleep_until(next_s)


class SoundDevice:
    """The machine's only sound device; stands for the module ``sounddevice``."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.is_there = True
        self.refused_rates: list[int] = []
        self.streams: list[_Stream] = []

    def module(self) -> ModuleType:
        module = ModuleType("sounddevice")
        module.PortAudioError = DeviceError  # type: ignore[attr-defined]
        module.RawOutputStream = self._open  # type: ignore[attr-defined]
        return module

    def lose(self) -> None:
        self.is_there = False
        for stream in list(self.streams):
            stream.end()

    def _open(
        self, *, samplerate: int, callback: Callable[..., None], finished_callback: Callable[[], None], **_: Any
    ) -> _Stream:
        if not self.is_there or samplerate in self.refused_rates:
            raise DeviceError("no device for that")
        return _Stream(self, samplerate, callback, finished_callback)


@dataclass
class Seat:
    """A view and what it told."""

    view: AvatarView
    renderer: PoseRecorder
    surface: BlindSurface
    sample_rate: int
    events: list[dict[str, Any]] = field(default_factory=list)
    statistics: FrameRateInfo | None = None
