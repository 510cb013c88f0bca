"""Randomness that any language can compute: a hash of (seed, stream, index), with nothing to remember."""

from __future__ import annotations

import math
from typing import Final

_MASK: Final = 0xFFFFFFFF
_GOLDEN: Final = 0x9E3779B9


def mix32(x: int) -> int:
    """Scramble 32 bits: a constant added, then two rounds of xor-shift and multiply (constants found by TheIronborn).

    Every step is arithmetic modulo 2^32, so ``Math.imul`` and ``>>> 0`` do the same in JavaScript.
    """
    x = (x + _GOLDEN) & _MASK
    x ^= x >> 16
    x = (x * 0x21F0AAAD) & _MASK
    x ^= x >> 15
    x = (x * 0x735A2D97) & _MASK
    return x ^ (x >> 15)


class Chance:
    """Random numbers by place: the same seed, stream and index always give the same number."""

    def __init__(self, seed: int) -> None:
        """``seed``: a whole number; its lower 32 bits count."""
        self._seed = mix32(seed & _MASK)

    def bits(self, stream: int, index: int) -> int:
        """32 random bits. ``stream`` and ``index`` count modulo 2^32."""
        return mix32((mix32((self._seed + stream) & _MASK) + index) & _MASK)

    def uniform(self, stream: int, index: int) -> float:
        """Uniform between 0 and 1, both excluded."""
        return (self.bits(stream, index) + 0.5) / 4294967296.0

    def normal(self, stream: int, index: int) -> float:
        """Mean 0, variance 1 (Box and Muller 1958), of the two uniforms at ``2 index`` and the place behind it."""
        radius = math.sqrt(-2.0 * math.log(self.uniform(stream, 2 * index)))
        return radius * math.cos(2.0 * math.pi * self.uniform(stream, 2 * index + 1))

    def exponential(self, stream: int, index: int, mean: float) -> float:
        """Exponential with a mean."""
        return -math.log(self.uniform(stream, index)) * mean

    def lognormal(self, stream: int, index: int, median: float, sigma: float) -> float:
        """exp of a normal: ``median`` times exp(``sigma`` z)."""
        return median * math.exp(sigma * self.normal(stream, index))


class Wander:
    """Smooth noise: normal values ``spacing_s`` apart, with continuous speed and acceleration between. No loop."""

    def __init__(self, chance: Chance, stream: int, spacing_s: float) -> None:
        self._chance = chance
        self._stream = stream
        self._spacing_s = spacing_s
        self._ends = (-1, 0.0, 0.0)  # kept, since sixty frames in a row lie between the same two

    def at(self, t_s: float) -> float:
        """The value at a time of 0 or more; mean 0."""
        place = t_s / self._spacing_s
        index = math.floor(place)
        if self._ends[0] != index:
            a, b = (self._chance.normal(self._stream, i) for i in (index, index + 1))
            self._ends = (index, a, b)
        _, a, b = self._ends
        x = place - index
        return a + (b - a) * x * x * x * (x * (6.0 * x - 15.0) + 10.0)
