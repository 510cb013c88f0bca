"""What comes for a controller's rounds: motion, and what the server has to say about a request."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from avatarkit._session import MotionSession
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.frames import MotionFrames
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.player import Player
from avatarkit.protocol import ClientEvent, MessageRejected, MotionReceived, ProtocolError, ServerErrorReceived
from avatarkit.protocol.client_session import read_motion
from avatarkit.protocol.errors import UnsupportedVersionError
from avatarkit.transport.errors import server_error

_FATAL_SERVER_CODES: Final = range(4000, 5000)  # a close with the same number follows


class Incoming:
    """Hands motion to the player. What cannot be used is dropped and told, once for each session or, where the app
    hands motion in, each round."""

    def __init__(
        self,
        *,
        player: Player,
        session: MotionSession,
        meter: SessionMeter,
        clock: Clock,
        tell_error: Callable[[AvatarError], None],
    ) -> None:
        self._player = player
        self._session = session
        self._meter = meter
        self._clock = clock
        self._tell_error = tell_error
        self._rejection_told = False
        self._handed_in: str | None = None  # the round that the app last handed motion in for

    def session_began(self) -> None:
        """Another session: its faults are news again."""
        self._rejection_told = False

    def take(self, event: ClientEvent) -> None:
        """Something the server said in a confirmed session."""
        if isinstance(event, MotionReceived):
            self._take_motion(event)
        elif isinstance(event, ServerErrorReceived):
            self._take_error(event)
        elif isinstance(event, MessageRejected):
            self._tell_rejection(event.reason, newer_motion=event.newer_motion)

    def take_frames(self, frames: Iterable[bytes], conversation_id: str) -> bool:
        """Motion that the app hands in; see ``AvatarController.yield_frames_data``."""
        if conversation_id != self._player.round_id:
            return False
        if conversation_id != self._handed_in:
            self._handed_in, self._rejection_told = conversation_id, False
        events = [self._read_frame(frame) for frame in frames]
        if not events:
            self._player.refuse_motion(conversation_id)
            return True
        for event in events:
            if event is not None:  # the backend's own request id is inside; what counts is what the app says
                self._take_motion(replace(event, req_id=conversation_id))
        return any(event is not None and event.end for event in events)

    def _take_motion(self, event: MotionReceived) -> None:
        chunk = event.chunk
        if chunk is not None:
            self._meter.motion_received(
                event.req_id, chunk.frame_count, chunk.frame_rate, event.size_bytes, self._clock.now()
            )
            frames = MotionFrames.from_quantised(
                chunk.weights, chunk.head, first_frame=chunk.first_frame, frame_rate=chunk.frame_rate
            )
            try:
                self._player.push_motion(event.req_id, frames)
            except ValueError as exc:
                self._tell_error(error(ErrorCode.INVALID_ANIMATION_DATA, f"Motion was dropped: {exc}."))
        if event.end:
            self._player.end_motion(event.req_id)

    def _take_error(self, event: ServerErrorReceived) -> None:
        reason = server_error(event.code, event.message)
        if event.req_id and event.code not in _FATAL_SERVER_CODES:
            self._player.end_motion(event.req_id)  # that round goes on without motion
            self._tell_error(reason)
        else:
            self._session.give_up(reason)

    def _read_frame(self, frame: bytes) -> MotionReceived | None:
        try:
            return read_motion(bytes(frame))
        except ProtocolError as problem:
            self._tell_rejection(str(problem), newer_motion=isinstance(problem, UnsupportedVersionError))
            return None

    def _tell_rejection(self, reason: str, *, newer_motion: bool) -> None:
        """One report is enough for a sender that repeats itself."""
        if not self._rejection_told:
            self._rejection_told = True
            hint = "Upgrade pyavatarkit." if newer_motion else None
            self._tell_error(
                error(ErrorCode.INVALID_ANIMATION_DATA, f"A message could not be used: {reason}.", hint=hint)
            )
