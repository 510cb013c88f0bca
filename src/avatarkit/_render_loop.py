"""Drawing at the surface's pace, off the event loop."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Final, TypeVar

from avatarkit._draw_gate import draw_gate
from avatarkit._picture import Picture, has_area
from avatarkit.clock import Clock
from avatarkit.playback.heard import Samples
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.player import Frame, Player
from avatarkit.render.contract import Image, Renderer, Surface

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
_SMOOTHING: Final = 0.2
_MAX_LEAD_S: Final = 0.2
_STRAYS: Final = 3.0  # mean deviations; some 98 of 100 frames are drawn within
_LATE_S: Final = 0.015
_STANDS_STILL_S: Final = 0.2  # a picture that stood still for so long takes a late frame, too
_LOOK_S: Final = 0.1  # how often a surface without area is looked at
_TOLERANCE: Final = 0.25  # of a slot: a frame that is late by less is shown, not dropped


class DrawThread:
    """One thread for everything that may take long: drawing and presenting, in order."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="avatarkit-draw")

    async def run(self, work: Callable[..., _T], *args: Any) -> _T:
        """Call ``work`` in the thread and wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *args)

    def post(self, work: Callable[..., object], *args: Any) -> None:
        """Call ``work`` in the thread, behind what is there already; a failure is logged."""
        self._executor.submit(work, *args).add_done_callback(_log_failure)

    def stop(self) -> None:
        """Take nothing more."""
        self._executor.shutdown(wait=False)


class RenderLoop:
    """Frame ``k`` shows the avatar at ``k / frame_rate`` seconds after the first.

    Drawing begins ahead of the slot by as long as it usually takes, with the pose of the slot itself; so the
    frame is ready in its slot and shows what is heard then. What is late is dropped and counted. Views of one loop
    draw in turns.
    """

    def __init__(
        self,
        *,
        player: Player,
        meter: SessionMeter,
        renderer: Renderer,
        picture: Picture,
        surface: Surface,
        clock: Clock,
        thread: DrawThread,
        on_first: Callable[[], None],
        on_drawn: Callable[[float], None],
        on_shown: Callable[[Frame, float], None],
    ) -> None:
        """Draw nothing yet.

        Args:
            player: Says which pose to draw.
            meter: Counts.
            renderer: Has the avatar loaded; used in ``thread`` only.
            picture: How to draw it; asked before every frame. Keeps the frame that was shown last.
            surface: Where frames go.
            clock: Time.
            thread: For everything slow.
            on_first: Called when the first frame was handed over.
            on_drawn: Called for every frame that was handed over, with the seconds that drawing it took.
            on_shown: Called for the same frames, with the time on the surface.
        """
        self._player = player
        self._meter = meter
        self._renderer = renderer
        self._picture = picture
        self._surface = surface
        self._clock = clock
        self._thread = thread
        self._on_first = on_first
        self._on_drawn = on_drawn
        self._on_shown = on_shown
        self._places_by_time = bool(getattr(surface, "places_by_time", False))
        self._gate = draw_gate()
        self._took_s = 0.0
        self._size = (1, 1)
        self._start_s: float | None = None
        self._shown_s = float("-inf")
        self._draw_s = 0.0  # smoothed time of drawing, and how far it strays
        self._stray_s = 0.0

    async def run(self) -> None:
        """Draw until cancelled. Raises what renderer or surface raise."""
        await self._wait_for_area()
        frame, image = await self._draw(self._clock.now())
        start_s = self._start_s = self._clock.now()
        await self._present(frame, image, 0.0)
        self._on_first()
        rate = self._surface.frame_rate
        slot = self._next_slot(0, start_s, rate)
        while True:
            if not (self._picture.is_rendering and has_area(self._surface.size)):
                await self._picture.wait_until_rendering()
                await self._wait_for_area()
                self._meter.drawing_stopped()
                slot = max(slot, math.ceil((self._clock.now() - start_s) * rate))
            slot_s = start_s + slot / rate
            await self._clock.sleep_until(slot_s - self._lead_s())
            frame, image = await self._draw(slot_s)
            await self._clock.sleep_until(slot_s)
            if self._is_too_late(slot_s) and frame.generation == self._player.generation:
                self._meter.frames_dropped += 1
                slot = self._next_slot(slot, start_s, rate)
                continue
            while frame.generation != self._player.generation:  # its round was cut off meanwhile
                frame, image = await self._draw(slot_s, is_urgent=True)
            if frame.position_s is not None:
                self._meter.offset(frame.position_s, self._player.audio_time_s)
            await self._present(frame, image, slot / rate)
            slot = self._next_slot(slot, start_s, rate)

    def present_audio(self, samples: Samples, sample_rate: int, at_s: float) -> None:
        """Pass heard samples on; the first was heard at the clock time ``at_s``."""
        if self._start_s is None:
            return  # before the first frame there is no time line
        time_s = at_s - self._start_s
        if time_s < 0.0:
            samples = samples[math.ceil(-time_s * sample_rate) :]
            time_s = 0.0
        if len(samples):
            self._thread.post(self._surface.present_audio, samples, sample_rate, time_s)

    @property
    def start_s(self) -> float | None:
        """Clock time of the first frame."""
        return self._start_s

    async def _present(self, frame: Frame, image: Image, time_s: float) -> None:
        await self._thread.run(self._show, image, time_s)
        self._picture.shown = image
        self._shown_s = self._clock.now()
        self._meter.shown(self._clock.now())
        self._on_drawn(self._took_s)
        self._on_shown(frame, time_s)

    def _show(self, image: Image, time_s: float) -> None:
        size = self._surface.size
        if has_area(size):  # it may have lost it while the frame was drawn
            self._surface.present(self._picture.fit(image, size), time_s)

    async def _wait_for_area(self) -> None:
        while not has_area(self._surface.size):
            await self._clock.sleep_until(self._clock.now() + _LOOK_S)

    async def _draw(self, at_s: float, *, is_urgent: bool = False) -> tuple[Frame, Image]:
        """Draw in turn; what is urgent waits for no other view."""
        began_s = self._clock.now()
        async with nullcontext() if is_urgent else self._gate:
            frame = self._player.frame(at_s)
            if has_area(surface_size := self._surface.size):  # it may have lost it in this moment
                self._size = surface_size
            camera, size = self._picture.camera(self._size), self._picture.size(self._size)
            image = await self._thread.run(self._renderer.draw, frame.pose, camera, size)
        took_s = self._took_s = self._clock.now() - began_s
        if self._start_s is not None:  # the first frame also compiles and warms caches
            self._stray_s += (abs(took_s - self._draw_s) - self._stray_s) * _SMOOTHING
            self._draw_s += (took_s - self._draw_s) * _SMOOTHING
        return frame, image

    def _is_too_late(self, slot_s: float) -> bool:
        """Whether a frame shows what was heard a while ago, and none need be shown for the picture to move."""
        if self._places_by_time:
            return False
        now_s = self._clock.now()
        return now_s - slot_s > _LATE_S and now_s - self._shown_s < _STANDS_STILL_S

    def _lead_s(self) -> float:
        return min(self._draw_s + _STRAYS * self._stray_s, _MAX_LEAD_S)

    def _next_slot(self, slot: int, start_s: float, rate: float) -> int:
        ready_s = self._clock.now() + self._lead_s() - start_s
        following = max(slot + 1, math.ceil(ready_s * rate - _TOLERANCE))
        self._meter.frames_dropped += following - slot - 1
        return following


def _log_failure(done: Future[object]) -> None:
    if not done.cancelled() and (reason := done.exception()) is not None:
        _log.error("presenting failed", exc_info=reason)
