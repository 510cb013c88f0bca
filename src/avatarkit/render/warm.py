"""Compiling the CPU renderer, and what films need beside it, ahead of time: ``python -m avatarkit.render.warm``."""

from __future__ import annotations

import sys
import time

from avatarkit.compiled.kernels import load
from avatarkit.compiled.warm import report
from avatarkit.render.cpu.entries import KERNELS
from avatarkit.render.planes import entries as planes


def warm_up() -> float:
    """Compile every kernel, so that the first frame of any avatar comes at once; returns the seconds it took.

    The machine code goes beside the package, or, where that cannot be written, to the user's cache folder
    (``NUMBA_CACHE_DIR`` decides otherwise). Does next to nothing when it is there already.
    Raises ``AvatarError`` (missingDependency) without numba.
    """
    start = time.perf_counter()
    load(KERNELS)
    load(planes.KERNELS)
    return time.perf_counter() - start


def main() -> int:
    """Compile, say so in one line, and give the exit status."""
    return report(KERNELS, warm_up)


if __name__ == "__main__":
    sys.exit(main())
