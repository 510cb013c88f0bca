"""The kernels that the renderer calls, and what each of them takes. Loads no compiler."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np


@dataclass(frozen=True, slots=True)
class Array:
    """A C-contiguous array of a NumPy type, with so many dimensions."""

    dtype: np.dtype[Any]
    dimensions: int


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar that stays for all calls of a frame: ``int64`` or ``float32``."""

    dtype: np.dtype[Any]


Argument = Array | Number


@dataclass(frozen=True, slots=True)
class Entry:
    """One kernel. Its arguments are what a frame's calls share, then ``varying`` whole numbers, each call's own."""

    module: str
    """Of this package."""
    shared: tuple[Argument, ...]
    varying: int

    def words(self, name: str, arguments: Sequence[Any]) -> list[int]:
        """What machine code reads: for an array its address and its sides, for a scalar its bits.

        Raises ``TypeError`` for any argument that the kernel would misread: it checks nothing by itself.
        """
        if len(arguments) != len(self.shared):
            raise TypeError(f"kernel {name} takes {len(self.shared)} arguments, not {len(arguments)}")
        words: list[int] = []
        for place, (kind, value) in enumerate(zip(self.shared, arguments, strict=True)):
            if isinstance(kind, Number):
                words.append(int(value) if kind.dtype == _INT64 else _bits(value))
                continue
            if (
                not isinstance(value, np.ndarray)
                or value.dtype != kind.dtype
                or value.ndim != kind.dimensions
                or not value.flags.carray
            ):
                raise TypeError(f"argument {place} of kernel {name} must be {kind}, writable, aligned and contiguous")
            words.append(value.__array_interface__["data"][0])
            words.extend(value.shape)
        return words


def _bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def _arrays(code: str, most: int) -> tuple[Array, ...]:
    return tuple(Array(np.dtype(code), dimensions) for dimensions in range(1, most + 1))


_INT64: Final = np.dtype(np.int64)
_F1, _F2, _F3 = _arrays("f4", 3)
_I1, _I2, _I3, _I4 = _arrays("i4", 4)
_U1, _U2 = _arrays("u4", 2)
_S2 = Array(np.dtype("i2"), 2)
_B1 = Array(np.dtype("u1"), 1)
_L1 = Array(_INT64, 1)
_WHOLE, _REAL = Number(_INT64), Number(np.dtype("f4"))

ENTRIES: Final[dict[str, Entry]] = {
    "place_vertices": Entry(
        "stages",
        (_F2, _F2, _F1, _I2, _I1, _F2, _F2, _F2, _F1, _F1, _F2, _F2, _F2, _F2, _F2, _F2, _F2, _I2, _F2),
        varying=3,
    ),
    "cull": Entry("project", (_I2, _I1, _I2, _I2, _WHOLE, _WHOLE, _S2), varying=2),
    "cull_light": Entry("project", (_I2, _B1, _I1, _I2, _F2, _S2), varying=2),
    "list_in_bands": Entry("raster", (_S2, _WHOLE, _L1, _I1), varying=0),
    "shadow_band": Entry("shadow", (_I2, _S2, _F2, _F2), varying=2),
    "survey_shadow": Entry("shadow", (_F2, _F3), varying=2),
    "paint_band": Entry(
        "stages",
        (
            _I1, _L1, _I2, _I1, _F2, _I2, _U1, _U1, _I3, _I1, _I2, _F2, _F2, _F1, _F2, _F2, _F3, _REAL, _I4, _B1, _U2,
        ),
        varying=4,
    ),
}  # fmt: skip
"""By their names; see the kernels themselves for what the arguments mean."""
