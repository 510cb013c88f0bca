"""The sessions of one running server, metered: places, credits, and orders to end.

::

    claims = await services.check_token(token)          # a TokenClaims, or the fault of the token
    avatar = await store.avatars.visible(avatar_id, claims.app_id)   # None: not for this app
    meter = await services.meter()
    try:
        # at the upgrade: reserves a place, and uses up a single-use token
        lease = await meter.open(claims.session(connection_id, avatar_id))
    except SessionRefused as refused:
        ...                                             # refused.reason is a Refusal
    await lease.confirm()                               # seconds are counted from here
    reason = await lease.ended()                        # waits; an EndReason when the session must be closed
    await lease.close("client left")                    # always, once or more; gives the place back

A token may be for one avatar only: ``claims.options.avatar_id``. ``lease.limit_s`` is the longest time from the
confirmation that the app's quota and the token allow, or ``None``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from avatarkit.clock import Clock
from avatarkit.server.failures import logged
from avatarkit.server.store.metering import EndReason, Refusal, SessionRequest
from avatarkit.server.store.sessions import BEAT_MS, Sessions

_log: Final = logging.getLogger(__name__)

_TIDY_S: Final = 15.0
_FORGET_S: Final = 3600.0
_KEEP_MS: Final = 30 * 24 * 3600 * 1000
"""How long the record of a session is kept."""


class SessionRefused(Exception):  # noqa: N818 - an answer, not a fault of the program
    """A session may not be opened."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(reason.value)
        self.reason = reason


class SessionLease:
    """One session that holds a place. Made by :meth:`SessionMeter.open`."""

    def __init__(self, meter: SessionMeter, request: SessionRequest, limit_s: int | None) -> None:
        self.meter = meter
        self.is_open = True
        self._end: asyncio.Future[EndReason] = asyncio.get_running_loop().create_future()
        self.id: Final = request.session_id
        self.app_id: Final = request.app_id
        self.limit_s: Final = limit_s
        """Longest time from the confirmation, in seconds; ``None`` when neither app nor token says."""

    async def confirm(self) -> None:
        """Seconds are counted from now."""
        await self.meter.confirm(self)

    async def ended(self) -> EndReason:
        """Wait until the session must be closed, and say why. Any number of tasks may wait, and be cancelled."""
        return await asyncio.shield(self._end)

    def on_end(self, act: Callable[[EndReason], None]) -> None:
        """Call ``act`` on the event loop when the session must be closed: :meth:`ended` without a task."""
        self._end.add_done_callback(lambda end: act(end.result()))

    async def close(self, reason: str) -> None:
        """Give the place back; ``reason`` is for the operator. Idempotent."""
        if self.is_open:
            self.is_open = False
            await self.meter.close_lease(self, reason)

    def order_end(self, reason: EndReason) -> None:
        """For the meter: let :meth:`ended` return."""
        if not self._end.done():
            self._end.set_result(reason)


class SessionMeter:
    """Metered sessions of one server process. Used from one event loop.

    Args:
        sessions: The store's table.
        clock: Source of durations.
        unix_time: Source of calendar time, in Unix seconds. Servers on one store must agree on it to a second
            or two.
        max_sessions: Most open sessions of one app, unless the app's quota is smaller.
        tidy: What else is to be done once an hour, to forget what is old.
    """

    def __init__(
        self,
        sessions: Sessions,
        *,
        clock: Clock,
        unix_time: Callable[[], float],
        max_sessions: int,
        tidy: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._unix_time = unix_time
        self._max_sessions = max_sessions
        self._tidy = tidy
        self._server_id = secrets.token_hex(8)
        self._host = socket.gethostname()
        self._leases: dict[str, SessionLease] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._has_work = asyncio.Event()

    def start(self) -> None:
        """Begin to beat, and to clear away what dead servers left."""
        self._tasks = [asyncio.create_task(self._beat_forever()), asyncio.create_task(self._tidy_forever())]

    async def stop(self) -> None:
        """Stop, closing what is still open. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        self._leases.clear()
        await self._sessions.leave(self._server_id, now_ms=self._now_ms())

    async def open(self, request: SessionRequest) -> SessionLease:
        """Reserve a place for a session, using up its token if that is for single use.

        Raises:
            SessionRefused: With the reason; nothing was used up.
        """
        granted = await self._sessions.open(
            request,
            server_id=self._server_id,
            host=self._host,
            now_ms=self._now_ms(),
            max_sessions=self._max_sessions,
        )
        if isinstance(granted, Refusal):
            raise SessionRefused(granted)
        lease = self._leases[request.session_id] = SessionLease(self, request, granted.limit_s)
        self._has_work.set()
        return lease

    async def confirm(self, lease: SessionLease) -> None:
        """See :meth:`SessionLease.confirm`."""
        await self._sessions.confirm(lease.id, now_ms=self._now_ms())

    async def close_lease(self, lease: SessionLease, reason: str) -> None:
        """See :meth:`SessionLease.close`. It is finished even when the caller is cancelled."""
        self._leases.pop(lease.id, None)
        closing = asyncio.ensure_future(self._sessions.close(lease.id, reason=reason, now_ms=self._now_ms()))
        await asyncio.shield(closing)

    async def close_many(self, leases: Mapping[SessionLease, str]) -> None:
        """Close many leases, with the reason of each, at the price of one. Idempotent."""
        reasons = {lease.id: reason for lease, reason in leases.items() if lease.id in self._leases}
        for lease in leases:
            lease.is_open = False
            self._leases.pop(lease.id, None)
        if reasons:
            await self._sessions.close_many(reasons, now_ms=self._now_ms())

    def total(self) -> int:
        """Open sessions of this server."""
        return len(self._leases)

    async def beat(self) -> None:
        """Say that this server lives, and pass on which sessions must end."""
        app_ids = {lease.app_id for lease in self._leases.values()}
        beat = await self._sessions.beat(self._server_id, app_ids=app_ids, now_ms=self._now_ms())
        if beat.is_lost:
            _log.error("the store held this server for dead; %d sessions must end", len(self._leases))
            ending = dict.fromkeys(self._leases, EndReason.LOST)
        else:
            ending = beat.ending
        for session_id, reason in ending.items():
            if session_id in self._leases:
                self._leases[session_id].order_end(reason)

    async def tidy(self) -> None:
        """Close what servers left open that died."""
        count = await self._sessions.forget_dead_servers(now_ms=self._now_ms(), asker=self._server_id)
        if count:
            _log.warning("closed %d sessions that a server left open when it died", count)

    async def _beat_forever(self) -> None:
        while True:
            await self._clock.sleep_until(self._clock.now() + BEAT_MS / 1000)
            if not self._leases:
                self._has_work.clear()
                await self._has_work.wait()
                continue
            with logged(_log, "the store could not be told that this server lives"):
                await self.beat()

    async def _tidy_forever(self) -> None:
        forgotten_s = float("-inf")
        while True:
            with logged(_log, "the store could not be tidied"):
                await self.tidy()
                if self._clock.now() - forgotten_s >= _FORGET_S:
                    forgotten_s = self._clock.now()
                    await self._sessions.forget_old(now_ms=self._now_ms(), keep_ms=_KEEP_MS)
                    if self._tidy is not None:
                        await self._tidy()
            await self._clock.sleep_until(self._clock.now() + _TIDY_S)

    def _now_ms(self) -> int:
        return int(self._unix_time() * 1000)
