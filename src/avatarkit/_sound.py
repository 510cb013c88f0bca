"""The sound device of a view: its loss is told, its return is tried for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from avatarkit._events import AudioOutputChanged, AvatarEvent, ErrorRaised
from avatarkit.audio.speaker import Recoverable, Speaker
from avatarkit.clock import Clock
from avatarkit.errors import ErrorCode, Phase, error

FIRST_WAIT_S: Final = 1.0
"""Seconds from the loss to the first try; each further wait is twice as long."""
LONGEST_WAIT_S: Final = 30.0
TRIES: Final = 10
"""In a row. A device that then stays for :data:`LONGEST_WAIT_S` is a success, and they count anew."""


class SoundWatch:
    """Looks after one speaker."""

    def __init__(self, speaker: Speaker, clock: Clock, announce: Callable[[AvatarEvent], None]) -> None:
        self._speaker = speaker
        self._clock = clock
        self._announce = announce
        self._recovery: asyncio.Task[None] | None = None
        self._tries = 0
        self._recovered_s = float("-inf")
        self._is_lost = False

    @property
    def has_sound(self) -> bool:
        """Whether there is a device, as far as the speaker knows. A speaker that is silent by choice has one."""
        return not self._is_lost

    def look(self) -> None:
        """Ask the speaker; call it often."""
        trouble = self._speaker.trouble()
        if trouble is None:
            return
        if not self._is_lost and self._clock.now() - self._recovered_s > LONGEST_WAIT_S:
            self._tries = 0
        self._is_lost = True
        self._announce(ErrorRaised(error(ErrorCode.PLAYBACK_START_FAILED, trouble, phase=Phase.INTERACT)))
        self._announce(AudioOutputChanged(False))
        if isinstance(self._speaker, Recoverable) and (self._recovery is None or self._recovery.done()):
            self._recovery = asyncio.create_task(self._recover(self._speaker), name="avatarkit sound")

    async def stop(self) -> None:
        """Try no more. Idempotent."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.gather(self._recovery, return_exceptions=True)

    async def _recover(self, speaker: Recoverable) -> None:
        while self._tries < TRIES:
            wait_s = min(FIRST_WAIT_S * 2.0**self._tries, LONGEST_WAIT_S)
            self._tries += 1
            await self._clock.sleep_until(self._clock.now() + wait_s)
            if await in_a_thread(speaker.recover):
                self._recovered_s = self._clock.now()
                self._is_lost = False
                self._announce(AudioOutputChanged(True))
                return


async def in_a_thread(work: Callable[[], bool]) -> bool:
    """Do what may block."""
    return await asyncio.to_thread(work)
