"""The counters for what happens often show the same as prometheus_client's own."""

from __future__ import annotations

import pytest

pytest.importorskip("prometheus_client", reason="metrics need prometheus-client")

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from avatarkit.server.observe.often import OftenCounter, OftenHistogram

_BOUNDS = (0.001, 0.0025, 0.04, 1.0, 10.0)


def shown(registry: CollectorRegistry) -> list[str]:
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


def test_they_show_what_the_common_ones_show() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    count = OftenCounter("speech_seconds", "Speech.", ours), Counter("speech_seconds", "Speech.", registry=theirs)
    late = (
        OftenHistogram("late_seconds", "Lateness.", _BOUNDS, ours),
        Histogram("late_seconds", "Lateness.", buckets=_BOUNDS, registry=theirs),
    )
    for number in (0.0, 0.001, 0.0011, 0.03, 0.04, 0.5, 11.0, 1e-9):
        for counter in count:
            counter.inc(number)
        for histogram in late:
            histogram.observe(number)

    assert shown(ours) == shown(theirs)
    assert 'late_seconds_bucket{le="0.04"} 6.0' in shown(ours)
