"""A stream's memory as one row of numbers, so that the rows of many streams make one matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from avatarkit.frames import FloatArray


class Layout:
    """Named runs of columns in a state matrix, in the order given."""

    def __init__(self, **sizes: int) -> None:
        self._slices: Final[dict[str, slice]] = {}
        self.size = 0
        for name, size in sizes.items():
            self._slices[name] = slice(self.size, self.size + size)
            self.size += size

    def __iter__(self) -> Iterator[str]:
        return iter(self._slices)

    def __getitem__(self, name: str) -> slice:
        return self._slices[name]

    def part(self, states: FloatArray, name: str) -> FloatArray:
        """The columns of that name of (n, size) states: a view, (n, columns)."""
        return states[:, self._slices[name]]
