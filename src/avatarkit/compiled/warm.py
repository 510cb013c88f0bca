"""Compiling ahead of time, for the commands that do it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from avatarkit.compiled.entries import KernelSet
from avatarkit.errors import AvatarError


def report(kernels: KernelSet, compile_all: Callable[[], object]) -> int:
    """Compile a set of kernels, say so in one line, and give the exit status.

    The machine code goes beside the package, or, where that cannot be written, to the user's cache folder
    (``NUMBA_CACHE_DIR`` decides otherwise). Does next to nothing when it is there already.
    """
    began_s = time.perf_counter()
    try:
        compile_all()
    except AvatarError as failure:
        sys.stderr.write(f"avatarkit: {failure}\n")
        return 1
    sys.stdout.write(f"avatarkit: {kernels.title} is compiled ({time.perf_counter() - began_s:.1f} s)\n")
    return 0
