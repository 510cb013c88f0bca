"""Many deadlines, one sleeper: a connection's time limits without a task for each."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Final

from avatarkit.clock import Clock

_TIDY_FROM: Final = 256
"""Forgotten deadlines below which tidying up is not worth the while."""


class Timer:
    """A deadline that was set; see :class:`Timers`."""

    __slots__ = ("_timers", "callback")

    def __init__(self, timers: Timers, callback: Callable[[], None]) -> None:
        self._timers = timers
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Forget it. Idempotent, and allowed when it has passed."""
        if self.callback is not None:
            self.callback = None
            self._timers.forgot_one()


class Timers:
    """Calls back at given times of a clock. Used from one event loop only.

    Args:
        clock: Whose times they are.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, Timer]] = []
        self._sleeper: asyncio.Task[None] | None = None
        self._wakes_at_s = 0.0
        self._forgotten = 0

    def at(self, deadline_s: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback`` once the clock has reached ``deadline_s``. It must not raise."""
        timer = Timer(self, callback)
        heapq.heappush(self._waiting, (deadline_s, next(self._order), timer))
        if self._sleeper is None or deadline_s < self._wakes_at_s:
            self._sleep()
        return timer

    def forgot_one(self) -> None:
        """A timer was cancelled: once most were, they are thrown out, so that short sessions leave nothing behind."""
        self._forgotten += 1
        if self._forgotten > max(_TIDY_FROM, len(self._waiting) // 2):
            self._waiting = [entry for entry in self._waiting if entry[2].callback is not None]
            heapq.heapify(self._waiting)
            self._forgotten = 0

    def close(self) -> None:
        """Forget every deadline."""
        self._waiting.clear()
        if self._sleeper is not None:
            self._sleeper.cancel()
            self._sleeper = None

    def _sleep(self) -> None:
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._wakes_at_s = self._waiting[0][0]
        self._sleeper = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        while self._waiting:
            self._wakes_at_s = self._waiting[0][0]
            await self._clock.sleep_until(self._wakes_at_s)
            # A callback may set the next deadline: the sleeper must not look asleep to it, nor be cancelled by it.
            self._wakes_at_s = float("-inf")
            while self._waiting and self._waiting[0][0] <= self._clock.now():
                _, _, timer = heapq.heappop(self._waiting)
                callback, timer.callback = timer.callback, None
                if callback is None:
                    self._forgotten = max(0, self._forgotten - 1)
                else:
                    callback()
        self._sleeper = None
