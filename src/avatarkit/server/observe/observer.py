"""The one object that the server tells what happens. Without metrics and tracing it costs next to nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from avatarkit.clock import Clock
from avatarkit.server.observe.arrivals import Arrivals
from avatarkit.server.observe.logs import log_context

if TYPE_CHECKING:
    from avatarkit.server.observe.metrics import Metrics
    from avatarkit.server.observe.traces import Tracing, TurnTrace

_log: Final = logging.getLogger(__name__)


class Observer:
    """Makes a watch for each session.

    Args:
        clock: Source of durations.
        metrics: Where numbers go, or ``None``.
        tracing: Where traces of turns go, or ``None``.
    """

    def __init__(self, clock: Clock, metrics: Metrics | None = None, tracing: Tracing | None = None) -> None:
        self.clock = clock
        self.metrics = metrics
        self.tracing = tracing

    def refused(self, status: int) -> None:
        """An upgrade was answered with an HTTP status instead of a WebSocket."""
        if self.metrics is not None:
            self.metrics.refused.labels(str(status)).inc()

    def session(self, connection_id: str, app_id: str, avatar_id: str) -> SessionWatch:
        """A connection was accepted. Call ``closed`` of what is returned exactly once."""
        return SessionWatch(self, connection_id, app_id, avatar_id)

    def engine_step(self, batch: int, seconds: float) -> None:
        """The engine made motion for ``batch`` sessions at once. May be called from any thread."""
        if self.metrics is not None:
            self.metrics.engine_batch.observe(batch)
            self.metrics.engine_step.observe(seconds)

    def close(self) -> None:
        """Send off what waits. May take as long as the collector takes."""
        if self.tracing is not None:
            self.tracing.close()


class SessionWatch:
    """One connection. Its methods are called on the event loop."""

    def __init__(self, observer: Observer, connection_id: str, app_id: str, avatar_id: str) -> None:
        self._observer = observer
        self._connection_id = connection_id
        self._names = {
            "avatarkit.connection.id": connection_id,
            "avatarkit.app.id": app_id,
            "avatarkit.avatar.id": avatar_id,
        }
        self._opened_s = observer.clock.now()
        if observer.metrics is not None:
            observer.metrics.sessions.inc()

    def turn(self, request_id: str, traceparent: str = "", tracestate: str = "") -> TurnWatch:
        """A request started. Call ``ended`` of what is returned exactly once."""
        trace = None
        if self._observer.tracing is not None:
            names = self._names | {"avatarkit.request.id": request_id}
            trace = self._observer.tracing.turn(names, traceparent, tracestate)
        return TurnWatch(self._observer, trace, self._connection_id, request_id)

    def failed(self, code: int) -> None:
        """The client was sent a ``ServerError`` of that number."""
        if self._observer.metrics is not None:
            self._observer.metrics.errors.labels(str(code)).inc()

    def closed(self, code: int) -> None:
        """The connection is over; ``code`` is that of the WebSocket's close."""
        metrics = self._observer.metrics
        if metrics is not None:
            metrics.sessions.dec()
            metrics.closed.labels(str(code)).inc()
            metrics.session_length.observe(self._observer.clock.now() - self._opened_s)


class TurnWatch:
    """One request, from its first audio to its end. Its methods are called on the event loop."""

    def __init__(self, observer: Observer, trace: TurnTrace | None, connection_id: str, request_id: str) -> None:
        self._clock, self._metrics, self._trace = observer.clock, observer.metrics, trace
        self._ids = (connection_id, request_id)
        self._arrivals = Arrivals()
        self._first_audio_s: float | None = None
        self._first_motion_s: float | None = None
        self._audio_s = 0.0
        self._frames = 0

    def audio(self, audio_s: float) -> None:
        """That many seconds of (decoded) audio arrived."""
        now_s = self._clock.now()
        if self._first_audio_s is None:
            self._first_audio_s = now_s
        self._audio_s += audio_s
        self._arrivals.add(audio_s, now_s)
        if self._metrics is not None:
            self._metrics.audio.inc(audio_s)
        if self._trace is not None:
            self._trace.audio(audio_s)

    def finished(self) -> None:
        """The client sent its end: no more audio will come."""
        if self._trace is not None:
            self._trace.finished()

    def inferred(self, seconds: float) -> None:
        """The engine worked that long for this request, until now."""
        if self._trace is not None:
            self._trace.inferred(seconds)

    def motion(self, first_frame: int, frame_count: int, frame_rate: float) -> None:
        """Frames were sent. The lateness of each is measured from when the audio that it covers had arrived."""
        now_s = self._clock.now()
        metrics = self._metrics
        self._frames += frame_count
        if self._first_motion_s is None and self._first_audio_s is not None:
            self._first_motion_s = now_s - self._first_audio_s
            if metrics is not None:
                metrics.first_motion.observe(self._first_motion_s)
        if metrics is not None:
            metrics.frames.inc(frame_count)
            for frame in range(first_frame, first_frame + frame_count):
                arrived_s = self._arrivals.complete_at((frame + 1) / frame_rate)
                if arrived_s is not None:
                    metrics.lateness.observe(now_s - arrived_s)
        if self._trace is not None:
            self._trace.motion(frame_count)

    def ended(self, *, dropped: bool = False) -> None:
        """The request got its end; ``dropped`` when it was interrupted, superseded, or its connection broke off."""
        outcome = "dropped" if dropped else "whole"
        if self._metrics is not None:
            self._metrics.turns.labels(outcome).inc()
        if _log.isEnabledFor(logging.INFO):
            first = "none" if self._first_motion_s is None else f"after {self._first_motion_s * 1000:.0f} ms"
            with log_context(connection=self._ids[0], request=self._ids[1]):
                _log.info(
                    "turn %s: %.1f s of speech, %d frames, first motion %s",
                    outcome,
                    self._audio_s,
                    self._frames,
                    first,
                )
        if self._trace is not None:
            self._trace.ended(dropped=dropped)
