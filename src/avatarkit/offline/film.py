"""Drawing a performance onto a surface: pictures on some threads, encoding on the surface's own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from typing import Final, NamedTuple

from avatarkit.avatars.bundle import Bundle
from avatarkit.frames import Pose
from avatarkit.offline.performance import Heard, Shown
from avatarkit.render.contract import Image, Renderer, Surface
from avatarkit.types import Camera

_AHEAD: Final = 3
"""Pictures, for each renderer, that are begun before they are presented."""


class _Drawn(NamedTuple):
    image: Future[Image]
    time_s: float


def shoot(
    performance: Iterable[Shown | Heard],
    bundle: Bundle,
    surface: Surface,
    *,
    camera: Camera | None = None,
    open_renderers: Callable[[], list[Renderer]],
    on_frame: Callable[[int], None] = lambda frames: None,
) -> int:
    """Draw a performance; returns the number of pictures. The surface stays open.

    Args:
        performance: Pictures and sound in order. The first is asked for while renderers load the avatar.
        bundle: The avatar.
        surface: Where pictures and sound go.
        camera: Default: the avatar's own.
        open_renderers: Makes the renderers, which draw alternate pictures at the same time, each on a thread of its
            own. Whole pictures side by side keep processors busier than parts of one.
        on_frame: Called with the number of pictures presented so far.
    """
    view = bundle.info.camera if camera is None else camera
    with ExitStack() as stack:
        renderers = [stack.enter_context(closing(renderer)) for renderer in open_renderers()]
        pools = [stack.enter_context(ThreadPoolExecutor(1, "avatarkit-shoot")) for _ in renderers]
        # Poses are made meanwhile: what a renderer is to draw waits behind its loading.
        loading = [pool.submit(r.load, bundle) for pool, r in zip(pools, renderers, strict=True)]
        waiting: deque[_Drawn | Heard] = deque()
        begun = presented = drawing = 0

        def draw(pose: Pose) -> Future[Image]:
            number = begun % len(renderers)
            return pools[number].submit(renderers[number].draw, pose, view, surface.size)

        def present() -> None:
            nonlocal presented, drawing
            item = waiting.popleft()
            if isinstance(item, Heard):
                surface.present_audio(item.samples, item.sample_rate, item.time_s)
                return
            while loading:
                loading.pop().result()
            surface.present(item.image.result(), item.time_s)
            presented, drawing = presented + 1, drawing - 1
            on_frame(presented)

        for item in performance:
            if isinstance(item, Heard):
                waiting.append(item)
                continue
            while drawing >= _AHEAD * len(renderers):
                present()
            waiting.append(_Drawn(draw(item.pose), item.time_s))
            begun, drawing = begun + 1, drawing + 1
        while waiting:
            present()
        return presented
