"""Token buckets: how often something may happen."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from avatarkit.clock import Clock

_MAX_NAMES: Final = 20_000


class Bucket:
    """Holds ``most`` at first, and gets ``per_second`` more as time passes, up to as many again.

    Args:
        per_second: What a second brings; above zero.
        most: What it can hold.
        now_s: Seconds of any clock, as in every call.
    """

    __slots__ = ("_at_s", "_level", "_most", "_per_second")

    def __init__(self, per_second: float, most: float, now_s: float) -> None:
        self._per_second = per_second
        self._most = self._level = most
        self._at_s = now_s

    def take(self, count: int, now_s: float) -> bool:
        """Take that many; ``False`` when there were not so many, which leaves none."""
        left = self._now(now_s) - count
        self._level, self._at_s = max(0.0, left), now_s
        return left >= 0.0

    def wait_s(self, now_s: float) -> float:
        """Seconds until there is one to take; 0 when there is."""
        return max(0.0, (1.0 - self._now(now_s)) / self._per_second)

    def _now(self, now_s: float) -> float:
        return min(self._most, self._level + (now_s - self._at_s) * self._per_second)


class Buckets:
    """A bucket for each name.

    Memory is bounded: of very many names those that were quiet longest are forgotten, which only favours them.

    Args:
        per_second: What a second brings; 0 is no limit.
        most: What a bucket can hold.
        clock: Source of time.
    """

    def __init__(self, per_second: float, most: float, clock: Clock) -> None:
        self._per_second = per_second
        self._most = most
        self._clock = clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def wait_s(self, name: str) -> float:
        """Seconds until there is something to take; 0 when there is."""
        bucket = self._buckets.get(name)
        return 0.0 if bucket is None else bucket.wait_s(self._clock.now())

    def take(self, name: str) -> None:
        """Take one, whether or not there is any: an empty bucket stays empty."""
        if not self._per_second:
            return
        now_s = self._clock.now()
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = Bucket(self._per_second, self._most, now_s)
            if len(self._buckets) > _MAX_NAMES:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(name)
        bucket.take(1, now_s)
