"""Compiling the motion engines ahead of time: ``python -m avatarkit.motion.warm``."""

from __future__ import annotations

import sys

from avatarkit.compiled.warm import report
from avatarkit.motion.entries import KERNELS, kernels

if __name__ == "__main__":
    sys.exit(report(KERNELS, kernels))
