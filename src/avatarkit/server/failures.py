"""Going on after a failure in work that nobody waits for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator


@contextlib.contextmanager
def logged(log: logging.Logger, what: str) -> Iterator[None]:
    """Log a failure, as of a store that does not answer, and go on: the next try may succeed."""
    try:
        yield
    except Exception:
        log.exception(what)
