"""The Direct Mode connection of one controller: its states, what may be done in each, and reconnecting."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from avatarkit._link import Link, WireFormat
from avatarkit._sdk import AvatarSDK, Settings, fetch_token, has_token_provider
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.protocol import ClientEvent
from avatarkit.transport.contract import Target
from avatarkit.transport.websocket import open_websocket
from avatarkit.types import ConnectionState

_T = TypeVar("_T")

_TOKEN_REFUSED: Final = (ErrorCode.SESSION_TOKEN_INVALID, ErrorCode.SESSION_TOKEN_EXPIRED)
_LEGAL: Final = {
    ConnectionState.DISCONNECTED: "start(), close()",
    ConnectionState.CONNECTING: "wait_connected(), close()",
    ConnectionState.CONNECTED: "send(), interrupt(), close()",
    ConnectionState.FAILED: "start(), send() without motion, interrupt(), close()",
}


class MotionSession:
    """Opens sessions with the Motion Server, one after the other, and knows how each one ended."""

    def __init__(
        self,
        *,
        settings: Settings,
        avatar_id: str,
        wire: WireFormat,
        clock: Clock,
        on_state: Callable[[ConnectionState], None],
        on_event: Callable[[ClientEvent], None],
        on_failure: Callable[[AvatarError], None],
        on_lost: Callable[[], None],
    ) -> None:
        """Stay disconnected.

        Args:
            settings: Where to connect, as which app, and for how long to try.
            avatar_id: Which avatar.
            wire: How audio will be sent.
            clock: Time.
            on_state: Called on every change of the state.
            on_event: Called with what the server says in a confirmed session.
            on_failure: Called when the state has become ``failed``, with the reason.
            on_lost: Called when a session ended that we did not end, before the state changes.
        """
        self._settings = settings
        self._avatar_id = avatar_id
        self.wire = wire
        self._clock = clock
        self._on_state = on_state
        self._on_event = on_event
        self._on_failure = on_failure
        self._on_lost = on_lost
        self._state = ConnectionState.DISCONNECTED
        self._failure: AvatarError | None = None
        self._changed: list[asyncio.Future[None]] = []
        self._attempt: asyncio.Task[Link] | None = None
        self._link: Link | None = None
        self._old: Link | None = None  # ended, and perhaps still closing
        self._ending: set[asyncio.Task[None]] = set()
        self._reconnecting: asyncio.Task[None] | None = None
        self._tries = 0  # since a session last lasted
        self._confirmed_s = 0.0

    @property
    def state(self) -> ConnectionState:
        """State of the connection."""
        return self._state

    @property
    def link(self) -> Link | None:
        """The session, while connected."""
        return self._link

    async def start(self) -> None:
        """Open a session; the errors are those of ``AvatarController.start``."""
        if self._state is ConnectionState.CONNECTING:
            raise error(ErrorCode.CONNECTION_IN_PROGRESS, "start() is running already.")
        if self._state is ConnectionState.CONNECTED:
            raise self.illegal("start()")
        self._stop_reconnecting()
        await self._start()

    async def _start(self) -> None:
        if AvatarSDK.session_token() is None and not has_token_provider():
            raise error(
                ErrorCode.SESSION_TOKEN_INVALID,
                "No session token is set.",
                phase=Phase.AUTHENTICATE,
                hint="Call AvatarSDK.set_session_token() before start().",
            )
        self._failure = None
        # A task begins at the next await, so `_attempt` stands before the state is told.
        attempt = asyncio.create_task(self._open(), name="avatarkit connect")
        self._attempt = attempt
        self._set_state(ConnectionState.CONNECTING)
        try:
            link = await self._settle(attempt)
        except AvatarError as exc:
            if self._attempt is attempt:
                self._attempt = None
                self._fail(exc)
            raise
        except BaseException:
            if self._attempt is attempt:
                self._attempt = None
                self._set_state(ConnectionState.DISCONNECTED)
            raise
        self._attempt = None
        self._link = link
        self._confirmed_s = self._clock.now()
        link.run(self._on_event, self._ended)
        self._set_state(ConnectionState.CONNECTED)

    async def _open(self) -> Link:
        """Connect; with a token provider a refused token is replaced once."""
        provided = has_token_provider()
        if provided:
            await fetch_token()
        try:
            return await self._open_link()
        except AvatarError as exc:
            if not provided or exc.code not in _TOKEN_REFUSED:
                raise
        await fetch_token()
        return await self._open_link()

    async def _open_link(self) -> Link:
        style = self._settings.configuration.motion_style
        extra_params = {"motion_style": style} if style else {}
        return await Link.open(open_websocket, self._target(), self.wire, extra_params)

    async def wait_connected(self, timeout_s: float) -> None:
        """Wait for a session; the errors are those of ``AvatarController.wait_connected``."""
        deadline_s = self._clock.now() + timeout_s
        if self._state is ConnectionState.DISCONNECTED:
            await asyncio.sleep(0)  # a start() in a task just made gets its first step
        while self._state is ConnectionState.CONNECTING:
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._changed.append(changed)
            if not await self._before(deadline_s, changed):
                raise error(ErrorCode.SESSION_TIMEOUT, f"No session within {timeout_s:g} seconds.")
        if self._state is ConnectionState.FAILED:
            assert self._failure is not None
            raise self._failure
        if self._state is ConnectionState.DISCONNECTED:
            raise self.illegal("wait_connected()")

    async def close(self) -> None:
        """End the session or the attempt, and stop reconnecting. Idempotent."""
        self.close_soon()
        if self._ending:
            await asyncio.gather(*self._ending)

    def close_soon(self) -> None:
        """As :meth:`close`, but what takes time happens later."""
        self._stop_reconnecting()
        attempt, self._attempt = self._attempt, None
        links = [link for link in (self._link, self._old) if link is not None]
        self._link = self._old = None
        self._set_state(ConnectionState.DISCONNECTED)
        if attempt is not None or links:
            if attempt is not None:
                attempt.cancel()
            ending = asyncio.create_task(_end(attempt, links), name="avatarkit close")
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)

    def give_up(self, reason: AvatarError) -> None:
        """End the session as failed, because of what the server said in it."""
        if self._link is not None:
            self._link.end(reason)

    def illegal(self, what: str, why: str = "") -> AvatarError:
        """The error for a step that is not legal now, naming those that are."""
        reason = why or f"the connection is {self._state.value}"
        return error(
            ErrorCode.ILLEGAL_STATE,
            f"{what} is not legal now: {reason}. Legal now: {_LEGAL[self._state]}.",
            phase=Phase.INTERACT,
        )

    # --- inside -------------------------------------------------------------------------------------------

    def _target(self) -> Target:
        token = AvatarSDK.session_token()
        assert token is not None
        return Target(self._settings.endpoint, self._avatar_id, self._settings.app_id, token)

    async def _settle(self, attempt: asyncio.Task[Link]) -> Link:
        """The link, in time; the attempt is over when this returns or raises."""
        limit_s = self._settings.configuration.connect_timeout_s
        try:
            in_time = await self._before(self._clock.now() + limit_s, attempt)
        finally:
            if not attempt.done():
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)
        if attempt.cancelled() and not in_time:
            raise error(ErrorCode.SESSION_TIMEOUT, f"No session within {limit_s:g} seconds.")
        if self._attempt is not attempt:  # perhaps in the very moment of success
            if not attempt.cancelled() and attempt.exception() is None:
                await attempt.result().close()
            raise error(ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED, "It was closed while it was connecting.")
        return attempt.result()

    async def _before(self, deadline_s: float, future: asyncio.Future[_T]) -> bool:
        """Wait for a future, which goes on if the deadline comes first."""
        timer = asyncio.create_task(self._clock.sleep_until(deadline_s))
        try:
            both: list[asyncio.Future[Any]] = [future, timer]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return future.done()

    def _ended(self, reason: AvatarError | None) -> None:
        """The link is over, not by us."""
        link, self._link = self._link, None
        self._old = link
        if reason is None:
            self._on_lost()
            self._set_state(ConnectionState.DISCONNECTED)
        else:
            self._fail(reason)
            self._reconnect(reason)

    # --- reconnecting -------------------------------------------------------------------------------------

    def _reconnect(self, reason: AvatarError) -> None:
        """Follow the policy after the loss of a confirmed session."""
        policy = self._settings.configuration.reconnect
        if self._clock.now() - self._confirmed_s > policy.max_delay_s:
            self._tries = 0  # it had lasted; a server that drops every session at once is not asked for ever
        if self._state is ConnectionState.FAILED and reason.retryable and self._tries < policy.attempts:
            self._reconnecting = asyncio.create_task(self._keep_trying(), name="avatarkit reconnect")

    async def _keep_trying(self) -> None:
        policy = self._settings.configuration.reconnect
        while self._tries < policy.attempts:
            await self._clock.sleep_until(self._clock.now() + policy.delay_s(self._tries))
            self._tries += 1
            try:
                await self._start()
            except AvatarError as exc:
                if not exc.retryable:
                    return
            else:
                return

    def _stop_reconnecting(self) -> None:
        task, self._reconnecting = self._reconnecting, None
        self._tries = 0
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def _fail(self, reason: AvatarError) -> None:
        self._failure = reason
        self._on_lost()
        self._set_state(ConnectionState.FAILED)
        self._on_failure(reason)

    def _set_state(self, state: ConnectionState) -> None:
        if state is self._state:
            return
        self._state = state
        for future in self._changed:
            if not future.done():
                future.set_result(None)
        self._changed.clear()
        self._on_state(state)


async def _end(attempt: asyncio.Task[Link] | None, links: list[Link]) -> None:
    if attempt is not None:
        (result,) = await asyncio.gather(attempt, return_exceptions=True)
        if isinstance(result, Link):  # it had succeeded in that very moment
            links = [*links, result]
    for link in links:
        await link.close()
