"""Filling in what a portrait does not show, and following the edges of what it does."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.studio.photo.framing import SIDE_PX, Portrait
from avatarkit.studio.photo.matte import clean_colors, fill, person_alpha


@settings(max_examples=30)
@given(seed=st.integers(0, 2**31), share=st.floats(0.01, 1.0), size=st.tuples(st.integers(3, 40), st.integers(3, 40)))
def test_filling_keeps_what_is_known_and_invents_no_new_extremes(
    seed: int, share: float, size: tuple[int, int]
) -> None:
    rng = np.random.default_rng(seed)
    image, known = rng.random((*size, 3)), rng.random(size) < share
    known[0, 0] = True
    out = fill(image, known)
    assert np.array_equal(out[known], image[known])
    low, high = image[known].min(axis=0), image[known].max(axis=0)
    assert (out >= low - 1e-9).all()
    assert (out <= high + 1e-9).all()


def coarse_portrait() -> Portrait:
    """A bright disc before a dark wall, whose mask is off by some pixels and soft, as the model's is."""
    y, x = np.mgrid[0:SIDE_PX, 0:SIDE_PX]
    radius = np.hypot(x - SIDE_PX / 2, y - SIDE_PX / 2)
    rgb = np.where((radius < 300)[..., None], np.array([0.8, 0.6, 0.5]), np.array([0.1, 0.2, 0.15]))
    mask = np.clip((306 - radius) / 12, 0, 1)
    return Portrait(rgb, np.ones((SIDE_PX, SIDE_PX), bool), mask, np.zeros((478, 3)), 1.0)


def test_the_outline_moves_to_the_pictures_own_edge() -> None:
    portrait = coarse_portrait()
    alpha = person_alpha(portrait)
    row = alpha[SIDE_PX // 2]
    edge = SIDE_PX // 2 + 300
    assert row[edge - 4] > 0.9
    assert row[edge + 3] < 0.1


def test_no_colour_of_the_old_background_is_left_at_the_rim() -> None:
    portrait = coarse_portrait()
    colors = clean_colors(portrait.rgb, person_alpha(portrait))
    assert colors[SIDE_PX // 2, SIDE_PX // 2 + 303, 0] > 0.7


def test_pixels_outside_of_the_picture_are_nobody() -> None:
    portrait = coarse_portrait()
    portrait.inside[:, 700:] = False
    assert person_alpha(portrait)[:, 700:].max() == 0.0
