"""How the engines' kernels are compiled; see :mod:`avatarkit.compiled.jit`."""

from __future__ import annotations

from avatarkit.compiled.jit import Real, decorators

__all__ = ["Real", "inlined", "kernel"]

# Nothing beyond the rules: the same sound gives the same bits, in any batch.
kernel, inlined = decorators(set())
