"""What a mouth remembers from column to column; :mod:`avatarkit.motion.kernels.mouth` steps it."""

from __future__ import annotations

from typing import Final

from avatarkit.frames import FloatArray
from avatarkit.motion.classes import CLASS_COUNT, CLASS_INDEX
from avatarkit.motion.gestures import GESTURE_COUNT
from avatarkit.motion.state import Layout

STATE: Final = Layout(
    jaw_trace=CLASS_COUNT, lip_trace=CLASS_COUNT, columns=3 * GESTURE_COUNT, seals=3, bites=3, sealed=1, bitten=1,
    gestures=GESTURE_COUNT, envelope=1, peak=1, talking=1,
)  # fmt: skip

_SIL: Final = CLASS_INDEX["sil"]
_START_DB: Final = -26.0


def start(states: FloatArray) -> None:
    """Set the rows of new streams."""
    states[:] = 0.0
    STATE.part(states, "jaw_trace")[:, _SIL] = 4.0
    STATE.part(states, "lip_trace")[:, _SIL] = 4.0
    STATE.part(states, "envelope")[:] = -60.0
    STATE.part(states, "peak")[:] = _START_DB
