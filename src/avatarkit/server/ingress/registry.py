"""Every open connection, and whether there is room for one more."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from avatarkit.clock import Clock

if TYPE_CHECKING:
    from avatarkit.server.ingress.connection import Connection
    from avatarkit.server.ingress.endings import Ending
    from avatarkit.server.ingress.load import Load


class SessionRegistry:
    """Knows the open connections. Used from one event loop only.

    Args:
        app_limit: Most sessions of one app in this process.
        limit: Most connections in all; 0 is no limit.
        load: Whether the engine keeps up.
    """

    def __init__(self, app_limit: int, limit: int, load: Load) -> None:
        self._app_limit = app_limit
        self._limit = limit
        self._load = load
        self._of_app: Counter[str] = Counter()
        self._connections: set[Connection] = set()
        self._is_draining = False
        self._empty = asyncio.Event()

    @property
    def refusal(self) -> str | None:
        """Why no further connection is taken, or ``None``."""
        if self._is_draining:
            return "The server is going away"
        if 0 < self._limit <= len(self._connections) or self._load.is_over:
            return "The server is at capacity"
        return None

    def total(self) -> int:
        """Open connections."""
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """A connection was accepted."""
        self._connections.add(connection)

    def discard(self, connection: Connection) -> None:
        """A connection is over."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()

    def enter(self, app_id: str) -> bool:
        """Take a session of an app; ``False`` when it has none left. Given back by :meth:`leave`."""
        if self._of_app[app_id] >= self._app_limit:
            return False
        self._of_app[app_id] += 1
        return True

    def leave(self, app_id: str) -> None:
        """Give a session back."""
        self._of_app[app_id] -= 1
        if self._of_app[app_id] <= 0:
            del self._of_app[app_id]

    async def drain(self, clock: Clock, timeout_s: float, late: Ending) -> None:
        """Take nobody in any more and close each connection once its running rounds are finished; those that take
        longer than ``timeout_s`` end with ``late``."""
        self._is_draining = True
        for connection in list(self._connections):
            connection.drain()
        if not self._connections:
            return
        self._empty.clear()
        waits = [
            asyncio.ensure_future(wait) for wait in (self._empty.wait(), clock.sleep_until(clock.now() + timeout_s))
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        for connection in list(self._connections):
            connection.end(late)
