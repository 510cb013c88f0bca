"""One Motion Server connection from its upgrade to its close."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import Final

from avatarkit.errors import AvatarError, ErrorCode
from avatarkit.protocol import (
    AudioReceived,
    CloseCode,
    PlaybackControlled,
    RequestDropped,
    RequestFinished,
    RequestStarted,
    ServerEvent,
    ServerSession,
    SessionConfigured,
    SessionRefused,
)
from avatarkit.protocol.limits import MAX_CLIENT_MESSAGE_BYTES
from avatarkit.server.buckets import Bucket
from avatarkit.server.ingress import endings
from avatarkit.server.ingress.admission import Admission
from avatarkit.server.ingress.decoding import AudioFormat, can_decode
from avatarkit.server.ingress.endings import Ending
from avatarkit.server.ingress.manner import style_of
from avatarkit.server.ingress.socket import MotionSocket
from avatarkit.server.ingress.speech import Speech
from avatarkit.server.ingress.timers import Timer
from avatarkit.server.observe.logs import log_context
from avatarkit.server.services import Services
from avatarkit.server.store.meter import SessionLease
from avatarkit.server.store.metering import EndReason

_log: Final = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = MAX_CLIENT_MESSAGE_BYTES + 64 * 1024
"""A little above the protocol's own limit, so that the protocol gets to say what is wrong."""

CAPABILITIES: Final = ("playback_control", "playback_state")
"""Pause and resume are each answered with the playback's state."""


