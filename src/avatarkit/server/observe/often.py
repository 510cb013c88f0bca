"""A counter and a histogram for what happens thousands of times a second.

Those of prometheus_client lock for each number, so that any thread may count; these are for one thread, and take
much less. What they show is the same.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString


class OftenCounter(Collector):
    """A number that only grows.

    Args:
        name: Without the ``_total`` that it is shown with.
        text: What it counts, for people.
        registry: Asks for it.
    """

    def __init__(self, name: str, text: str, registry: CollectorRegistry) -> None:
        self._name, self._text = name, text
        self.value = 0.0
        registry.register(self)

    def inc(self, amount: float) -> None:
        """Add to it."""
        self.value += amount

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For the registry."""
        yield CounterMetricFamily(self._name, self._text, self.value)


class OftenHistogram(Collector):
    """How many numbers fell below each of some bounds.

    Args:
        name: It is shown under.
        text: What is measured, for people.
        bounds: Rising; a number that equals one falls below it.
        registry: Asks for it.
    """

    def __init__(self, name: str, text: str, bounds: Sequence[float], registry: CollectorRegistry) -> None:
        self._name, self._text, self._bounds = name, text, tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, number: float) -> None:
        """Take a number."""
        self._counts[bisect_left(self._bounds, number)] += 1
        self._sum += number

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """For the registry."""
        bounds = [*map(floatToGoString, self._bounds), "+Inf"]
        below = list(zip(bounds, map(float, accumulate(self._counts)), strict=True))
        yield HistogramMetricFamily(self._name, self._text, buckets=below, sum_value=self._sum)
