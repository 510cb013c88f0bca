"""Going on after a failure in work that nobody waits for."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from avatarkit.errors import AvatarError


@contextlib.contextmanager
def logged(log: logging.Logger, what: str) -> Iterator[None]:
    """Log a failure and go on: the next try may succeed. One of our own errors, as of a store that does not answer,
    is a line."""
    try:
        yield
    except AvatarError as exc:
        log.error("%s: %s", what, exc.message)
    except Exception:
        log.exception(what)
