"""Light from one side, on made-up faces."""

from __future__ import annotations

import numpy as np

from avatarkit.studio.photo import indices
from avatarkit.studio.photo.delight import even_light
from avatarkit.studio.photo.framing import SIDE_PX


def made_up() -> tuple[np.ndarray, np.ndarray]:
    """A round face in the middle of the frame, and its landmarks."""
    marks = np.full((478, 3), SIDE_PX / 2)
    turn = np.linspace(0.0, 2.0 * np.pi, len(indices.OVAL), endpoint=False)
    marks[list(indices.OVAL), 0] = SIDE_PX / 2 + 150.0 * np.sin(turn)
    marks[list(indices.OVAL), 1] = SIDE_PX / 2 - 190.0 * np.cos(turn)
    face = np.broadcast_to(np.array([0.72, 0.55, 0.46]), (SIDE_PX, SIDE_PX, 3)).copy()
    return face, marks


def sides(picture: np.ndarray) -> tuple[float, float]:
    middle = SIDE_PX // 2
    return float(picture[middle, middle - 90].mean()), float(picture[middle, middle + 90].mean())


def test_a_face_lit_from_one_side_is_evened_out_but_keeps_its_light() -> None:
    face, marks = made_up()
    lit = face * np.linspace(1.5, 0.3, SIDE_PX)[None, :, None].clip(0.0, 1.0)
    before, after = sides(lit), sides(even_light(lit, marks, np.ones((SIDE_PX, SIDE_PX))))
    assert 0.2 < (after[0] - after[1]) / (before[0] - before[1]) < 0.8


def test_light_from_the_front_and_fine_detail_stay() -> None:
    face, marks = made_up()
    face *= np.linspace(1.1, 0.7, SIDE_PX)[:, None, None]
    face[500:520, 430:440] *= 0.5
    assert np.abs(even_light(face, marks, np.ones((SIDE_PX, SIDE_PX))) - face).max() < 0.03
