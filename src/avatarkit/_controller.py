"""Stage 5: connecting to the Motion Server, speaking, and the state of both."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from avatarkit._link import Link
from avatarkit._sdk import AvatarSDK, Settings
from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.frames import MotionFrames
from avatarkit.playback.heard import Samples
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.player import MAX_QUEUED_S, Player
from avatarkit.protocol import ClientEvent, MessageRejected, MotionReceived, ServerErrorReceived, new_id
from avatarkit.transport.contract import Target
from avatarkit.transport.errors import server_error
from avatarkit.transport.websocket import open_websocket
from avatarkit.types import ConnectionState, ConversationState, DrivingServiceMode, SessionReport

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_LEGAL: Final = {
    ConnectionState.DISCONNECTED: "start(), close()",
    ConnectionState.CONNECTING: "wait_connected(), close()",
    ConnectionState.CONNECTED: "send(), interrupt(), close()",
    ConnectionState.FAILED: "start(), send() without motion, interrupt(), close()",
}
_FATAL_SERVER_CODES: Final = range(4000, 5000)  # a close with the same number follows


@dataclass(frozen=True, slots=True)
class ControllerParts:
    """What a view gives its controller."""

    settings: Settings
    avatar_id: str
    sample_rate: int
    speaker: Speaker
    clock: Clock
    seed: int
    on_heard: Callable[[Samples, float], None]


class AvatarController:
    """Speaks through one view. The view makes it: ``view.controller``.

    ===============  ==========================================  ==============================
    Connection       leaves by                                   to
    ===============  ==========================================  ==============================
    disconnected     ``start``                                   connecting
    connecting       session confirmed                           connected
    connecting       refused, lost, or no session in time        failed, and ``on_error``
    connected        ``close``, or a clean end by the server     disconnected
    connected        connection lost, or a server error          failed, and ``on_error``
    failed           ``start``                                   connecting
    ===============  ==========================================  ==============================

    While ``failed``, audio still plays, without motion.

    Attributes:
        on_connection_state: Called with the new :class:`ConnectionState` on every change.
        on_conversation_state: Called with the new :class:`ConversationState` when its transition begins.
        on_error: Called with every :class:`AvatarError` that no call of the app raises, and with the reason
            why ``start`` failed.
    """

    def __init__(self, parts: ControllerParts | None = None) -> None:
        if parts is None:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                "A controller cannot be made alone. Legal now: AvatarView(...).controller.",
                phase=Phase.RENDER,
            )
        self.on_connection_state: Callable[[ConnectionState], None] | None = None
        self.on_conversation_state: Callable[[ConversationState], None] | None = None
        self.on_error: Callable[[AvatarError], None] | None = None
        self._parts = parts
        self._clock = parts.clock
        self.meter = SessionMeter()
        self.player = Player(
            clock=parts.clock,
            speaker=parts.speaker,
            sample_rate=parts.sample_rate,
            seed=parts.seed,
            new_id=new_id,
            on_state=lambda state: self._call(self.on_conversation_state, state),
            on_heard=parts.on_heard,
        )
        self._connection = ConnectionState.DISCONNECTED
        self._failure: AvatarError | None = None
        self._changed: list[asyncio.Future[None]] = []
        self._attempt: asyncio.Task[Link] | None = None
        self._link: Link | None = None
        self._remote_id: str | None = None  # the newest round that the present link knows
        self._rejection_told = False
        self._closing: asyncio.Task[None] | None = None  # held, or it might be collected
        self._disposed = False

    # --- state --------------------------------------------------------------------------------------------

    @property
    def connection_state(self) -> ConnectionState:
        """State of the Direct Mode connection."""
        return self._connection

    @property
    def conversation_state(self) -> ConversationState:
        """Idle, playing or paused, as heard and seen."""
        return self.player.state

    @property
    def audio_time(self) -> float:
        """Heard position in the present round, in seconds; 0 when there is none."""
        return self.player.audio_time_s

    @property
    def volume(self) -> float:
        """Gain of the avatar's voice, 0..1. Setting another value raises ``configurationInvalid``."""
        return self.player.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        if not 0.0 <= volume <= 1.0:
            raise error(ErrorCode.CONFIGURATION_INVALID, "The volume must be 0..1.", phase=Phase.INTERACT)
        self.player.volume = volume

    def report(self) -> SessionReport:
        """What was measured since the view was made."""
        return self.meter.report()

    # --- connection ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open a session with the Motion Server; returns once the server has confirmed it.

        Raises:
            AvatarError: ``networkLayerNotAvailable`` outside Direct Mode, ``connectionInProgress`` while
                another ``start`` runs, ``illegalState`` when connected or disposed, ``sessionTokenInvalid``
                without a token. Then nothing has changed. Any other error has also gone to ``on_error``, and
                the state is ``failed``: the server's refusal, ``websocketError`` when it cannot be reached,
                ``sessionTimeout`` after ``Configuration.connect_timeout_s``. ``websocketClosedUnexpected``
                when ``close`` or ``dispose`` came meanwhile.
        """
        self._require_direct("start()")
        if self._connection is ConnectionState.CONNECTING:
            raise error(ErrorCode.CONNECTION_IN_PROGRESS, "start() is running already.")
        if self._connection is ConnectionState.CONNECTED:
            raise self._illegal("start()")
        target = self._target()
        self._failure = None
        # Tasks begin at the next await, so `_attempt` stands before the state is told.
        attempt = asyncio.create_task(
            Link.open(open_websocket, target, self._parts.sample_rate), name="avatarkit connect"
        )
        self._attempt = attempt
        self._set_connection(ConnectionState.CONNECTING)
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
                self._set_connection(ConnectionState.DISCONNECTED)
            raise
        self._attempt = None
        self._link = link
        self._remote_id = None
        self._rejection_told = False
        link.run(self._take, self._ended)
        self._set_connection(ConnectionState.CONNECTED)

    async def wait_connected(self, timeout: float = 15.0) -> None:  # noqa: ASYNC109 - measured by our clock
        """Wait for the session, for those who run ``start`` in a task of its own.

        Args:
            timeout: Seconds.

        Raises:
            AvatarError: Why ``start`` failed; ``sessionTimeout``; ``illegalState`` when disconnected.
        """
        deadline_s = self._clock.now() + timeout
        if self._connection is ConnectionState.DISCONNECTED:
            await asyncio.sleep(0)  # a start() in a task just made gets its first step
        while self._connection is ConnectionState.CONNECTING:
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._changed.append(changed)
            if not await self._before(deadline_s, changed):
                raise error(ErrorCode.SESSION_TIMEOUT, f"No session within {timeout:g} seconds.")
        if self._connection is ConnectionState.FAILED:
            assert self._failure is not None
            raise self._failure
        if self._connection is ConnectionState.DISCONNECTED:
            raise self._illegal("wait_connected()")

    async def close(self) -> None:
        """End the session and drop what is playing. Idempotent, legal at any moment."""
        attempt, self._attempt = self._attempt, None
        link, self._link = self._link, None
        self._remote_id = None
        self.player.interrupt()
        self._set_connection(ConnectionState.DISCONNECTED)
        if attempt is not None:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
        if link is not None:
            await link.close()

    # --- speaking -----------------------------------------------------------------------------------------

    def send(self, data: bytes, end: bool = False) -> str:
        """Speak. The first audio of a round opens it under a new id; ``end`` closes its input.

        Send as fast as the audio is made. Audio behind an ``end`` opens the next round, which cuts off what
        still plays. An empty ``data`` with ``end`` closes the open round; repeated, it changes nothing.

        Args:
            data: Mono PCM, signed 16-bit little endian, at the view's sample rate; whole samples.
            end: Whether this is the last audio of the round.

        Returns:
            The round's id.

        Raises:
            AvatarError: Nothing is taken then. ``networkLayerNotAvailable`` outside Direct Mode,
                ``illegalState`` unless connected or failed, ``invalidAudioInput`` for half a sample or more
                than ten minutes ahead, ``noAudio`` for an empty call when no round is open.
        """
        self._require_direct("send()")
        if self._connection not in (ConnectionState.CONNECTED, ConnectionState.FAILED):
            raise self._illegal("send()")
        self._check_audio(data)
        data = bytes(data)
        player = self.player
        if not player.input_open:
            if not data:
                if end and player.last_id is not None:
                    return player.last_id
                raise error(ErrorCode.NO_AUDIO, "There is no audio, and no round is open.")
            self._open_round()
        round_id = player.round_id
        assert round_id is not None
        if self._link is not None and self._remote_id == round_id:
            self._link.send_audio(round_id, data, end=end)
        player.push_audio(data, end=end)
        return round_id

    def interrupt(self) -> None:
        """Fall silent at once and close the mouth; the round's buffers are dropped, here and on the server.

        Legal at any moment; without a round it does nothing. The next audio opens a new round.
        """
        self._require_alive("interrupt()")
        cut = self.player.interrupt()
        if cut is not None and cut == self._remote_id and self._link is not None:
            self._link.interrupt(cut)

    def pause(self) -> None:
        """Hold the round where it is; connection and buffers stay. ``illegalState`` without a round."""
        self._require_alive("pause()")
        if not self.player.pause():
            raise self._illegal("pause()", "it needs a round that plays")

    def resume(self) -> None:
        """Go on from where ``pause`` stopped. ``illegalState`` without a round."""
        self._require_alive("resume()")
        if not self.player.resume():
            raise self._illegal("resume()", "it needs a round that is paused")

    # --- for the view -------------------------------------------------------------------------------------

    def tell_error(self, reason: AvatarError) -> None:
        """Give an error to the app. Belongs to the view."""
        self._call(self.on_error, reason)

    async def dispose(self) -> None:
        """Close, and refuse everything from now on. Belongs to the view."""
        self._disposed = True
        await self.close()
        self.on_connection_state = self.on_conversation_state = self.on_error = None

    # --- inside: connecting -------------------------------------------------------------------------------

    def _target(self) -> Target:
        token = AvatarSDK.session_token()
        if token is None:
            raise error(
                ErrorCode.SESSION_TOKEN_INVALID,
                "No session token is set.",
                phase=Phase.AUTHENTICATE,
                hint="Call AvatarSDK.set_session_token() before start().",
            )
        return Target(self._parts.settings.endpoint, self._parts.avatar_id, self._parts.settings.app_id, token)

    async def _settle(self, attempt: asyncio.Task[Link]) -> Link:
        """The link, in time; the attempt is over when this returns or raises."""
        limit_s = self._parts.settings.configuration.connect_timeout_s
        try:
            in_time = await self._before(self._clock.now() + limit_s, attempt)
        finally:
            if not attempt.done():
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)
        if attempt.cancelled():
            if in_time:
                raise error(ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED, "It was closed while it was connecting.")
            raise error(ErrorCode.SESSION_TIMEOUT, f"No session within {limit_s:g} seconds.")
        link = attempt.result()
        if self._attempt is not attempt:  # closed in the very moment of success
            await link.close()
            raise error(ErrorCode.WEBSOCKET_CLOSED_UNEXPECTED, "It was closed while it was connecting.")
        return link

    async def _before(self, deadline_s: float, future: asyncio.Future[_T]) -> bool:
        """Wait for a future, which goes on if the deadline comes first."""
        timer = asyncio.create_task(self._clock.sleep_until(deadline_s))
        try:
            both: list[asyncio.Future[Any]] = [future, timer]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
        return future.done()

    # --- inside: what comes in ----------------------------------------------------------------------------

    def _take(self, event: ClientEvent) -> None:
        if isinstance(event, MotionReceived):
            self._take_motion(event)
        elif isinstance(event, ServerErrorReceived):
            self._take_error(event)
        elif isinstance(event, MessageRejected) and not self._rejection_told:
            self._rejection_told = True  # one report is enough for a sender that repeats itself
            hint = "Upgrade pyavatarkit." if event.newer_motion else None
            self.tell_error(
                error(ErrorCode.INVALID_ANIMATION_DATA, f"A message could not be used: {event.reason}.", hint=hint)
            )

    def _take_motion(self, event: MotionReceived) -> None:
        chunk = event.chunk
        if chunk is not None:
            self.meter.motion_received(
                event.req_id, chunk.frame_count, chunk.frame_rate, event.size_bytes, self._clock.now()
            )
            frames = MotionFrames.from_quantised(
                chunk.weights, chunk.head, first_frame=chunk.first_frame, frame_rate=chunk.frame_rate
            )
            try:
                self.player.push_motion(event.req_id, frames)
            except ValueError as exc:
                self.tell_error(error(ErrorCode.INVALID_ANIMATION_DATA, f"Motion was dropped: {exc}."))
        if event.end:
            self.player.end_motion(event.req_id)

    def _take_error(self, event: ServerErrorReceived) -> None:
        reason = server_error(event.code, event.message)
        if event.req_id and event.code not in _FATAL_SERVER_CODES:
            self.player.end_motion(event.req_id)  # that round goes on without motion
            self.tell_error(reason)
            return
        link = self._link
        self._ended(reason)
        if link is not None:
            self._closing = asyncio.create_task(link.close(), name="avatarkit close")

    def _ended(self, reason: AvatarError | None) -> None:
        """The link is over, not by us."""
        link, self._link = self._link, None
        self._remote_id = None
        if link is None:
            return
        if reason is None:
            self.player.lose_connection()
            self._set_connection(ConnectionState.DISCONNECTED)
        else:
            self._fail(reason)

    def _fail(self, reason: AvatarError) -> None:
        self._failure = reason
        self.player.lose_connection()
        self._set_connection(ConnectionState.FAILED)
        self.tell_error(reason)

    # --- inside: small things -----------------------------------------------------------------------------

    def _open_round(self) -> None:
        cut = self.player.round_id
        if cut is not None and cut == self._remote_id and self._link is not None:
            self._link.interrupt(cut)
        connected = self._link is not None
        round_id = self.player.open_round(expects_motion=connected)
        self.meter.rounds += 1
        if connected:
            self._remote_id = round_id
            self.meter.audio_sent(round_id, self._clock.now())

    def _check_audio(self, data: bytes) -> None:
        if len(data) % 2:
            raise error(ErrorCode.INVALID_AUDIO_INPUT, f"{len(data)} bytes are no whole number of 16-bit samples.")
        ahead_s = len(data) / 2 / self._parts.sample_rate
        if self.player.input_open:
            ahead_s += self.player.queued_s
        if ahead_s > MAX_QUEUED_S:
            raise error(
                ErrorCode.INVALID_AUDIO_INPUT,
                f"More than {MAX_QUEUED_S:g} seconds of audio would wait to be heard.",
                hint="Send the rest when some of it was heard.",
            )

    def _set_connection(self, state: ConnectionState) -> None:
        if state is self._connection:
            return
        self._connection = state
        for future in self._changed:
            if not future.done():
                future.set_result(None)
        self._changed.clear()
        self._call(self.on_connection_state, state)

    def _require_alive(self, what: str) -> None:
        if self._disposed:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                f"{what} is not legal: the view is disposed. Legal now: a new AvatarView.",
                phase=Phase.INTERACT,
            )

    def _require_direct(self, what: str) -> None:
        self._require_alive(what)
        if self._parts.settings.configuration.driving_service_mode is not DrivingServiceMode.DIRECT:
            raise error(ErrorCode.NETWORK_LAYER_NOT_AVAILABLE, f"{what} is not available in backend mode.")

    def _illegal(self, what: str, why: str = "") -> AvatarError:
        state = self._connection
        reason = why or f"the connection is {state.value}"
        return error(
            ErrorCode.ILLEGAL_STATE,
            f"{what} is not legal now: {reason}. Legal now: {_LEGAL[state]}.",
            phase=Phase.INTERACT,
        )

    @staticmethod
    def _call(callback: Callable[[_T], None] | None, value: _T) -> None:
        if callback is None:
            return
        try:
            callback(value)
        except Exception:
            _log.exception("a callback of the app failed")
