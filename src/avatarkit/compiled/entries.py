"""What kernels take, and sets of kernels that are compiled and loaded together. Loads no compiler."""

from __future__ import annotations

import ctypes
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np


@dataclass(frozen=True, slots=True)
class Array:
    """A C-contiguous array of a NumPy type, with so many dimensions."""

    dtype: np.dtype[Any]
    dimensions: int


@dataclass(frozen=True, slots=True)
class Number:
    """A scalar that calls share: ``int64`` or ``float32``."""

    dtype: np.dtype[Any]


Argument = Array | Number


@dataclass(frozen=True, slots=True)
class Entry:
    """One kernel. Its arguments are what some calls share, then ``varying`` whole numbers, each call's own."""

    module: str
    """Of the set's package."""
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
            words.append(_address(value))
            words.extend(value.shape)
        return words


def _address(array: Any) -> int:
    """Where an array's elements lie; 0 when it has none. NumPy's own ways to say it take longer."""
    return ctypes.addressof(ctypes.c_byte.from_buffer(array)) if array.size else 0


def _bits(value: float) -> int:
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def arrays(code: str, most: int) -> tuple[Array, ...]:
    """Arrays of one NumPy type with one to ``most`` dimensions."""
    return tuple(Array(np.dtype(code), dimensions) for dimensions in range(1, most + 1))


_INT64: Final = np.dtype(np.int64)
WHOLE, REAL = Number(_INT64), Number(np.dtype("f4"))


@dataclass(frozen=True, eq=False, slots=True)
class KernelSet:
    """Kernels of one package."""

    title: str
    """Whose they are, for messages: ``the CPU renderer``."""
    extra: str
    """Brings numba."""
    package: str
    """Where the modules that :attr:`Entry.module` names are."""
    folder: Path
    """The package's."""
    entries: dict[str, Entry]
    """By their names; see the kernels themselves for what the arguments mean."""
    plain: frozenset[str] = frozenset()
    """Files of the folder that hold neither kernels nor anything that kernels are made of."""
    used: tuple[Path, ...] = ()
    """Files outside the folder, the kernels' constants among them, that the kernels are made of too."""
    lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    """Held while the set is loaded or compiled: once for all threads, and in nobody else's way."""
