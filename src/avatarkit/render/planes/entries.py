"""The kernel that fills a picture's planes, and what it takes. Loads no compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.compiled.entries import Array, Entry, KernelSet, arrays

_F1 = Array(np.dtype("f4"), 1)
_B1, _B2 = arrays("u1", 2)
_U2 = Array(np.dtype("u4"), 2)

KERNELS: Final = KernelSet(
    title="the conversion of pictures for films",
    extra="render",
    package="avatarkit.render.planes",
    folder=Path(__file__).parent,
    entries={"fill_planes": Entry("fill", (_U2, _U2, _F1, _B1, _U2, _B2, _B2, _B2, _B2), varying=0)},
    plain=frozenset({"__init__.py", "frames.py"}),
)
