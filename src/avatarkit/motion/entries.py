"""The engines' kernels, and what each of them takes. Loads no compiler."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.compiled.entries import WHOLE, Array, Entry, KernelSet, arrays
from avatarkit.compiled.kernels import load

_F1, _F2, _F3 = arrays("f4", 3)
_L1 = Array(np.dtype(np.int64), 1)
_SEEDS = Array(np.dtype(np.uint64), 1)
_FLAGS = Array(np.dtype(np.bool_), 1)

_FOLDER: Final = Path(__file__).parent

KERNELS: Final = KernelSet(
    title="the motion engine",
    extra="motion",
    package="avatarkit.motion.kernels",
    folder=_FOLDER / "kernels",
    entries={
        "uniforms": Entry("chance", (_SEEDS, _F1), varying=0),
        "analyse": Entry("hearing", (_F1, _L1, _FLAGS, _F2, _F2), varying=0),
        "standardise": Entry("layers", (_F2, _F1, _F1, _F2), varying=0),
        "rectify": Entry("layers", (_F2, _F1, _F1, _F2), varying=0),
        "remember": Entry("layers", (_F2, _F1, _F1, _F2, _F1, _F1, _F2, _F2), varying=0),
        "decide": Entry("layers", (_F2, _F1, _F1), varying=0),
        "animate": Entry(
            "animate",
            (_F2, WHOLE, _SEEDS, _L1, _L1, _L1, WHOLE, _F3, _F2, _L1, _F2, _L1, _F2, _F2),
            varying=0,
        ),
    },
    used=(_FOLDER.parent / "frames.py", *sorted(_FOLDER.glob("*.py"))),
)

kernels: Final = functools.partial(load, KERNELS)
"""The kernels, ready to run; see :func:`avatarkit.compiled.kernels.load`."""
