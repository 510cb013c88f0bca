"""Traces of turns for OpenTelemetry: audio in, engine, motion out, below the client's own span."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor

_CLOSE_TIMEOUT_MS: Final = 5000


class Tracing:
    """Makes a trace for each turn.

    Args:
        processor: Takes the finished spans.
        version: Of this server.
        nanoseconds: Calendar time, in Unix nanoseconds.
    """

    def __init__(
        self, processor: SpanProcessor, *, version: str = "", nanoseconds: Callable[[], int] = time.time_ns
    ) -> None:
        resource = Resource.create({"service.name": "avatarkit", "service.version": version})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("avatarkit.server", version)
        self._nanoseconds = nanoseconds

    def turn(self, names: Mapping[str, str], traceparent: str, tracestate: str) -> TurnTrace:
        """Begin the trace of a turn; an absent or malformed ``traceparent`` begins a trace of its own."""
        carrier = {"traceparent": traceparent, "tracestate": tracestate}
        parent = TraceContextTextMapPropagator().extract(carrier)
        now = self._nanoseconds()
        span = self._tracer.start_span(
            "turn", context=parent, kind=SpanKind.SERVER, attributes=dict(names), start_time=now
        )
        return TurnTrace(self._start, self._nanoseconds, span)

    def close(self) -> None:
        """Send off what waits, for at most a few seconds."""
        self._provider.force_flush(_CLOSE_TIMEOUT_MS)
        self._provider.shutdown()

    def _start(self, name: str, context: Context, start_time: int) -> Span:
        return self._tracer.start_span(name, context=context, start_time=start_time)


class TurnTrace:
    """The spans of one turn. A part that never happened has no span."""

    def __init__(
        self, start: Callable[[str, Context, int], Span], nanoseconds: Callable[[], int], turn: Span
    ) -> None:
        self._nanoseconds, self._turn = nanoseconds, turn
        self._begin = start
        self._below = set_span_in_context(turn)
        self._audio: Span | None = None
        self._engine: Span | None = None
        self._motion: Span | None = None
        self._audio_s = self._busy_s = 0.0
        self._frames = 0
        self._engine_until = self._motion_until = 0

    def audio(self, audio_s: float) -> None:
        """Audio arrived."""
        self._audio_s += audio_s
        self._audio = self._audio or self._part("audio in")

    def finished(self) -> None:
        """The client's end arrived."""
        if self._audio is not None and self._audio.is_recording():
            self._audio.set_attribute("avatarkit.audio.seconds", self._audio_s)
            self._audio.end(self._nanoseconds())

    def inferred(self, seconds: float) -> None:
        """The engine worked that long, until now."""
        self._engine_until = self._nanoseconds()
        if self._engine is None:
            self._engine = self._begin("engine", self._below, self._engine_until - int(seconds * 1e9))
        self._busy_s += seconds

    def motion(self, frame_count: int) -> None:
        """Frames were sent."""
        self._motion_until = self._nanoseconds()
        self._motion = self._motion or self._part("motion out")
        self._frames += frame_count

    def ended(self, *, dropped: bool) -> None:
        """The turn is over."""
        self.finished()
        if self._engine is not None:
            self._engine.set_attribute("avatarkit.engine.busy_seconds", self._busy_s)
            self._engine.end(self._engine_until)
        if self._motion is not None:
            self._motion.set_attribute("avatarkit.motion.frames", self._frames)
            self._motion.end(self._motion_until)
        self._turn.set_attribute("avatarkit.turn.dropped", dropped)
        self._turn.end(self._nanoseconds())

    def _part(self, name: str) -> Span:
        return self._begin(name, self._below, self._nanoseconds())


def open_tracing(endpoint: str, version: str) -> Tracing:
    """Tracing that sends to a collector, by OTLP over HTTP.

    Args:
        endpoint: Base URL; ``/v1/traces`` is added.
        version: Of this server.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - optional

    exporter = OTLPSpanExporter(endpoint=endpoint.rstrip("/") + "/v1/traces", timeout=5)
    return Tracing(BatchSpanProcessor(exporter), version=version)
