"""The kernels that the renderer calls, and what each of them takes. Loads no compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.compiled.entries import REAL, WHOLE, Array, Entry, KernelSet, arrays

_F1, _F2, _F3 = arrays("f4", 3)
_I1, _I2, _I3, _I4 = arrays("i4", 4)
_U1, _U2 = arrays("u4", 2)
_S2 = Array(np.dtype("i2"), 2)
_B1 = Array(np.dtype("u1"), 1)
_L1 = Array(np.dtype(np.int64), 1)

_ENTRIES: Final = {
    "place_vertices": Entry(
        "stages",
        (_F2, _F2, _F1, _I2, _I1, _F2, _F2, _F2, _F1, _F1, _F2, _F2, _F2, _F2, _F2, _F2, _F2, _I2, _F2),
        varying=3,
    ),
    "cull": Entry("culling", (_I2, _I1, _I2, _I2, WHOLE, WHOLE, _S2), varying=2),
    "cull_light": Entry("culling", (_I2, _B1, _I1, _I2, _F2, _S2), varying=2),
    "list_in_bands": Entry("raster", (_S2, WHOLE, _L1, _I1), varying=0),
    "shadow_band": Entry("shadow", (_I2, _S2, _F2, _F2), varying=2),
    "survey_shadow": Entry("shadow", (_F2, _F3), varying=2),
    "paint_band": Entry(
        "stages",
        (
            _I1, _L1, _I2, _I1, _F2, _I2, _U1, _U1, _I3, _I1, _I2, _F2, _F2, _F1, _F2, _F2, _F3, REAL, _I4, _B1, _U2,
        ),
        varying=4,
    ),
}  # fmt: skip

KERNELS: Final = KernelSet(
    title="the CPU renderer",
    extra="render",
    package="avatarkit.render.cpu",
    folder=Path(__file__).parent,
    entries=_ENTRIES,
    plain=frozenset({"__init__.py", "lights.py", "renderer.py", "scene.py", "tangents.py", "workers.py"}),
)
