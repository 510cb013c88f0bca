"""A few threads that share the row bands of a frame."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

MOST_THREADS: Final = 64


def default_thread_count() -> int:
    """Threads for one renderer: the processors this process may use, at most four."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, usable))


class Workers:
    """Runs numbered tasks on ``count`` threads, the caller's own among them."""

    def __init__(self, count: int) -> None:
        if not 1 <= count <= MOST_THREADS:
            raise ValueError(f"threads must be 1..{MOST_THREADS}, not {count}")
        self.count = count
        self._pool = ThreadPoolExecutor(count - 1, "avatarkit-render") if count > 1 else None

    def run(self, task: Callable[[int], None], tasks: int) -> None:
        """Call ``task(i)`` for every i in 0..tasks-1 in any order; returns, or raises, when all have ended."""
        turns = itertools.count()

        def work() -> None:
            while (turn := next(turns)) < tasks:
                task(turn)

        helpers = [self._pool.submit(work) for _ in range(min(self.count, tasks) - 1)] if self._pool else []
        try:
            work()
        finally:
            for helper in helpers:
                helper.result()

    def close(self) -> None:
        """End the threads. Idempotent."""
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self.count = 1
