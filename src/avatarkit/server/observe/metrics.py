"""Numbers for Prometheus."""

from __future__ import annotations

from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from avatarkit.server.observe.often import OftenCounter, OftenHistogram

_FAST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1.0, 2.5, 10.0)
_LENGTH_S: Final = (1, 10, 60, 300, 900, 1800, 3600, 7200)
_BATCH: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class Metrics:
    """Everything that ``/metrics`` tells. Each server has its own registry.

    Labels hold numbers and words of our own only, never anything that a client chose.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=registry)
        self.sessions = Gauge("avatarkit_sessions", "Open Motion Server connections.", registry=registry)
        self.refused = Counter(
            "avatarkit_refused", "Upgrades that were refused, by HTTP status.", ["status"], registry=registry
        )
        self.closed = Counter(
            "avatarkit_sessions_closed", "Connections that ended, by close code.", ["code"], registry=registry
        )
        self.session_length = Histogram(
            "avatarkit_session_seconds", "Length of sessions.", buckets=_LENGTH_S, registry=registry
        )
        self.errors = Counter(
            "avatarkit_errors", "Errors sent to clients, by their number.", ["code"], registry=registry
        )
        self.turns = Counter("avatarkit_turns", "Requests that ended, by how.", ["outcome"], registry=registry)
        self.audio = OftenCounter("avatarkit_audio_seconds", "Speech taken in.", registry)
        self.frames = OftenCounter("avatarkit_frames", "Motion frames sent.", registry)
        self.lateness = OftenHistogram(
            "avatarkit_frame_lateness_seconds",
            "From the arrival of a frame's audio to the sending of the frame.",
            _FAST_S,
            registry,
        )
        self.first_motion = Histogram(
            "avatarkit_first_motion_seconds",
            "From a request's first audio to its first motion.",
            buckets=_FAST_S,
            registry=registry,
        )
        self.engine_batch = Histogram(
            "avatarkit_engine_batch_size", "Sessions served by one engine step.", buckets=_BATCH, registry=registry
        )
        self.engine_step = Histogram(
            "avatarkit_engine_step_seconds", "Length of an engine step.", buckets=_FAST_S, registry=registry
        )
        self.http = Histogram(
            "avatarkit_http_seconds",
            "HTTP answers, by method, route and status.",
            ["method", "route", "status"],
            buckets=_FAST_S,
            registry=registry,
        )

    def text(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)
