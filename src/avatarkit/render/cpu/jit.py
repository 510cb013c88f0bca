"""How the kernels are compiled: one decorator, so that every kernel has the same rules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba
from numba.core.runtime.nrt import rtsys

Real = Any
"""A float32 scalar in a kernel. NumPy's scalar types and Python's mix there in ways that only numba can type."""

Whole = Any
"""An int64 scalar in a kernel."""

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])

# Not "nnan" and "ninf": kernels compare with infinities, and a NaN in a pose must not be undefined behaviour.
_FAST_MATH: Final = {"nsz", "arcp", "contract", "afn", "reassoc"}


_PLAIN: Final = {"__init__.py", "arrays.py", "lights.py", "renderer.py", "scene.py", "tangents.py", "workers.py"}
"""Files without kernels, and without constants that kernels use."""


def _sources() -> str:
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.name not in _PLAIN:
            digest.update(path.read_bytes())
    return digest.hexdigest()


_SOURCES: Final = _sources()
"""Changes with any file of this folder that kernels are made of."""


def kernel(function: _FunctionT) -> _FunctionT:
    """Compile a function on its first call, keep the machine code on disk, and run it without the GIL.

    Kernels are plain loops without ``prange``: the renderer gives row bands to its own threads, which makes
    pixels independent of the number of threads and needs no threading layer, whose global state would tie
    renderers of different views together.
    """
    compiled: Any = numba.njit(cache=True, nogil=True, fastmath=_FAST_MATH, error_model="numpy")(function)
    store: Any = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(store, "_source_stamp"):
        # Machine code on disk counts as current by the time of its own file alone, while it holds constants and
        # functions of others: what is left of an older version would write where it must not.
        store._source_stamp = _SOURCES
        _load_lightly(compiled._cache)
    return cast(_FunctionT, compiled)


def _load_lightly(cache: Any) -> None:
    """Let machine code be loaded from disk without what only compiling needs.

    Numba sets up its whole library first, SciPy included, which takes ten times as long as the loading. What the code
    calls at run time is the memory manager alone; compiling, where it comes to that, sets up the rest by itself.
    """
    known = ("load_overload", "_load_overload", "_guard_against_spurious_io_errors")
    if not all(hasattr(cache, name) for name in known):
        return  # another numba than those known

    def load_overload(signature: Any, target: Any) -> Any:
        rtsys.initialize(target)
        with cache._guard_against_spurious_io_errors():
            return cache._load_overload(signature, target)

    cache.load_overload = load_overload


def inlined(function: _FunctionT) -> _FunctionT:
    """Compile a function into each of its callers: passing arrays costs more than most inner functions do."""
    compiled = numba.njit(inline="always", fastmath=_FAST_MATH, error_model="numpy")(function)
    return cast(_FunctionT, compiled)
