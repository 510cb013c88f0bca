"""One session of an app's backend with a Motion Server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Final, TypeVar

from avatarkit.backend import messages
from avatarkit.backend.audio import PcmUplink, Uplink, round_encoder, wire_sample_rate
from avatarkit.backend.deadline import within
from avatarkit.backend.egress import Egress
from avatarkit.backend.handshake import confirm, open_connection
from avatarkit.backend.payloads import AudioPayload, Callbacks, MotionPayload
from avatarkit.backend.rounds import Round, Rounds
from avatarkit.backend.tokens import SessionTokens
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error
from avatarkit.protocol import MotionReceived, ServerErrorReceived
from avatarkit.protocol.client_session import AUDIO_MESSAGE_BYTES, ClientSession
from avatarkit.transport.contract import Connection, ConnectionEnded
from avatarkit.transport.errors import server_error
from avatarkit.types import AudioCodec

_log: Final = logging.getLogger(__name__)
_CLOSE_TIMEOUT_S: Final = 5.0
P = TypeVar("P")


class _State(Enum):
    NEW = "new"
    STARTING = "starting"
    OPEN = "open"
    CLOSED = "closed"


class MotionSession:
    """Speech in, encoded audio and motion out through callbacks. Made by ``BackendClient.session``; used once.

    An async context manager: entering starts it, leaving closes it. Used from one event loop.

    Args:
        connect: Opens the connection with the session token that it is given.
        tokens: Source of session tokens.
        clock: Source of time.
        uplink: What audio is fed in.
        egress: Where the server shall deliver instead of here.
        extra_params: Passed on to the server.
        callbacks: Take what comes out.
    """

    def __init__(
        self,
        *,
        connect: Callable[[str], Awaitable[Connection]],
        tokens: SessionTokens,
        clock: Clock,
        uplink: Uplink,
        egress: Egress | None,
        extra_params: Mapping[str, str],
        callbacks: Callbacks,
    ) -> None:
        self._connect, self._tokens, self._clock = connect, tokens, clock
        self._codec = AudioCodec.PCM if isinstance(uplink, PcmUplink) else AudioCodec.OPUS
        self._sample_rate = wire_sample_rate(uplink)
        self._configuration = messages.configuration(uplink, egress, extra_params)
        self._callbacks = callbacks
        self._wire = ClientSession()
        self._rounds = Rounds(lambda: round_encoder(uplink))
        self._state = _State.NEW
        self._connection: Connection | None = None
        self._connection_id = ""
        self._capabilities: tuple[str, ...] = ()
        self._sending = asyncio.Lock()
        self._reader: asyncio.Task[None] | None = None
        self._ended_by: AvatarError | None = None
        self._over = asyncio.Event()

    async def __aenter__(self) -> MotionSession:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def connection_id(self) -> str:
        """The server's name for the session; empty before it is open."""
        return self._connection_id

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What the server says it can do, such as ``playback_control``."""
        return self._capabilities

    # --- life ---------------------------------------------------------------------------------------------

    async def start(self) -> str:
        """Fetch a token, connect and wait for the confirmation; returns the connection id.

        Where this fails, the session is over and the error is raised here only: no callback runs.

        Raises:
            AvatarError: In the phase ``authenticate`` or ``connect``; ``illegalState`` when it was started or
                closed before.
        """
        if self._state is not _State.NEW:
            raise error(ErrorCode.ILLEGAL_STATE, "A session is started once; make a new one.", phase=Phase.CONNECT)
        self._state = _State.STARTING
        try:
            self._connection = connection = await open_connection(self._tokens, self._connect, self._clock)
            confirmed = await confirm(connection, self._wire, self._configuration, self._clock)
            if self._state is not _State.STARTING:
                raise error(ErrorCode.ILLEGAL_STATE, "The session was closed while it started.", phase=Phase.CONNECT)
        except BaseException:
            await self._let_go()
            raise
        self._connection_id, self._capabilities = confirmed.connection_id, confirmed.capabilities
        self._state = _State.OPEN
        self._reader = asyncio.create_task(self._read(connection))
        return self._connection_id

    async def close(self) -> None:
        """End the session cleanly and wait until ``on_close`` has run. Idempotent; never raises."""
        if self._state is _State.OPEN:
            self._ended_by = None
        await self._let_go()
        reader = self._reader
        if reader is None or reader is asyncio.current_task():
            return
        try:
            await within(self._clock, _CLOSE_TIMEOUT_S, _join(reader))
        except TimeoutError:
            _log.warning("session %s: a callback does not return; it was cancelled", self._connection_id)

    async def wait_closed(self) -> AvatarError | None:
        """Wait until the session is over; the error that ended it, or ``None``."""
        await self._over.wait()
        return self._ended_by

    # --- speech -------------------------------------------------------------------------------------------

    async def send_audio(self, audio: bytes, *, end: bool = False) -> str:
        """Send speech of the current round, beginning one if none is open; returns the round's id.

        Send as fast as speech comes; do not pace. The last piece of a round has ``end``, and may be empty.
        When an interrupt comes in between, the rest of this audio is left out.

        Raises:
            AvatarError: ``illegalState`` outside an open session, ``noAudio`` when there is neither audio nor an
                end, ``invalidAudioInput`` for what is no Ogg Opus where that was announced, or what ended the
                session meanwhile.
        """
        if not audio and not end:
            raise error(ErrorCode.NO_AUDIO, "There is no audio to send.")
        async with self._sending:
            self._require_open()
            current = self._rounds.current()
            for piece, is_last in _pieces(current.feed(audio, end=end), end=end):
                if not current.dropped:
                    await self._send_piece(current, piece, is_last)
            return current.id

    async def interrupt(self) -> str:
        """Stop the newest round and all before it: no more of their motion is handed out. Returns the newest id.

        Raises:
            AvatarError: ``noAudio`` before any audio was sent, ``illegalState`` outside an open session.
        """
        newest = self._require_round("interrupt")
        named = self._rounds.interrupt()
        if named is not None:
            await self._send(self._wire.interrupt(named))
        return newest

    async def pause(self) -> None:
        """Pause what an egress plays. Raises as :meth:`interrupt` does."""
        await self._send(messages.playback(self._require_round("pause"), paused=True))

    async def resume(self) -> None:
        """Resume what an egress plays. Raises as :meth:`interrupt` does."""
        await self._send(messages.playback(self._require_round("resume"), paused=False))

    async def wait_motion(self, request_id: str) -> None:
        """Wait until all motion of a round was handed out, or none will come any more."""
        await self._rounds.wait_motion(request_id)

    async def _send_piece(self, current: Round, piece: bytes, is_last: bool) -> None:
        payload = AudioPayload(current.id, piece, is_last, self._codec, self._sample_rate)
        await _call(self._callbacks.on_audio, payload)
        if not current.dropped:
            self._rounds.sent(current.id)
            await self._send(messages.audio(current.id, piece, end=is_last, trace=current.take_trace()))

    async def _send(self, message: bytes) -> None:
        connection = self._require_open()
        try:
            await connection.send(message)
        except ConnectionEnded as exc:
            raise self._ended_by or exc.error or self._not_open() from None

    def _require_round(self, verb: str) -> str:
        self._require_open()
        newest = self._rounds.newest_id
        if newest is None:
            raise error(ErrorCode.NO_AUDIO, f"There is no round to {verb}: no audio was sent.")
        return newest

    def _require_open(self) -> Connection:
        if self._state is not _State.OPEN or self._connection is None:
            raise self._not_open()
        return self._connection

    def _not_open(self) -> AvatarError:
        if self._ended_by is not None:
            return self._ended_by
        told = "is over; make a new one" if self._state is _State.CLOSED else "has not started"
        return error(ErrorCode.ILLEGAL_STATE, f"The session {told}.", phase=Phase.INTERACT)

    # --- what comes back ----------------------------------------------------------------------------------

    async def _read(self, connection: Connection) -> None:
        ended_by: AvatarError | None = None
        try:
            ended_by = await self._receive_all(connection)
        finally:
            # Runs also when close() had to cancel a callback that does not return.
            self._ended_by = ended_by if self._state is _State.OPEN else None
            await self._let_go()
            await _call(self._callbacks.on_close, self._ended_by)

    async def _receive_all(self, connection: Connection) -> AvatarError | None:
        """Take messages until the connection ends, and say why it did."""
        reported: AvatarError | None = None
        while True:
            try:
                data = await connection.receive()
            except ConnectionEnded as exc:
                if exc.error is None or self._state is not _State.OPEN:
                    return None
                if reported is None:
                    await _call(self._callbacks.on_error, exc.error)
                # The server's own words ahead of a close say more than the number of the close.
                return reported or exc.error
            if isinstance(data, bytes):
                reported = await self._take(data) or reported

    async def _take(self, data: bytes) -> AvatarError | None:
        failure: AvatarError | None = None
        for event in self._wire.receive_bytes(data):
            if isinstance(event, MotionReceived) and self._rounds.is_awaited(event.req_id):
                await _call(self._callbacks.on_motion, MotionPayload(event.req_id, data, event.end))
                if event.end:
                    self._rounds.motion_ended(event.req_id)
            elif isinstance(event, ServerErrorReceived):
                failure = server_error(event.code, event.message)
                await _call(self._callbacks.on_error, failure)
        return failure

    async def _let_go(self) -> None:
        self._state = _State.CLOSED
        self._rounds.forget_all()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()
        self._over.set()


def _pieces(data: bytes, *, end: bool) -> list[tuple[bytes, bool]]:
    """Cut into pieces short enough for an interrupt to pass soon; ``end`` rides on the last, which may be empty."""
    starts = range(0, len(data), AUDIO_MESSAGE_BYTES)
    parts = [data[start : start + AUDIO_MESSAGE_BYTES] for start in starts] or ([b""] if end else [])
    return [(part, end and number == len(parts)) for number, part in enumerate(parts, 1)]


async def _join(task: asyncio.Task[None]) -> None:
    await asyncio.gather(task, return_exceptions=True)


async def _call(callback: Callable[[P], Awaitable[None] | None], payload: P) -> None:
    try:
        outcome = callback(payload)
        if outcome is not None:
            await outcome
    except Exception:
        _log.exception("a callback of the session failed")
