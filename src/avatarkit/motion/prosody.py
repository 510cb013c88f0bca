"""What head and brows remember from frame to frame; :mod:`avatarkit.motion.kernels.voice` steps it."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion import chance
from avatarkit.motion.state import Layout

_WAVES: Final = 12
STATE: Final = Layout(
    phases=_WAVES, sway_time=1, octave_mean=1, octave_spread=1, level_mean=1, level_spread=1, tune=1, stress=1,
    spoken_s=1, pause_s=1, nod_s=1, nod_size=1, pitch=1, speed=1, brow=1, brow_hold_s=1, brow_wait_s=1, brow_size=1,
    alive=1,
)  # fmt: skip


def start(state: FloatArray, seed: int) -> None:
    """Set the row (1, STATE.size) of a new stream."""
    state[:] = 0.0
    STATE.part(state, "phases")[0] = chance.uniforms(seed, _WAVES) * np.float32(2.0 * np.pi)
    STATE.part(state, "octave_mean")[:] = np.log2(150.0)
    STATE.part(state, "octave_spread")[:] = 0.2
    STATE.part(state, "level_mean")[:] = -32.0
    STATE.part(state, "level_spread")[:] = 6.0
