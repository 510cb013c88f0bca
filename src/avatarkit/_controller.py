"""Stage 5: connecting to the Motion Server, speaking, and the state of both."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from avatarkit._sdk import Settings
from avatarkit._session import MotionSession
from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.frames import MotionFrames
from avatarkit.playback.heard import Samples
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.player import MAX_QUEUED_S, Player
from avatarkit.protocol import ClientEvent, MessageRejected, MotionReceived, ServerErrorReceived, new_id
from avatarkit.transport.errors import server_error
from avatarkit.types import ConnectionState, ConversationState, DrivingServiceMode, SessionReport

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
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
        self._mode = parts.settings.configuration.driving_service_mode
        self._sample_rate = parts.sample_rate
        self._clock = parts.clock
        self.meter = SessionMeter()
        self.player = Player(
            clock=parts.clock,
            speaker=parts.speaker,
            sample_rate=parts.sample_rate,
            seed=parts.seed,
            new_id=new_id,
            on_state=lambda state: _call(self.on_conversation_state, state),
            on_heard=parts.on_heard,
        )
        self._session = MotionSession(
            settings=parts.settings,
            avatar_id=parts.avatar_id,
            sample_rate=parts.sample_rate,
            clock=parts.clock,
            on_state=lambda state: _call(self.on_connection_state, state),
            on_event=self._take,
            on_failure=self.tell_error,
            on_lost=self._lose,
        )
        self._remote_id: str | None = None  # the newest round that the present session knows
        self._rejection_told = False
        self._disposed = False

    # --- state --------------------------------------------------------------------------------------------

    @property
    def connection_state(self) -> ConnectionState:
        """State of the Direct Mode connection."""
        return self._session.state

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
                when ``close`` or ``dispose`` came meanwhile; the state is ``disconnected`` then.
        """
        self._require_direct("start()")
        await self._session.start()
        self._rejection_told = False

    async def wait_connected(self, timeout: float = 15.0) -> None:  # noqa: ASYNC109 - measured by our clock
        """Wait for the session, for those who run ``start`` in a task of its own.

        Args:
            timeout: Seconds.

        Raises:
            AvatarError: Why ``start`` failed; ``sessionTimeout``; ``illegalState`` when disconnected.
        """
        await self._session.wait_connected(timeout)

    async def close(self) -> None:
        """End the session and drop what is playing. Idempotent, legal at any moment."""
        self._remote_id = None
        self.player.interrupt()
        await self._session.close()

    # --- speaking -----------------------------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview, end: bool = False) -> str:
        """Speak. The first audio of a round opens it under a new id; ``end`` closes its input.

        Send as fast as the audio is made. A round is heard from its first motion on, at the latest 0.4 s after
        its first audio, so that the lips are right from the start. Audio behind an ``end`` opens the next
        round, which cuts off what still plays. An empty ``data`` with ``end`` closes the open round; repeated,
        it changes nothing.

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
        if self._session.state not in (ConnectionState.CONNECTED, ConnectionState.FAILED):
            raise self._session.illegal("send()")
        pcm = data if isinstance(data, bytes) else memoryview(data).tobytes()
        self._check_audio(pcm)
        player = self.player
        if not player.input_open:
            if not pcm:
                if end and player.last_id is not None:
                    return player.last_id
                raise error(ErrorCode.NO_AUDIO, "There is no audio, and no round is open.")
            self._open_round()
        round_id = player.round_id
        assert round_id is not None
        if self._session.link is not None and self._remote_id == round_id:
            self._session.link.send_audio(round_id, pcm, end=end)
        player.push_audio(pcm, end=end)
        return round_id

    def interrupt(self) -> None:
        """Fall silent at once and close the mouth; the round's buffers are dropped, here and on the server.

        Legal at any moment; without a round it does nothing. The next audio opens a new round.
        """
        self._require_alive("interrupt()")
        self._interrupt_server(self.player.interrupt())

    def pause(self) -> None:
        """Hold the round where it is; connection and buffers stay. ``illegalState`` without a round."""
        self._require_alive("pause()")
        if not self.player.pause():
            raise self._session.illegal("pause()", "it needs a round that plays")

    def resume(self) -> None:
        """Go on from where ``pause`` stopped. ``illegalState`` without a round."""
        self._require_alive("resume()")
        if not self.player.resume():
            raise self._session.illegal("resume()", "it needs a round that is paused")

    # --- for the view -------------------------------------------------------------------------------------

    def tell_error(self, reason: AvatarError) -> None:
        """Give an error to the app. Belongs to the view."""
        _call(self.on_error, reason)

    async def dispose(self) -> None:
        """Close, and refuse everything from now on. Belongs to the view."""
        self._disposed = True
        await self.close()
        self.on_connection_state = self.on_conversation_state = self.on_error = None

    # --- inside -------------------------------------------------------------------------------------------

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
        else:
            self._session.give_up(reason)

    def _lose(self) -> None:
        self._remote_id = None
        self.player.lose_connection()

    def _open_round(self) -> None:
        connected = self._session.link is not None
        self._interrupt_server(self.player.round_id)
        round_id = self.player.open_round(expects_motion=connected)
        self.meter.rounds += 1
        self._remote_id = round_id if connected else None
        if connected:
            self.meter.audio_sent(round_id, self._clock.now())

    def _interrupt_server(self, round_id: str | None) -> None:
        """Have the server drop a round that it knows."""
        if round_id is not None and round_id == self._remote_id and self._session.link is not None:
            self._session.link.interrupt(round_id)

    def _check_audio(self, pcm: bytes) -> None:
        if len(pcm) % 2:
            raise error(ErrorCode.INVALID_AUDIO_INPUT, f"{len(pcm)} bytes are no whole number of 16-bit samples.")
        ahead_s = len(pcm) / 2 / self._sample_rate
        if self.player.input_open:
            ahead_s += self.player.queued_s
        if ahead_s > MAX_QUEUED_S:
            raise error(
                ErrorCode.INVALID_AUDIO_INPUT,
                f"More than {MAX_QUEUED_S:g} seconds of audio would wait to be heard.",
                hint="Send the rest when some of it was heard.",
            )

    def _require_alive(self, what: str) -> None:
        if self._disposed:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                f"{what} is not legal: the view is disposed. Legal now: a new AvatarView.",
                phase=Phase.INTERACT,
            )

    def _require_direct(self, what: str) -> None:
        self._require_alive(what)
        if self._mode is not DrivingServiceMode.DIRECT:
            raise error(ErrorCode.NETWORK_LAYER_NOT_AVAILABLE, f"{what} is not available in backend mode.")


def _call(callback: Callable[[_T], None] | None, value: _T) -> None:
    """Tell the app; what its callback raises is logged and goes no further."""
    if callback is None:
        return
    try:
        callback(value)
    except Exception:
        _log.exception("a callback of the app failed")
