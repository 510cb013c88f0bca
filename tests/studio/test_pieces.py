"""The tools that the builder is made of."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy.interpolate import LinearNDInterpolator

from avatarkit.studio.character.clip import border_loops, clip
from avatarkit.studio.character.curl_texture import curl_texture
from avatarkit.studio.character.eyes import eye_texture
from avatarkit.studio.character.hair_texture import hair_texture
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.occlusion import ambient, sample_surface
from avatarkit.studio.character.parts import grid_triangles, linear
from avatarkit.studio.character.subdivide import catmull_clark, triangulate
from avatarkit.studio.character.thin_out import Limits, thin_out

CUBE = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
CUBE_QUADS = np.array([(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)], np.int64)


def test_subdivided_cube_is_the_textbook_one() -> None:
    step = catmull_clark(CUBE_QUADS, 8)
    points = step(CUBE)
    assert len(step.quads) == 24
    assert len(points) == 8 + 12 + 6
    np.testing.assert_allclose(np.abs(points[:8]), 5 / 9)  # a corner: (F + 2R + (3-3)P) / 3
    np.testing.assert_allclose(np.abs(points[8:20]).max(axis=1), 3 / 4)
    np.testing.assert_allclose(np.abs(points[20:]).max(axis=1), 1.0)


def test_border_of_a_sheet_stays_flat() -> None:
    quads = np.array([(0, 1, 3, 2)], np.int64)
    points = catmull_clark(quads, 4)(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], float))
    assert points[:, 2].max() == 0
    assert points.min() >= 0


def test_triangles_of_a_folded_quad_are_left_out() -> None:
    assert len(triangulate(np.array([[0, 1, 2, 2], [0, 1, 2, 3]]))) == 3


def test_clip_cuts_along_the_level() -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(0, 1, 9), np.linspace(0, 1, 9)))
    points = np.column_stack([x, y, 0 * x])
    level = 0.6 - np.hypot(x - 0.5, y - 0.5) * 1.5
    cut = clip(grid_triangles(9, 9), level)
    kept = cut(points)
    assert cut(level).min() > -1e-9
    loop = kept[border_loops(cut.triangles)[0]]
    np.testing.assert_allclose(np.hypot(loop[:, 0] - 0.5, loop[:, 1] - 0.5), 0.4, atol=0.02)
    a, b, c = (kept[cut.triangles[:, i]] for i in range(3))
    area = np.cross(b - a, c - a)[:, 2]
    assert (np.sign(area[np.abs(area) > 1e-12]) == np.sign(area.sum())).all()
    assert abs(area.sum()) / 2 == pytest.approx(np.pi * 0.4**2, rel=0.05)


def test_ground_under_a_roof_is_darker() -> None:
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-0.2, 0.2, 41), np.linspace(-0.2, 0.2, 41)))
    ground = np.column_stack([x, 0 * x, y])
    roof = np.column_stack([x / 4, 0 * x + 0.03, y / 4])
    grid = grid_triangles(41, 41)
    scene = np.concatenate([sample_surface(ground, grid), sample_surface(roof, grid)])
    seen = ambient(np.array([[0.0, 0, 0], [0.15, 0, 0]]), np.array([[0.0, 1, 0]] * 2), scene)
    assert seen[0] < 0.45
    assert seen[1] > 0.8


def test_noise_is_even_smooth_and_repeatable() -> None:
    points = np.random.default_rng(0).uniform(-0.1, 0.1, (20_000, 3))
    noise = value_noise(points, 0.004, 3)
    assert np.abs(noise).max() <= 1.0
    assert abs(noise.mean()) < 0.05
    assert np.abs(value_noise(points + 1e-6, 0.004, 3) - noise).max() < 0.01
    np.testing.assert_array_equal(noise, value_noise(points, 0.004, 3))
    assert np.abs(noise - value_noise(points, 0.004, 4)).mean() > 0.2


def test_textures_follow_the_seed() -> None:
    brown = (0.3, 0.2, 0.1)
    np.testing.assert_array_equal(eye_texture(brown, 1), eye_texture(brown, 1))
    assert (eye_texture(brown, 1) != eye_texture(brown, 2)).any()
    for hair in (hair_texture(1), curl_texture(1)):
        assert hair.shape == (256, 256, 4)
        assert hair[..., 3].min() == 0
        assert hair[..., 3].max() == 255
        assert 0.3 < (hair[..., 3] > 127).mean() < 0.98
    assert (curl_texture(1) != curl_texture(2)).any()
    pupil = eye_texture(brown, 1)[128, 128]
    assert pupil.max() < 20


def test_linear_light() -> None:
    np.testing.assert_allclose(linear((0.0, 0.5, 1.0)), [0.0, 0.2140, 1.0], atol=1e-4)


def _sheet(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A flat sheet with a ridge along its middle, 10 cm wide."""
    x, y = np.meshgrid(np.linspace(0.0, 0.1, side), np.linspace(0.0, 0.1, side), indexing="ij")
    height = 0.01 * np.exp(-(((x - 0.05) / 0.012) ** 2))
    return np.stack([x, y, height], axis=2).reshape(-1, 3), grid_triangles(side, side)[:, ::-1]


def test_thinning_keeps_the_form_the_border_and_what_must_stay() -> None:
    points, triangles = _sheet(41)
    border = (np.abs(points[:, :2] - 0.05).max(axis=1) > 0.0499).nonzero()[0]
    kept = np.zeros(len(points), bool)
    kept[[812, 845]] = True
    thin = thin_out([points], triangles, Limits(0.0003, 0.05), kept=kept)
    assert len(thin) < 0.5 * len(triangles)
    assert set(border) <= set(np.unique(thin))
    assert {812, 845} <= set(np.unique(thin))
    a, b, c = (points[thin[:, i]] for i in range(3))
    crosses = np.cross(b - a, c - a)
    assert (crosses[:, 2] > 0.0).all()  # nothing turned over
    assert crosses[:, 2].sum() / 2 == pytest.approx(0.01)  # no hole, no fold
    fine, _ = _sheet(41)
    surface = LinearNDInterpolator(fine[:, :2], fine[:, 2])
    middles = (a + b + c) / 3
    assert np.abs(surface(middles[:, :2]) - middles[:, 2]).max() < 0.0012


def test_thinning_spares_what_another_pose_needs() -> None:
    points, triangles = _sheet(31)
    flat = points * np.array([1.0, 1.0, 0.0])
    alone = thin_out([flat], triangles, Limits(0.0003, 0.05))
    both = thin_out([flat, points], triangles, Limits(0.0003, 0.05))
    ridge = (np.abs(points[:, 0] - 0.05) < 0.02) & (np.abs(points[:, 1] - 0.05) < 0.045)
    assert ridge[np.unique(both)].sum() > 1.5 * ridge[np.unique(alone)].sum()
    careful = thin_out([points], triangles, Limits(0.0003, 0.05), weight=np.full(len(points), 4.0))
    assert len(careful) > len(thin_out([points], triangles, Limits(0.0003, 0.05)))
