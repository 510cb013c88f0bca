"""Compiling the motion engines ahead of time: ``python -m avatarkit.motion.warm``."""

from __future__ import annotations

import sys
import time

from avatarkit.errors import AvatarError
from avatarkit.motion.entries import kernels


def main() -> int:
    """Compile, so that an engine opens at once; say so in one line, and give the exit status.

    The machine code goes beside the package, or, where that cannot be written, to the user's cache folder
    (``NUMBA_CACHE_DIR`` decides otherwise). Does next to nothing when it is there already.
    """
    start = time.perf_counter()
    try:
        kernels()
    except AvatarError as failure:
        sys.stderr.write(f"avatarkit: {failure}\n")
        return 1
    sys.stdout.write(f"avatarkit: the motion engine is compiled ({time.perf_counter() - start:.1f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
