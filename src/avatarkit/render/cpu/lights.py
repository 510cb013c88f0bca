"""The studio: where the lights stand and how bright they are, as one array for the shading kernel.

Lights stand still in avatar space, as in a photographer's studio: a warm key light high to the avatar's right
(the viewer's left), a cool fill from the other side, a rim light from behind, and a hemisphere of soft light.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.render.cpu.arrays import F32

KEY_DIRECTION: Final = (-0.50, 0.62, 0.80)
FILL_DIRECTION: Final = (0.85, 0.12, 0.55)
RIM_DIRECTION: Final = (0.60, 0.50, -0.66)
CATCH_DIRECTION: Final = (-0.36, 0.40, 0.84)
"""Where wet surfaces mirror the key light from: lower than it stands, as an upper lid would hide its reflection."""

KEY: Final = 0
KEY_COLOR: Final = 3
FILL: Final = 6
FILL_COLOR: Final = 9
RIM: Final = 12
RIM_COLOR: Final = 15
SKY_COLOR: Final = 18
GROUND_COLOR: Final = 21
EYE: Final = 24
CATCH: Final = 27
LIGHT_VALUES: Final = 30
"""Offsets in the light array; directions point towards the light, ``EYE`` is the camera's position."""


def unit(direction: tuple[float, float, float]) -> npt.NDArray[np.float64]:
    """The direction at length 1."""
    vector = np.array(direction, np.float64)
    return vector / np.linalg.norm(vector)


def light_values(eye: tuple[float, float, float]) -> F32:
    """All lights and the camera's position: float32 (LIGHT_VALUES,)."""
    values = np.zeros(LIGHT_VALUES, np.float32)
    values[KEY : KEY + 3] = unit(KEY_DIRECTION)
    values[KEY_COLOR : KEY_COLOR + 3] = np.array([1.0, 0.96, 0.91]) * 1.15
    values[FILL : FILL + 3] = unit(FILL_DIRECTION)
    values[FILL_COLOR : FILL_COLOR + 3] = np.array([0.74, 0.85, 1.0]) * 0.30
    values[RIM : RIM + 3] = unit(RIM_DIRECTION)
    values[RIM_COLOR : RIM_COLOR + 3] = np.array([0.92, 0.96, 1.0]) * 0.75
    values[SKY_COLOR : SKY_COLOR + 3] = np.array([0.84, 0.90, 1.0]) * 0.42
    values[GROUND_COLOR : GROUND_COLOR + 3] = np.array([1.0, 0.80, 0.68]) * 0.20
    values[EYE : EYE + 3] = eye
    values[CATCH : CATCH + 3] = unit(CATCH_DIRECTION)
    return values
