"""Whose turn it is to draw, where several views share the processors.

If ten views draw at once, each takes ten times as long, and none can tell how long. A few at a time, in the order in
which they ask, a frame takes about as long as it takes, and can be ready in its slot.
"""

from __future__ import annotations

import asyncio
import os
from typing import Final
from weakref import WeakKeyDictionary

_PLACES: Final = 2
"""For each processor: one draws while the other comes or goes, and what else runs leaves them a share."""

_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def draw_gate() -> asyncio.Semaphore:
    """The gate of all views of the running loop: first come, first served."""
    loop = asyncio.get_running_loop()
    gate = _gates.get(loop)
    if gate is None:
        gate = _gates[loop] = asyncio.Semaphore(_PLACES * processors())
    return gate


def processors() -> int:
    """How many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
