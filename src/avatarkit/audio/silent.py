"""A speaker without sound that keeps time: for servers, recordings and machines without a sound device."""

from __future__ import annotations

from avatarkit.clock import Clock


class SilentSpeaker:
    """Counts written samples as heard at the pace of a clock. Implements ``audio.speaker.Speaker``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rate = 0
        self._written = 0
        self._heard = 0.0  # at the anchor
        self._anchor_s = 0.0
        self._paused = False

    def open(self, sample_rate: int) -> None:
        """Start counting at ``sample_rate`` hertz."""
        self._rate = sample_rate
        self._anchor_s = self._clock.now()

    def write(self, pcm: bytes) -> None:
        """Queue samples; an empty queue begins to move now."""
        self._settle()
        self._written += len(pcm) // 2

    def skip(self, samples: int) -> None:
        """Count samples as written and heard; the queue must be empty."""
        self._written += samples
        self._heard = float(self._written)

    def heard_samples(self) -> float:
        """Samples that the passing of time has played."""
        if self._paused or self._rate == 0:
            return self._heard
        return min(self._heard + (self._clock.now() - self._anchor_s) * self._rate, float(self._written))

    def queued_samples(self) -> int:
        """Written samples that are not heard yet, a started one included."""
        return self._written - int(self.heard_samples())

    def pause(self) -> None:
        """Stand still."""
        self._settle()
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._settle()
        self._paused = False

    def flush(self) -> None:
        """Drop the queue and count from zero."""
        self._written = 0
        self._heard = 0.0
        self._anchor_s = self._clock.now()

    def set_volume(self, volume: float) -> None:
        """Nothing is to be heard at any volume."""

    def trouble(self) -> str | None:
        """Never any."""
        return None

    def close(self) -> None:
        """Stop; the count stays."""
        self._settle()
        self._rate = 0

    def _settle(self) -> None:
        self._heard = self.heard_samples()
        self._anchor_s = self._clock.now()
