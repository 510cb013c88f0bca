"""Which renderers there are, and opening one by name."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Final

from avatarkit.errors import ErrorCode, error, missing_dependency
from avatarkit.render.contract import Renderer


def _open_cpu(threads: int | None) -> Renderer:
    if importlib.util.find_spec("numba") is None:
        raise missing_dependency("numba", "render")
    from avatarkit.render.cpu.renderer import CpuRenderer  # noqa: PLC0415 - numba is loaded when it is used

    return CpuRenderer(threads)


def _open_gpu(threads: int | None) -> Renderer:
    del threads
    if importlib.util.find_spec("wgpu") is None:
        raise missing_dependency("wgpu", "gpu")
    from avatarkit.render.gpu.renderer import GpuRenderer  # noqa: PLC0415 - wgpu is loaded when it is used

    return GpuRenderer()


_RENDERERS: Final[dict[str, Callable[[int | None], Renderer]]] = {"cpu": _open_cpu, "gpu": _open_gpu}


def renderer_names() -> tuple[str, ...]:
    """The names that :func:`open_renderer` takes."""
    return ("auto", *_RENDERERS)


def best_renderer() -> str:
    """What ``auto`` stands for here: ``gpu`` where wgpu is installed and finds a GPU, else ``cpu``."""
    if importlib.util.find_spec("wgpu") is None:
        return "cpu"
    from avatarkit.render.gpu.adapter import hardware_name  # noqa: PLC0415 - wgpu is loaded when it is there

    return "cpu" if hardware_name() is None else "gpu"


def open_renderer(name: str = "auto", *, threads: int | None = None) -> Renderer:
    """Open the renderer of a name; ``auto`` is the best one that this machine can run, see :func:`best_renderer`.

    ``threads`` is for ``cpu``: 1..64, default the processors, at most four.

    Raises ``AvatarError``: ``configurationInvalid`` for an unknown name, ``missingDependency`` when the
    renderer's library is not installed, ``playbackInitFailed`` for ``gpu`` on a machine without any adapter.
    """
    opener = _RENDERERS.get(best_renderer() if name == "auto" else name)
    if opener is None:
        choices = ", ".join(renderer_names())
        raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no renderer '{name}'; the choices are: {choices}.")
    return opener(threads)
