"""Streaming conversion of PCM to 16 kHz by a polyphase FIR filter.

The filter's coefficients are whole numbers, and so are the samples: every product and sum is a whole number below
2**53, exact in double precision in whatever order a matrix library adds. So the output is bit for bit the same
for any chunking, machine and thread count.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.types import SAMPLE_RATES_HZ

TARGET_HZ: Final = 16000
_ZERO_CROSSINGS: Final = 8
"""Zero crossings of the sinc on each side."""
_CUTOFF: Final = 0.94
"""Corner (-6 dB) as a share of the lower Nyquist frequency; aliases then fall above what speech features use."""
_KAISER_BETA: Final = 7.0
_COEFFICIENT_SCALE: Final = 1 << 20
_GROUP_OUTPUTS: Final = 16
_PIECE_SAMPLES: Final = 1 << 13
"""Longest run converted at once: bounds memory however much is pushed."""

FloatArray = npt.NDArray[np.float32]


class Resampler:
    """Signed 16-bit little-endian mono PCM of one of the seven rates, cut anywhere, to float32 at 16 kHz.

    Full scale is 1. Output sample ``n`` is the input at ``n / 16000 - delay_s``: the filter is causal, so every
    push gives all output up to its last input sample. Raises ``ValueError`` for any other rate.
    """

    def __init__(self, sample_rate: int) -> None:
        if sample_rate not in SAMPLE_RATES_HZ:
            raise ValueError(f"sample_rate must be one of {SAMPLE_RATES_HZ}, not {sample_rate}")
        common = math.gcd(sample_rate, TARGET_HZ)
        self.sample_rate = sample_rate
        self.samples_in = 0
        """Whole samples taken so far."""
        self._up, self._down = TARGET_HZ // common, sample_rate // common
        self._odd = b""
        self._produced = 0
        self._passes_through = sample_rate == TARGET_HZ
        half = 0.0 if self._passes_through else _ZERO_CROSSINGS * max(1.0, sample_rate / TARGET_HZ)
        self.delay_s = half / sample_rate
        self._reach = math.ceil(2 * half)
        groups = -(-_GROUP_OUTPUTS // self._up)
        self._group_out, self._group_in = groups * self._up, groups * self._down
        self._filter = self._design(half) if half else np.zeros((0, 0))
        self._row_index = np.zeros((0, 0), np.intp)
        self._buffer = np.zeros(self._reach)
        self._buffer_start = -self._reach

    def _design(self, half: float) -> npt.NDArray[np.float64]:
        """(reach + inputs, outputs) of one group: whole numbers, each column adding up to the scale."""
        times = np.arange(self._group_out) * self._down / self._up
        inputs = np.arange(-self._reach, self._group_in)
        apart = times[None, :] - half - inputs[:, None]
        bandwidth = _CUTOFF * min(1.0, self._up / self._down)
        window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1.0 - (apart / half) ** 2, 0.0, 1.0))) * (np.abs(apart) < half)
        kernel = np.sinc(bandwidth * apart) * window
        kernel = np.rint(kernel * (_COEFFICIENT_SCALE / kernel.sum(axis=0)))
        largest = np.abs(kernel).argmax(axis=0)
        kernel[largest, np.arange(self._group_out)] += _COEFFICIENT_SCALE - kernel.sum(axis=0)
        return np.asarray(kernel, np.float64)

    def push(self, pcm: bytes) -> FloatArray:
        """Take PCM; an odd byte waits for the next call. Returns float32 (n,), perhaps empty."""
        if self._odd:
            pcm = self._odd + bytes(pcm)
        whole = len(pcm) & ~1
        self._odd = bytes(pcm[whole:])
        samples = np.frombuffer(pcm, "<i2", whole // 2)
        self.samples_in += len(samples)
        return self._convert(samples)

    def flush(self) -> FloatArray:
        """The tail that is still in the filter: ``delay_s`` of output. A lone odd byte is dropped."""
        self._odd = b""
        return self._convert(np.zeros(math.ceil(self.delay_s * self.sample_rate), "<i2"))

    def _convert(self, samples: npt.NDArray[np.int16]) -> FloatArray:
        if self._passes_through:
            return np.multiply(samples, np.float32(1.0 / 32768.0), dtype=np.float32)
        if len(samples) <= _PIECE_SAMPLES:
            return self._convert_piece(samples)
        pieces = [
            self._convert_piece(samples[i : i + _PIECE_SAMPLES]) for i in range(0, len(samples), _PIECE_SAMPLES)
        ]
        return np.concatenate(pieces)

    def _rows(self, groups: int) -> npt.NDArray[np.intp]:
        """Which inputs each group of outputs is made from, (groups, reach + inputs)."""
        if len(self._row_index) < groups:
            starts = np.arange(groups)[:, None] * self._group_in
            self._row_index = starts + np.arange(len(self._filter))
        return self._row_index[:groups]

    def _convert_piece(self, samples: npt.NDArray[np.int16]) -> FloatArray:
        buffer: npt.NDArray[np.float64] = np.concatenate((self._buffer, samples.astype(np.float64)))
        taken = self._buffer_start + len(buffer)
        due = -(-taken * self._up // self._down)
        first_group, last_group = self._produced // self._group_out, -(-due // self._group_out)
        start = first_group * self._group_in - self._reach - self._buffer_start
        rows = self._rows(max(1, last_group - first_group))
        length = start + (len(rows) - 1) * self._group_in + len(self._filter)
        if len(buffer) < length:
            buffer = np.concatenate((buffer, np.zeros(length - len(buffer))))
        sums = (buffer[start:].take(rows) @ self._filter).reshape(-1)
        out = sums[self._produced - first_group * self._group_out : due - first_group * self._group_out]
        self._produced = due
        keep_from = (due // self._group_out) * self._group_in - self._reach
        self._buffer = buffer[max(0, keep_from - self._buffer_start) : taken - self._buffer_start].copy()
        self._buffer_start = taken - len(self._buffer)
        return np.asarray(out * (1.0 / (_COEFFICIENT_SCALE * 32768.0)), np.float32)
