"""How well this machine draws an avatar: one measurement for the whole process."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from avatarkit.avatars import Bundle, builtin, read_bundle
from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.frames import Pose
from avatarkit.render import best_renderer, open_renderer
from avatarkit.types import DeviceScore, DeviceSupport

_SIZE: Final = (512, 512)
_NEEDED_FPS: Final = 25.0
_MEASURED_S: Final = 0.5
_measured: asyncio.Task[DeviceScore] | None = None


async def score() -> DeviceScore:
    """See ``AvatarSDK.device_score``."""
    global _measured  # noqa: PLW0603 - measured once in a process
    usable = _measured is not None and _measured.get_loop() is asyncio.get_running_loop()
    if _measured is None or (not usable and not _measured.done()) or _failed(_measured):
        _measured = asyncio.create_task(asyncio.to_thread(_measure), name="avatarkit device score")
    if _measured.done():
        return _measured.result()
    return await asyncio.shield(_measured)


async def support() -> DeviceSupport:
    """See ``AvatarSDK.device_support``."""
    try:
        measured = await score()
    except AvatarError as exc:
        if exc.code is ErrorCode.MISSING_DEPENDENCY:
            return DeviceSupport.RENDER_NOT_SUPPORTED
        raise
    best = max(measured.cpu_score, measured.gpu_score or 0.0)
    return DeviceSupport.SUPPORTED if best >= 1.0 else DeviceSupport.INSUFFICIENT_PERFORMANCE


def _failed(task: asyncio.Task[DeviceScore]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _measure() -> DeviceScore:
    bundle = read_bundle(builtin.default_path())
    cpu = _score_of("cpu", bundle)
    # What a software driver draws says nothing about a GPU.
    return DeviceScore(cpu_score=cpu, gpu_score=_score_of("gpu", bundle) if best_renderer() == "gpu" else None)


def _score_of(name: str, bundle: Bundle) -> float:
    renderer = open_renderer(name)
    try:
        renderer.load(bundle)
        pose = Pose.neutral()
        renderer.draw(pose, bundle.info.camera, _SIZE)  # compiles and fills caches
        frames, began_s = 0, time.perf_counter()
        while (took_s := time.perf_counter() - began_s) < _MEASURED_S:
            renderer.draw(pose, bundle.info.camera, _SIZE)
            frames += 1
    finally:
        renderer.close()
    return frames / took_s / _NEEDED_FPS
