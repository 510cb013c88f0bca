"""How often something is tried again, and after how long."""

from __future__ import annotations

import random
from typing import Final

from avatarkit.clock import Clock
from avatarkit.errors import AvatarError
from avatarkit.transport.http import WrongContentError

_MOST_TRIES: Final = 3
_FIRST_DELAY_S: Final = 0.5
_jitter = random.Random()  # noqa: S311 - spreads clients over time, keeps no secret


class Tries:
    """Three tries in all for faults that may pass, with growing waits; one more, at once, for wrong content."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._wrong_content = False

    async def wait(self, reason: AvatarError) -> None:
        """Wait until the next try, or raise ``reason`` when there is none."""
        if isinstance(reason.__cause__, WrongContentError):
            if self._wrong_content:
                raise reason
            self._wrong_content = True
            return
        self._failures += 1
        if not reason.retryable or self._failures >= _MOST_TRIES:
            raise reason
        delay_s = _FIRST_DELAY_S * 2.0 ** (self._failures - 1) * _jitter.uniform(0.75, 1.25)
        await self._clock.sleep_until(self._clock.now() + delay_s)
