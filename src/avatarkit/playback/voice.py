"""What is heard: a speaker, and the samples that leave it with their time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from avatarkit.audio.speaker import Speaker
from avatarkit.errors import AvatarError
from avatarkit.playback.heard import HeardAudio, Samples


class Voice:
    """A speaker that remembers what it is given until it was heard."""

    def __init__(self, speaker: Speaker, rate: int, on_heard: Callable[[Samples, float], None]) -> None:
        """``speaker`` is open at ``rate`` hertz; ``on_heard`` gets samples, volume applied, and the first's time."""
        self._speaker = speaker
        self._on_heard = on_heard
        self._volume = 1.0
        self.rate = rate
        self.unheard = HeardAudio(rate)

    @property
    def volume(self) -> float:
        """Gain 0..1."""
        return self._volume

    @volume.setter
    def volume(self, volume: float) -> None:
        self._volume = volume
        self._speaker.set_volume(volume)

    def restore_volume(self, volume: float) -> None:
        """Take over a gain that the speaker has already."""
        self._volume = volume

    def read(self) -> float:
        """Samples heard since the last :meth:`stop`."""
        return self._speaker.heard_samples()

    def write(self, pcm: bytes) -> None:
        """Queue samples."""
        self._speaker.write(pcm)
        self.unheard.queue(pcm)

    def pause(self) -> None:
        """Fall silent; keep the queue."""
        self._speaker.pause()

    def resume(self) -> None:
        """Go on."""
        self._speaker.resume()

    def stop(self) -> None:
        """Fall silent, drop the queue, and count from zero."""
        self._speaker.flush()
        self.unheard.clear()

    def hand_on(self, heard: float, now_s: float, *, everything: bool) -> None:
        """Give out the samples that were heard since the last time, when ``heard`` is the count at ``now_s``."""
        piece = self.unheard.take(heard, now_s, everything=everything)
        if piece is None:
            return
        samples, at_s = piece
        if self._volume != 1.0:
            samples = np.rint(samples * np.float32(self._volume)).astype(np.int16)
        self._on_heard(samples, at_s)

    def reopen(self, rate: int) -> None:
        """Open the speaker at another rate.

        Raises ``AvatarError`` (``playbackInitFailed``); the speaker is at its old rate again then, if it can be.
        """
        self._speaker.close()
        try:
            self._speaker.open(rate)
        except AvatarError:
            with suppress(AvatarError):
                self._speaker.open(self.rate)
            raise
        finally:
            self._speaker.set_volume(self._volume)

    def take_rate(self, rate: int) -> None:
        """Count at another rate from now on; nothing is queued."""
        self.rate = rate
        self.unheard = HeardAudio(rate)
