"""Compiling the CPU renderer ahead of time: ``python -m avatarkit.render.warm``."""

from __future__ import annotations

import sys
import time

from avatarkit.errors import AvatarError
from avatarkit.render.registry import open_renderer


def warm_up() -> float:
    """Compile every kernel, so that the first frame of any avatar comes at once; returns the seconds it took.

    The machine code goes beside the package, or, where that cannot be written, to the user's cache folder
    (``NUMBA_CACHE_DIR`` decides otherwise). Does next to nothing when it is there already.
    Raises ``AvatarError`` (missingDependency) without numba.
    """
    start = time.perf_counter()
    open_renderer("cpu", threads=1).close()
    from avatarkit.compiled.kernels import load  # noqa: PLC0415 - loads libraries that have now been found
    from avatarkit.render.cpu.entries import KERNELS  # noqa: PLC0415

    load(KERNELS)
    return time.perf_counter() - start


def main() -> int:
    """Compile, say so in one line, and give the exit status."""
    try:
        seconds = warm_up()
    except AvatarError as failure:
        sys.stderr.write(f"avatarkit: {failure}\n")
        return 1
    sys.stdout.write(f"avatarkit: the CPU renderer is compiled ({seconds:.1f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
