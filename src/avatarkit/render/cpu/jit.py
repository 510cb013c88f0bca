"""How the renderer's kernels are compiled; see :mod:`avatarkit.compiled.jit`."""

from __future__ import annotations

from avatarkit.compiled.jit import Real, Whole, decorators

__all__ = ["Real", "Whole", "inlined", "kernel"]

# Not "nnan" and "ninf": kernels compare with infinities, and a NaN in a pose must not be undefined behaviour.
kernel, inlined = decorators({"nsz", "arcp", "contract", "afn", "reassoc"})
