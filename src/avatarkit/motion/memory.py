"""What a stream of the learned engine remembers, beside the network's memory."""

from __future__ import annotations

from typing import Final

from avatarkit.frames import FloatArray
from avatarkit.motion import articulation, prosody
from avatarkit.motion.state import Layout
from avatarkit.motion.style import MANNER_SIZE

ECHO: Final = 5
"""Columns of level and pitch that are kept until the network has decided on theirs."""
ECHO_SIZE: Final = 3 * ECHO

STATE: Final = Layout(mouth=articulation.STATE.size, voice=prosody.STATE.size, manner=MANNER_SIZE, echo=ECHO_SIZE)
"""A stream's state, but for the network's memory."""

_NO_SOUND: Final = -90.0


def start(state: FloatArray, seed: int, manner: FloatArray) -> None:
    """Set the row (STATE.size,) of a new stream that speaks in a style (58,)."""
    row = state[None]
    articulation.start(STATE.part(row, "mouth"))
    prosody.start(STATE.part(row, "voice"), seed)
    STATE.part(row, "manner")[0] = manner
    STATE.part(row, "echo")[:] = _NO_SOUND