class Connection:
    """Drives one accepted WebSocket. It acts when its socket, a timer or the inference calls; no task waits for it.

    Args:
        services: The server's.
        admission: Whose connection it is.
        connection_id: Its name.
        lease: Its place, given back when it is over; ``None`` when the app has none left: the client is told so in
            answer to its configuration.
    """

    def __init__(
        self, services: Services, admission: Admission, connection_id: str, lease: SessionLease | None
    ) -> None:
        self._services = services
        self._lease = lease
        self._session = ServerSession(connection_id)
        self._watch = services.observer.session(self.id, admission.app_id, admission.avatar_id)
        self._socket: MotionSocket | None = None
        self._speech: Speech | None = None
        self._setup: asyncio.Task[None] | None = None
        self._early: list[ServerEvent] = []
        self._is_over = False
        self._is_draining = False
        self._slow_since_s: float | None = None
        self._opened_s = self._heard_s = services.clock.now()
        self._session_end_s = math.inf
        self._timer: Timer = services.timers.at(
            self._opened_s + services.settings.handshake_timeout_s, self._check_time
        )
        per_second, most = services.settings.messages_per_second, services.settings.message_burst
        self._budget = Bucket(per_second, most, self._opened_s) if per_second else None
        services.sessions.add(self)
        if lease is not None:
            lease.on_end(self._ordered_to_end)
        with log_context(connection=self.id):
            _log.info("session opened: app %s, avatar %s", admission.app_id, admission.avatar_id)

    @property
    def id(self) -> str:
        """The connection's name, which the client is told."""
        return self._session.connection_id

    def attach(self, socket: MotionSocket | None) -> None:
        """Begin to serve the client behind a socket; ``None`` when it has left already."""
        self._socket = socket

    def forget_unless_attached(self) -> None:
        """Give everything back if the client left before it was accepted."""
        if self._socket is None:
            self.lost(CloseCode.GOING_AWAY)

    def drain(self) -> None:
        """Let the running rounds finish, then close."""
        self._is_draining = True
        self._close_if_drained()

    def end(self, ending: Ending) -> None:
        """Tell the client why and close. Idempotent."""
        if self._is_over:
            return
        last_words = None
        if ending.code is not None:
            last_words = self._session.error(ending.code, ending.message)
            self._watch.failed(ending.code.value)
        if self._socket is not None:
            self._socket.close(ending.close_code.value, ending.message, last_words)
        self._let_go(ending.close_code.value, ending.message)

    # --- called by the socket -------------------------------------------------------------------------------

    def heard(self, frames: int) -> None:
        """The client sent that many frames at once."""
        if self._budget is not None and not self._budget.take(frames, self._services.clock.now()):
            self.end(endings.TOO_MANY_MESSAGES)

    def received(self, data: bytes | None) -> None:
        """A message of the client; ``None`` is a text message."""
        if self._is_over:
            return
        self._heard_s = self._services.clock.now()
        try:
            for event in self._session.receive_text("") if data is None else self._session.receive_bytes(data):
                if type(event) is AudioReceived and self._speech is not None and not self._is_over:
                    self._speech.push(event.req_id, event.audio)  # the usual case
                else:
                    self._act(event)
        except Exception:  # whatever it is, the client is told, and the other sessions go on
            with log_context(connection=self.id):
                _log.exception("a message could not be handled")
            self.end(endings.INTERNAL_FAULT)

    def broke_rules(self, code: int, reason: str) -> None:
        """The client sent what is no WebSocket frame."""
        self.end(endings.broken_rules(code, reason))

    def flowing(self, *, is_flowing: bool) -> None:
        """The client stopped reading, or caught up."""
        if self._speech is not None:
            self._speech.flowing(is_flowing=is_flowing)
        self._slow_since_s = None if is_flowing else self._services.clock.now()
        self._check_time()

    def lost(self, code: int) -> None:
        """The client closed or vanished."""
        self._let_go(code, "the client left")

    # --- the session ----------------------------------------------------------------------------------------

    def _act(self, event: ServerEvent) -> None:
        if isinstance(event, SessionRefused):
            self.end(Ending(event.code, event.message, event.close_code))
        elif self._is_over:
            return
        elif isinstance(event, SessionConfigured):
            self._setup = asyncio.get_running_loop().create_task(self._configure(event))
        elif self._speech is None:
            self._early.append(event)  # as much as one read holds: nothing more is read meanwhile
        else:
            self._speak(self._speech, event)

    def _speak(self, speech: Speech, event: ServerEvent) -> None:
        match event:
            case RequestStarted(req_id, traceparent, tracestate):
                speech.begin(req_id, self._watch.turn(req_id, traceparent, tracestate))
            case AudioReceived(req_id, audio):
                speech.push(req_id, audio)
            case RequestFinished(req_id):
                speech.finish(req_id)
            case RequestDropped(req_id):
                speech.drop(req_id)
                self._send(self._session.end_dropped(event))
            case PlaybackControlled():
                self._send(self._session.playback_state(event))

    async def _configure(self, wanted: SessionConfigured) -> None:
        """Answer the configuration; the client is not listened to meanwhile."""
        self._hold(True)
        with log_context(connection=self.id):
            try:
                ending = await self._open(wanted)
            except Exception:
                _log.exception("the session cannot be opened")
                ending = endings.SERVICE_FAILED
        if ending is not None:
            self.end(ending)
        if self._is_over or self._speech is None:
            return
        self._send(self._session.confirm(CAPABILITIES))
        self._hold(False)
        early, self._early = self._early, []
        for event in early:
            self._act(event)
        self._check_time()

    async def _open(self, wanted: SessionConfigured) -> Ending | None:
        audio_format = AudioFormat(wanted.sample_rate, wanted.is_ogg_opus)
        if not can_decode(audio_format):
            return endings.NO_OPUS
        try:
            style = style_of(wanted.extra_params)
        except ValueError as reason:
            return endings.bad_style(str(reason))
        if self._lease is None:
            return endings.TOO_MANY_SESSIONS
        inference = await self._services.inference()
        self._speech = Speech(
            self._session,
            self._send,
            inference,
            hold=self._hold,
            fail=self._fail,
            audio_format=audio_format,
            style=style,
            limit_bytes=self._services.settings.queued_audio_limit,
        )
        await self._lease.confirm()
        limits_s = (self._services.settings.session_limit_s, self._lease.limit_s)
        self._session_end_s = self._services.clock.now() + min(limit for limit in limits_s if limit is not None)
        return None

    def _ordered_to_end(self, reason: EndReason) -> None:
        self.end(endings.ORDERED[reason])

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            self._socket.send(message)
        if self._is_draining:
            self._close_if_drained()

    def _hold(self, is_held: bool) -> None:
        if self._socket is not None:
            self._socket.hold(is_held=is_held)

    def _fail(self, problem: Exception) -> None:
        if isinstance(problem, AvatarError) and problem.code is ErrorCode.INVALID_AUDIO_INPUT:
            self.end(endings.bad_audio(problem.message))
            return
        with log_context(connection=self.id):
            _log.error("the motion engine failed", exc_info=problem)
        self.end(endings.SERVICE_FAILED)

    # --- time -----------------------------------------------------------------------------------------------

    def _check_time(self) -> None:
        """End the session if one of its time limits has passed, else look again when the next one can."""
        if self._is_over:
            return
        settings, now_s = self._services.settings, self._services.clock.now()
        limits: list[tuple[float, Ending]] = []
        if self._speech is None:
            limit_s = self._opened_s + settings.handshake_timeout_s
            limits.append((limit_s, endings.no_handshake(settings.handshake_timeout_s)))
        else:
            limits.append((self._session_end_s, endings.TIME_IS_UP))
            limits.append((self._heard_s + settings.idle_timeout_s, endings.idle(settings.idle_timeout_s)))
        if self._slow_since_s is not None:
            limits.append((self._slow_since_s + settings.slow_reader_timeout_s, endings.READS_TOO_SLOWLY))
        next_s, ending = min(limits, key=lambda limit: limit[0])
        if now_s >= next_s:
            self.end(ending)
            return
        self._timer.cancel()
        self._timer = self._services.timers.at(next_s, self._check_time)

    def _close_if_drained(self) -> None:
        if self._speech is None or self._speech.is_idle:
            self.end(endings.DRAINED)

    def _let_go(self, close_code: int, reason: str) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._timer.cancel()
        if self._setup is not None and not self._setup.done() and self._setup is not asyncio.current_task():
            self._setup.cancel()
        if self._speech is not None:
            self._speech.abandon()
        self._services.sessions.discard(self, self._lease, reason)
        self._watch.closed(close_code)
        with log_context(connection=self.id):
            length_s = self._services.clock.now() - self._opened_s
            _log.info("session closed after %.1f s with %d: %s", length_s, close_code, reason)
