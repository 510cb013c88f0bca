"""How the kernels are compiled: one decorator, so that every kernel has the same rules.

Only compiling loads this module, and numba with it; see :mod:`.kernels`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba

Real = Any
"""A float32 scalar in a kernel. NumPy's scalar types and Python's mix there in ways that only numba can type."""

Whole = Any
"""An int64 scalar in a kernel."""

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])

# Not "nnan" and "ninf": kernels compare with infinities, and a NaN in a pose must not be undefined behaviour.
_FAST_MATH: Final = {"nsz", "arcp", "contract", "afn", "reassoc"}


def kernel(function: _FunctionT) -> _FunctionT:
    """Compile a function, to run without the GIL.

    Kernels are plain loops without ``prange``: the renderer gives row bands to its own threads, which makes
    pixels independent of the number of threads and needs no threading layer, whose global state would tie
    renderers of different views together.
    """
    return cast(_FunctionT, numba.njit(nogil=True, fastmath=_FAST_MATH, error_model="numpy")(function))


def inlined(function: _FunctionT) -> _FunctionT:
    """Compile a function into each of its callers: passing arrays costs more than most inner functions do."""
    return cast(_FunctionT, numba.njit(inline="always", fastmath=_FAST_MATH, error_model="numpy")(function))
