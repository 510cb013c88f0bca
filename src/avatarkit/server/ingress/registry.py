"""Every open connection, and whether there is room for one more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from avatarkit.clock import Clock

if TYPE_CHECKING:
    from avatarkit.server.ingress.connection import Connection
    from avatarkit.server.ingress.endings import Ending
    from avatarkit.server.ingress.load import Load
    from avatarkit.server.store.meter import SessionLease

_log: Final = logging.getLogger(__name__)


class SessionRegistry:
    """Knows the open connections. Used from one event loop only.

    Args:
        limit: Most connections in all; 0 is no limit.
        load: Whether the engine keeps up.
    """

    def __init__(self, limit: int, load: Load) -> None:
        self._limit = limit
        self._load = load
        self._connections: set[Connection] = set()
        self._to_release: dict[SessionLease, str] = {}
        self._releasing: asyncio.Task[None] | None = None
        self._is_draining = False
        self._empty = asyncio.Event()

    @property
    def is_draining(self) -> bool:
        """Whether no connection will ever be taken in any more."""
        return self._is_draining

    @property
    def refusal(self) -> str | None:
        """Why no further connection is taken, or ``None``."""
        if self._is_draining:
            return "The server is going away"
        if 0 < self._limit <= len(self._connections) or self._load.is_over:
            return "The server is at capacity"
        return None

    def __iter__(self) -> Iterator[Connection]:
        """Every open connection, as of now."""
        return iter(list(self._connections))

    def total(self) -> int:
        """Open connections."""
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        """A connection was accepted."""
        self._connections.add(connection)

    def discard(self, connection: Connection, lease: SessionLease | None, reason: str) -> None:
        """A connection is over; its place is given back behind it, with the reason for the operator."""
        self._connections.discard(connection)
        if lease is not None:
            self._to_release[lease] = reason
            if self._releasing is None:
                self._releasing = asyncio.get_running_loop().create_task(self._release())
        if not self._connections:
            self._empty.set()

    async def drain(self, clock: Clock, timeout_s: float, late: Ending) -> None:
        """Take nobody in any more and close each connection once its running rounds are finished; those that take
        longer than ``timeout_s`` end with ``late``."""
        self._is_draining = True
        for connection in self:
            connection.drain()
        if self._connections:
            await self._until_empty(clock, timeout_s)
        for connection in self:
            connection.end(late)
        await self.settle()

    async def settle(self) -> None:
        """Wait until the places of the connections that are over were given back."""
        if self._releasing is not None:
            await self._releasing

    async def _until_empty(self, clock: Clock, timeout_s: float) -> None:
        self._empty.clear()
        waits = [
            asyncio.ensure_future(wait) for wait in (self._empty.wait(), clock.sleep_until(clock.now() + timeout_s))
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _release(self) -> None:
        """Give places back, all that have come together at once: many clients may leave in the same moment."""
        while self._to_release:
            leases, self._to_release = self._to_release, {}
            try:
                await next(iter(leases)).meter.close_many(leases)
            except Exception:
                # They are given back when this server stops, or is held for dead.
                _log.exception("the places of %d sessions could not be given back", len(leases))
        self._releasing = None
