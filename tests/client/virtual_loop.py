"""An event loop in virtual time: when everything waits for a timer, it is that timer's time at once."""

from __future__ import annotations

import asyncio
import selectors


class _Warp(selectors.DefaultSelector):  # type: ignore[misc, valid-type] - which class it is depends on the system
    """Waits for no timer."""

    def __init__(self) -> None:
        super().__init__()
        self.time_s = 1000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events: list[tuple[selectors.SelectorKey, int]] = super().select(0.0 if timeout is not None else None)
        if not events and timeout is not None and timeout > 0.0:
            self.time_s += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """Give it to ``asyncio.Runner``; work in other threads is not waited for."""

    def __init__(self) -> None:
        self._warp = _Warp()
        super().__init__(self._warp)

    def time(self) -> float:
        return self._warp.time_s


class LoopClock:
    """The running loop's time, as a ``Clock``."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep_until(self, deadline_s: float) -> None:
        await asyncio.sleep(max(0.0, deadline_s - self.now()))
