"""A surface on the screen."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import ErrorCode, Phase, error, missing_dependency
from avatarkit.render.background import Background, BackgroundLike
from avatarkit.render.contract import Image
from avatarkit.render.offscreen import LARGEST_SIDE, check_surface

_SMALLEST_PX: Final = 16


class WindowSurface:
    """A window that the avatar fills, whatever its size. Make it in a running event loop, on the main thread.

    Attributes:
        on_close: Called on the event loop when the user has closed the window.
    """

    def __init__(
        self,
        size: tuple[int, int] = (640, 640),
        frame_rate: float = 30.0,
        *,
        title: str = "AvatarKit",
        background: BackgroundLike = None,
    ) -> None:
        """``size``: of the window at first, in logical pixels.

        Raises ``AvatarError``: configurationInvalid for a size, rate or background that is none (a window is never
        transparent); missingDependency without the extra ``window``; illegalState without a running event loop;
        playbackInitFailed without a display.
        """
        check_surface(size, frame_rate)
        Background(background, (1, 1))
        if isinstance(background, str) and background == "transparent":
            raise error(ErrorCode.CONFIGURATION_INVALID, "A window is not transparent.")
        self.on_close: Callable[[], None] | None = None
        self._background_given = background
        self._background: Background | None = None
        self._behind_size = (0, 0)
        self._frame_rate = frame_rate
        self._lock = threading.Lock()
        self._image: Image | None = None
        self._loop = _event_loop()
        self._canvas = _open_canvas(size, title, frame_rate)
        self._context: Any = self._canvas.get_bitmap_context()
        self._canvas.request_draw(self._draw)
        self._canvas.add_event_handler(self._closed_by_user, "close")
        self._size: tuple[int, int] = _clamped(self._canvas.get_physical_size())
        self._canvas.add_event_handler(self._resized, "resize")
        self._closed = False

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the window's content, in pixels of the screen."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second that are asked for."""
        return self._frame_rate

    @property
    def is_closed(self) -> bool:
        """Whether the window is gone."""
        return self._closed

    def present(self, image: Image, time_s: float) -> None:
        """See :meth:`Surface.present`. May be called from any thread; an image of another size is stretched."""
        del time_s
        if self._closed:
            return
        size = image.shape[1::-1]
        if self._background is None or self._behind_size != size:
            self._background, self._behind_size = Background(self._background_given, size), size
        picture = self._background.behind(image)
        with self._lock:
            self._image = picture
        try:
            self._loop.call_soon_threadsafe(self._ask_to_draw)
        except RuntimeError:  # the event loop has ended, and the window with it
            self._closed = True

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Does nothing: the speaker is heard."""

    def close(self) -> None:
        """Close the window; on its event loop when called from elsewhere. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if _running() is self._loop:
            self._canvas.close()
        elif self._loop.is_running():
            self._loop.call_soon_threadsafe(self._canvas.close)

    def _ask_to_draw(self) -> None:
        if not self._closed:
            self._canvas.request_draw()

    def _draw(self) -> None:
        with self._lock:
            image = self._image
        if image is not None:
            self._context.set_bitmap(image)

    def _resized(self, event: dict[str, Any]) -> None:
        del event
        self._size = _clamped(self._canvas.get_physical_size())

    def _closed_by_user(self, event: dict[str, Any]) -> None:
        del event
        if not self._closed:
            self._closed = True
            if self.on_close is not None:
                self.on_close()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _event_loop() -> asyncio.AbstractEventLoop:
    loop = _running()
    if loop is None:
        raise error(
            ErrorCode.ILLEGAL_STATE,
            "A window needs a running event loop. Legal now: making it inside a coroutine.",
            phase=Phase.RENDER,
        )
    return loop


def _open_canvas(size: tuple[int, int], title: str, frame_rate: float) -> Any:
    try:
        import wgpu  # noqa: F401, PLC0415 - what puts the picture on the screen
        from rendercanvas.glfw import RenderCanvas  # noqa: PLC0415 - loaded when it is used
    except ImportError as failure:
        raise missing_dependency(failure.name or "rendercanvas", "window") from failure
    try:
        return RenderCanvas(size=size, title=title, update_mode="ondemand", max_fps=max(frame_rate, 1.0), vsync=False)
    except Exception as failure:  # the windowing library tells its troubles in many ways
        raise error(
            ErrorCode.PLAYBACK_INIT_FAILED,
            f"No window can be opened: {failure}",
            phase=Phase.RENDER,
            retryable=False,
            hint="A window needs a display; use an OffscreenSurface, a VideoSurface or a PipeSurface without one.",
        ) from failure


def _clamped(size: tuple[int, int]) -> tuple[int, int]:
    """A size that can be drawn, also for a minimised window."""
    width, height = (min(max(int(side), _SMALLEST_PX), LARGEST_SIDE) for side in size)
    return width, height
