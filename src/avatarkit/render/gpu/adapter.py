"""Finding the GPU, and the one device that all views of a process share."""

from __future__ import annotations

import functools
import glob
import logging
import sys
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from avatarkit.errors import ErrorCode, Phase, error

if TYPE_CHECKING:
    from avatarkit.render.gpu.pipelines import Pipelines

_log = logging.getLogger(__name__)
_LINUX_NODES: Final = ("/dev/dri/renderD*", "/dev/nvidia[0-9]*", "/dev/dxg", "/dev/mali*", "/dev/kgsl-3d0")
_BACKENDS: Final = ("Vulkan", "Metal", "DX12")


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device and the programs compiled for it."""

    device: Any
    name: str
    pipelines: Pipelines
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while a picture is drawn and read."""


@functools.cache
def hardware_name() -> str | None:
    """Name of the hardware GPU that wgpu finds, or ``None`` where there is none but software."""
    if sys.platform.startswith("linux") and not any(glob.glob(pattern) for pattern in _LINUX_NODES):
        return None  # asking every driver would take seconds
    try:
        adapters = _wgpu().gpu.enumerate_adapters_sync()
    except Exception as reason:  # a driver may fail in any way; the CPU still draws
        _log.warning("looking for a GPU failed: %s", reason)
        return None
    names = [str(a.info["device"]) for a in adapters if a.info["adapter_type"] in ("DiscreteGPU", "IntegratedGPU")]
    return names[0] if names else None


@functools.cache
def open_gpu() -> Gpu:
    """The best adapter's device: hardware first, software if there is nothing else. Opened once in a process.

    Raises ``AvatarError`` (``playbackInitFailed``) where there is no adapter at all.
    """
    from avatarkit.render.gpu.pipelines import build_pipelines  # noqa: PLC0415 - wgpu is slow to load

    try:
        adapter = _wgpu().gpu.request_adapter_sync(power_preference="high-performance")
        device = adapter.request_device_sync(label="avatarkit")
    except RuntimeError as reason:
        raise error(
            ErrorCode.PLAYBACK_INIT_FAILED,
            "No GPU was found, and no software driver either.",
            phase=Phase.RENDER,
            retryable=False,
            hint="Use the renderer 'cpu', or install a driver (Debian: mesa-vulkan-drivers).",
        ) from reason
    return Gpu(device, str(adapter.info["device"]), build_pipelines(device))


def forget_gpu() -> None:
    """Let the next :func:`open_gpu` open a new device, as after the loss of one."""
    open_gpu.cache_clear()


@functools.cache
def _wgpu() -> Any:
    import wgpu  # noqa: PLC0415 - slow to load
    from wgpu.backends.wgpu_native import extras  # noqa: PLC0415

    try:
        # Without OpenGL: it is slow to ask, writes to the standard error, and draws on nothing that these do not.
        extras.set_instance_extras(backends=_BACKENDS)
    except Exception as reason:  # the app has used wgpu before: then with its settings
        _log.debug("wgpu is set up already: %s", reason)
    return wgpu
