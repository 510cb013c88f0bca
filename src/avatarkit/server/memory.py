"""How the process keeps its memory."""

from __future__ import annotations

import contextlib
import ctypes
from typing import Final

_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 32 * 1024 * 1024
"""Freed memory that a heap keeps."""
_LARGE_BYTES: Final = 8 * 1024 * 1024
"""From here on memory is taken from the system for one purpose, and goes back to it."""


def keep_freed_memory() -> None:
    """Let the C library keep some freed memory instead of giving it back to the system at once.

    A step of the engine takes and frees arrays of some hundred kilobytes. As the GNU C library is set up, they go
    back each time, and the system has to clear the pages anew for the next step, which slows each
    step. Does nothing where there is no ``mallopt``.
    """
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(None)
        library.mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
