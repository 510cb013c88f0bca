"""One Motion Server connection from its upgrade to its close."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from functools import partial
from typing import Final

from starlette.websockets import WebSocket

from avatarkit.protocol import (
    AudioReceived,
    CloseCode,
    PlaybackControlled,
    RequestDropped,
    RequestFinished,
    RequestStarted,
    ServerErrorCode,
    ServerEvent,
    ServerSession,
    SessionConfigured,
    SessionRefused,
    new_id,
)
from avatarkit.server.ingress.admission import Admission
from avatarkit.server.ingress.outbox import Outbox
from avatarkit.server.ingress.speech import SpeechQueue
from avatarkit.server.observe.logs import log_context
from avatarkit.server.services import Services

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ending:
    """Why the server ends a connection."""

    code: ServerErrorCode
    message: str
    close_code: CloseCode


_OVER_LIMIT: Final = _Ending(
    ServerErrorCode.CONCURRENCY_LIMIT,
    "concurrent session limit reached",
    CloseCode.CONCURRENCY_LIMIT,
)
_ENGINE_FAILED: Final = _Ending(
    ServerErrorCode.UPSTREAM_UNAVAILABLE, "driven server request failed", CloseCode.UPSTREAM_UNAVAILABLE
)


class Connection:
    """Drives one accepted WebSocket.

    Args:
        websocket: Accepted.
        services: The server's.
        admission: Whose connection it is.
        has_place: False when the app has no session left: the client is told so in answer to its first message.
    """

    def __init__(self, websocket: WebSocket, services: Services, admission: Admission, *, has_place: bool) -> None:
        self._websocket = websocket
        self._services = services
        self._admission = admission
        self._has_place = has_place
        self._session = ServerSession(new_id())
        self._outbox = Outbox(websocket)
        self._seen_by = services.observer.session(self._session.connection_id, admission.app_id, admission.avatar_id)
        self._speech = SpeechQueue(
            self._session, self._outbox, services.executor, services.settings.queued_audio_limit, services.observer
        )
        self._started_s = services.clock.now()
        self._last_message_s = self._started_s
        self._is_configured = False

    async def run(self) -> None:
        """Serve until either side ends it."""
        with log_context(connection=self._session.connection_id):
            await self._serve()

    async def _serve(self) -> None:
        name = self._session.connection_id
        _log.info("session %s opened: app %s, avatar %s", name, self._admission.app_id, self._admission.avatar_id)
        tasks = [asyncio.create_task(step) for step in (self._read(), self._watch(), self._infer())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._speech.abandon()
        ending = next(iter(done)).result()
        reason = "the client left"
        if ending is not None:
            reason = f"{ending.message} ({ending.close_code.value})"
            last_words = self._session.error(ending.code, ending.message)
            await self._outbox.close(last_words, ending.close_code.value, ending.message[:120])
            self._seen_by.failed(ending.code.value)
        self._seen_by.closed(CloseCode.NORMAL.value if ending is None else ending.close_code.value)
        _log.info("session %s closed after %.1f s: %s", name, self._services.clock.now() - self._started_s, reason)

    async def _read(self) -> _Ending | None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return None
            self._last_message_s = self._services.clock.now()
            data = message.get("bytes")
            events = (
                self._session.receive_text(message.get("text") or "")
                if data is None
                else self._session.receive_bytes(data)
            )
            for event in events:
                ending = await self._act(event)
                if ending is not None:
                    return ending

    async def _act(self, event: ServerEvent) -> _Ending | None:
        match event:
            case SessionConfigured(sample_rate):
                if not self._has_place:
                    return _OVER_LIMIT
                self._speech.configure(await self._services.engine(), sample_rate)
                self._is_configured = True
                await self._outbox.send(self._session.confirm)
            case RequestStarted(req_id, traceparent, tracestate):
                self._speech.begin(req_id, self._seen_by.turn(req_id, traceparent, tracestate))
            case AudioReceived(req_id, audio):
                await self._speech.push(req_id, audio)
            case RequestFinished(req_id):
                self._speech.finish(req_id)
            case RequestDropped(req_id):
                self._speech.drop(req_id)
                await self._outbox.send(partial(self._session.end_dropped, event))
            case PlaybackControlled():
                await self._outbox.send(partial(self._session.playback_state, event))
            case SessionRefused(code, message, close_code):
                return _Ending(code, message, close_code)
        return None

    async def _infer(self) -> _Ending | None:
        try:
            await self._speech.run()
        except Exception:
            _log.exception("session %s: the motion engine failed", self._session.connection_id)
            return _ENGINE_FAILED
        return None

    async def _watch(self) -> _Ending:
        """Wait for the first of the time limits that passes."""
        clock, settings = self._services.clock, self._services.settings
        await clock.sleep_until(self._started_s + settings.handshake_timeout_s)
        if not self._is_configured:
            return _Ending(
                ServerErrorCode.UNSPECIFIED,
                f"expected ClientConfigureSession message within {settings.handshake_timeout_s:g} s",
                CloseCode.POLICY_VIOLATION,
            )
        session_end_s = self._started_s + settings.session_limit_s
        while True:
            idle_end_s = self._last_message_s + settings.idle_timeout_s
            await clock.sleep_until(min(idle_end_s, session_end_s))
            now_s = clock.now()
            if now_s >= session_end_s:
                return _Ending(
                    ServerErrorCode.SESSION_TIMEOUT, "session time limit reached", CloseCode.SESSION_TIMEOUT
                )
            if now_s >= self._last_message_s + settings.idle_timeout_s:
                return _Ending(
                    ServerErrorCode.UNSPECIFIED,
                    f"no audio input for {settings.idle_timeout_s:g} s",
                    CloseCode.SESSION_TIMEOUT,
                )
