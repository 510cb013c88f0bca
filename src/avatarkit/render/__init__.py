"""Renderers and surfaces. Libraries for drawing and video are loaded when they are first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from avatarkit.render.contract import Image, Renderer, Surface
from avatarkit.render.registry import best_renderer, open_renderer, renderer_names

if TYPE_CHECKING:
    from avatarkit.render.background import Background, BackgroundLike
    from avatarkit.render.notebook import NotebookSurface
    from avatarkit.render.offscreen import OffscreenSurface
    from avatarkit.render.pipe import PipeSurface
    from avatarkit.render.png import composite, contact_sheet, encode_png
    from avatarkit.render.video import VideoSurface
    from avatarkit.render.warm import warm_up
    from avatarkit.render.window import WindowSurface

__all__ = [
    "Background",
    "BackgroundLike",
    "Image",
    "NotebookSurface",
    "OffscreenSurface",
    "PipeSurface",
    "Renderer",
    "Surface",
    "VideoSurface",
    "WindowSurface",
    "best_renderer",
    "composite",
    "contact_sheet",
    "encode_png",
    "open_renderer",
    "renderer_names",
    "warm_up",
]

_LAZY: Final = {
    "Background": "background",
    "BackgroundLike": "background",
    "NotebookSurface": "notebook",
    "OffscreenSurface": "offscreen",
    "PipeSurface": "pipe",
    "VideoSurface": "video",
    "WindowSurface": "window",
    "composite": "png",
    "contact_sheet": "png",
    "encode_png": "png",
    "warm_up": "warm",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
