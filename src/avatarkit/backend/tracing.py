"""The W3C trace context of the code that sends speech, when OpenTelemetry is in use."""

from __future__ import annotations


def current_trace() -> tuple[str, str] | None:
    """``traceparent`` and ``tracestate`` of the current span, or ``None`` without OpenTelemetry or a span."""
    try:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 - optional
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )
    except ImportError:
        return None
    if not get_current_span().get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", ""), carrier.get("tracestate", "")
