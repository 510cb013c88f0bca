"""How kernels are compiled. Only compiling loads this module, and numba with it; see :mod:`.kernels`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

import numba

Real = Any
"""A float32 scalar in a kernel. NumPy's scalar types and Python's mix there in ways that only numba can type."""

Whole = Any
"""An int64 scalar in a kernel."""

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


class Decorator(Protocol):
    """Compiles a function."""

    def __call__(self, function: _FunctionT) -> _FunctionT:
        """The function, compiled."""
        ...


def decorators(fast_math: set[str]) -> tuple[Decorator, Decorator]:
    """How a package compiles its kernels: two decorators, ``kernel`` and ``inlined``, so that all follow one rule.

    ``kernel`` compiles a function, to run without the GIL. Kernels are plain loops without ``prange``: threads are
    their callers' business, and need no threading layer, whose global state would tie callers together.
    ``inlined`` compiles a function into each of its callers: passing arrays costs more than most inner functions do.
    ``fast_math``: what LLVM may do with floating-point numbers beyond the rules.
    """

    def kernel(function: _FunctionT) -> _FunctionT:
        return cast(_FunctionT, numba.njit(nogil=True, fastmath=fast_math, error_model="numpy")(function))

    def inlined(function: _FunctionT) -> _FunctionT:
        return cast(_FunctionT, numba.njit(inline="always", fastmath=fast_math, error_model="numpy")(function))

    return kernel, inlined
