"""Sound put together by time: pieces at their places, silence between them."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]

_JITTER_S: Final = 0.03


class SoundTrack:
    """Turns timed pieces of mono PCM into one unbroken stream from 0 seconds at a fixed rate.

    A piece that starts within 30 ms of the end of what there is follows on without gap or overlap, since the
    times of pieces that belong together are not exact to the sample. Another one is put at its time: silence fills
    the gap before it, and what would lie before the end of the stream is dropped.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.written = 0
        """Samples of the stream so far."""

    def place(self, pcm: Pcm, sample_rate: int, time_s: float) -> Pcm:
        """The samples that the piece adds to the stream, leading silence included."""
        piece = _resample(pcm, sample_rate, self.sample_rate)
        gap = round(time_s * self.sample_rate) - self.written
        if abs(gap) <= _JITTER_S * self.sample_rate and self.written:
            gap = 0
        out = np.concatenate([np.zeros(gap, np.int16), piece]) if gap > 0 else piece[-gap:]
        self.written += len(out)
        return out

    def pad_to(self, end_s: float) -> Pcm:
        """The silence that is missing until ``end_s`` seconds."""
        out = np.zeros(max(0, round(end_s * self.sample_rate) - self.written), np.int16)
        self.written += len(out)
        return out


def _resample(pcm: Pcm, source: int, target: int) -> Pcm:
    """Straight-line interpolation; the surface is handed one rate as a rule, which is then the stream's."""
    if source == target or not len(pcm):
        return pcm
    count = max(1, round(len(pcm) * target / source))
    at = np.minimum(np.arange(count) * (source / target), len(pcm) - 1)
    out: Pcm = np.rint(np.interp(at, np.arange(len(pcm)), pcm)).astype(np.int16)
    return out
