"""The trace of a turn lies below the client's span and tells its three parts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from server_kit import Start, tone, until

from avatarkit.clock import RealClock
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.server.observe.observer import Observer
from avatarkit.server.observe.open import open_observer
from avatarkit.server.settings import Settings

pytest.importorskip("opentelemetry.sdk.trace", reason="traces need opentelemetry-sdk")

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from avatarkit.server.observe.traces import Tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
STATE = "vendor=value"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[Tracing]:
    tracing = Tracing(SimpleSpanProcessor(exporter), version="1.2.3")
    yield tracing
    tracing.close()


async def test_a_turn_on_the_wire_joins_the_clients_trace(
    start: Start, tracing: Tracing, exporter: InMemorySpanExporter
) -> None:
    async with start() as server:
        server.services.observer.tracing = tracing
        client = await server.session()
        context = pb.TraceContext(traceparent=f"00-{TRACE}-{PARENT}-01", tracestate=STATE)
        audio = pb.ClientAudioInput(req_id="r", audio=tone(1.0), trace_context=context)
        await client.send(3, client_audio_input=audio)
        await client.audio("r", end=True)
        await client.until_end("r")
        await until(lambda: len(exporter.get_finished_spans()) == 4)

    spans = {span.name: span for span in exporter.get_finished_spans()}
    turn = spans["turn"]
    assert set(spans) == {"turn", "audio in", "engine", "motion out"}
    assert {format(span.context.trace_id, "032x") for span in spans.values()} == {TRACE}
    assert format(turn.parent.span_id, "016x") == PARENT
    assert turn.context.trace_state.get("vendor") == "value"
    assert {span.parent.span_id for name, span in spans.items() if name != "turn"} == {turn.context.span_id}
    assert turn.resource.attributes["service.name"] == "avatarkit"
    assert turn.attributes["avatarkit.request.id"] == "r"
    assert turn.attributes["avatarkit.avatar.id"] == "ada"
    assert turn.attributes["avatarkit.turn.dropped"] is False
    assert spans["audio in"].attributes["avatarkit.audio.seconds"] == pytest.approx(1.0)
    assert spans["motion out"].attributes["avatarkit.motion.frames"] == 25
    assert 0 < spans["engine"].attributes["avatarkit.engine.busy_seconds"] < 20
    assert all(_lies_within(span, turn) for span in spans.values())


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "x" * 2000])
def test_without_a_usable_parent_a_turn_begins_its_own_trace(
    tracing: Tracing, exporter: InMemorySpanExporter, traceparent: str
) -> None:
    Observer(RealClock(), None, tracing).session("c", "a", "v").turn("r", traceparent, "").ended(dropped=True)
    (span,) = exporter.get_finished_spans()
    assert span.parent is None
    assert span.attributes["avatarkit.turn.dropped"] is True


def test_a_parent_that_is_not_sampled_is_respected(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    watch = Observer(RealClock(), None, tracing).session("c", "a", "v").turn("r", f"00-{TRACE}-{PARENT}-00", "")
    watch.audio(0.1)
    watch.ended()
    assert exporter.get_finished_spans() == ()


def test_tracing_is_off_unless_a_collector_is_named() -> None:
    assert open_observer(Settings(data=Path("unused")), RealClock()).tracing is None


def _lies_within(span: ReadableSpan, turn: ReadableSpan) -> bool:
    return turn.start_time <= span.start_time <= span.end_time <= turn.end_time
