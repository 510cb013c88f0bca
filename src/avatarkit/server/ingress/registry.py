"""Which app has how many sessions open."""

from __future__ import annotations

from collections import Counter


class SessionRegistry:
    """Counts open sessions. Used from one event loop only.

    Args:
        limit: Most sessions of one app.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open: Counter[str] = Counter()

    def enter(self, app_id: str) -> bool:
        """Take a place; ``False`` when the app has none left. Each place taken is given back by :meth:`leave`."""
        if self._open[app_id] >= self._limit:
            return False
        self._open[app_id] += 1
        return True

    def leave(self, app_id: str) -> None:
        """Give a place back."""
        self._open[app_id] -= 1
        if self._open[app_id] <= 0:
            del self._open[app_id]

    def total(self) -> int:
        """Open sessions of all apps."""
        return self._open.total()
