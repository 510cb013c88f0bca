"""The one source of time. Everything that waits or measures takes a clock, so tests run in virtual time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic time in seconds, and waiting for it."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    async def sleep_until(self, deadline_s: float) -> None:
        """Wait until :meth:`now` has reached ``deadline_s``; returns at once if it already has."""
        ...


class RealClock:
    """The machine's monotonic clock."""

    def now(self) -> float:
        """Seconds of :func:`time.monotonic`."""
        return time.monotonic()

    async def sleep_until(self, deadline_s: float) -> None:
        """Sleep in real time."""
        await asyncio.sleep(max(0.0, deadline_s - self.now()))


class VirtualClock:
    """A clock that moves only when told to, for tests and offline rendering."""

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._order = itertools.count()
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> float:
        """Virtual seconds."""
        return self._now_s

    async def sleep_until(self, deadline_s: float) -> None:
        """Wait until :meth:`advance` has moved time to the deadline."""
        if deadline_s <= self._now_s:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (deadline_s, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time forward, waking sleepers in the order of their deadlines and letting tasks run between."""
        target_s = self._now_s + seconds
        await self._settle()
        while self._waiting and self._waiting[0][0] <= target_s:
            deadline_s, _, future = heapq.heappop(self._waiting)
            self._now_s = max(self._now_s, deadline_s)
            if not future.done():
                future.set_result(None)
                await self._settle()
        self._now_s = target_s
        await self._settle()

    @staticmethod
    async def _settle() -> None:
        for _ in range(20):
            await asyncio.sleep(0)
