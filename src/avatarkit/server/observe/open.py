"""Making the observer that the settings ask for."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from avatarkit.clock import Clock
from avatarkit.server.observe.observer import Observer
from avatarkit.server.settings import Settings

if TYPE_CHECKING:
    from avatarkit.server.observe.metrics import Metrics
    from avatarkit.server.observe.traces import Tracing

_log: Final = logging.getLogger(__name__)


def open_observer(settings: Settings, clock: Clock) -> Observer:
    """Metrics where their library is installed, tracing where a collector is named and the library is installed. A
    server whose watching is broken still serves, and says so in its log."""
    return Observer(clock, _metrics(), _tracing(settings.otlp_endpoint) if settings.otlp_endpoint else None)


def _metrics() -> Metrics | None:
    try:
        from avatarkit.server.observe.metrics import Metrics  # noqa: PLC0415 - optional
    except ImportError:
        _log.info("no metrics: prometheus-client is not installed")
        return None
    return Metrics()


def _tracing(endpoint: str) -> Tracing | None:
    try:
        from avatarkit.server.observe.traces import open_tracing  # noqa: PLC0415 - optional

        return open_tracing(endpoint, version("pyavatarkit"))
    except ImportError:
        _log.warning("no traces although otlp_endpoint is set: pip install 'pyavatarkit[telemetry]'")
        return None
