"""Fitting the average head to landmarks whose truth is known, because they are made from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from avatarkit.studio.character.person import Person
from avatarkit.studio.character.skin import Body, refine_body
from avatarkit.studio.character.source import Points, data_folder
from avatarkit.studio.photo.fit import Warp, fit
from avatarkit.studio.photo.head import average_spec
from avatarkit.studio.photo.indices import LOWER_LIP_INNER, UPPER_LIP_INNER
from avatarkit.studio.photo.judge import angles
from avatarkit.studio.photo.landmark_map import LandmarkMap, map_landmarks
from avatarkit.studio.photo.landmarks import POINTS
from avatarkit.studio.photo.seal import sealed
from avatarkit.studio.photo.view import View


@pytest.fixture(scope="module")
def body() -> Body:
    return refine_body(Person(data_folder(), average_spec()))


@pytest.fixture(scope="module")
def mapped(body: Body) -> LandmarkMap:
    return map_landmarks(body)


def turned(yaw_degrees: float) -> View:
    c, s = np.cos(np.radians(yaw_degrees)), np.sin(np.radians(yaw_degrees))
    return View(np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]), np.array([0.003, 0.05, 0.0]), 3500.0)


def landmarks_of(view: View, points: Points) -> Points:
    """What a perfect detector would report: pixels, and depth in pixels."""
    out = np.zeros((POINTS, 3))
    out[: len(points), :2] = view.project(points)
    out[: len(points), 2] = -view.to_camera(points)[:, 2] * view.focal_px / 1.4
    return out


@pytest.mark.parametrize("yaw", [0.0, 12.0, -18.0])
def test_the_heads_own_turn_is_found(body: Body, mapped: LandmarkMap, yaw: float) -> None:
    found = fit(landmarks_of(turned(yaw), mapped(body.points)), body, mapped)
    assert angles(found)[0] == pytest.approx(yaw, abs=1.0)
    assert found.misfit_px < 2.0


def test_an_expression_is_taken_off(body: Body, mapped: LandmarkMap) -> None:
    worn = body.points + 0.4 * body.shapes["jawOpen"] + 0.6 * body.shapes["mouthSmileLeft"]
    found = fit(landmarks_of(turned(0.0), mapped(np.asarray(worn))), body, mapped)
    assert found.expression["jawOpen"] == pytest.approx(0.4, abs=0.12)
    assert found.expression["mouthSmileLeft"] == pytest.approx(0.6, abs=0.2)
    assert found.expression.get("mouthSmileRight", 0.0) < 0.15


def test_a_face_at_rest_wears_nothing_much(body: Body, mapped: LandmarkMap) -> None:
    found = fit(landmarks_of(turned(0.0), mapped(body.points)), body, mapped)
    assert max(found.expression.values(), default=0.0) < 0.1


def test_the_warp_carries_each_landmark_to_its_place(body: Body, mapped: LandmarkMap) -> None:
    rest = mapped(body.points)
    rng = np.random.default_rng(1)
    # Another person: wider, with a longer chin, and each point a little off.
    other = rest * np.array([1.06, 1.0, 1.0]) + rng.normal(0.0, 2e-4, rest.shape)
    other[rest[:, 1] < -0.07, 1] -= 0.004
    marks = landmarks_of(turned(5.0), other)
    found = fit(marks, body, mapped)
    worn = rest + sum(w * mapped(body.shapes[name]) for name, w in found.expression.items())
    missed = found.view.project(found.warp(np.asarray(worn))) - marks[: len(rest), :2]
    assert np.percentile(np.linalg.norm(missed, axis=1), 95) < 2.0


def test_what_meets_before_the_warp_meets_after_it() -> None:
    rng = np.random.default_rng(2)
    sources = rng.normal(0.0, 0.05, (60, 3))
    warp = Warp(sources, sources + rng.normal(0.0, 0.003, sources.shape))
    points = rng.normal(0.0, 0.05, (10, 3))
    assert np.array_equal(warp(points), warp(points.copy()))
    near = warp(points + 1e-5) - warp(points)
    assert np.abs(near).max() < 5e-5


def test_lips_that_are_apart_at_rest_are_brought_to_meet(body: Body, mapped: LandmarkMap) -> None:
    def gaps(points: Points) -> Points:
        marks = mapped(points)
        return (marks[list(UPPER_LIP_INNER)] - marks[list(LOWER_LIP_INNER)])[:, 1]

    apart = replace(body, points=body.points + 0.25 * body.shapes["mouthUpperUpLeft"] + 0.1 * body.shapes["jawOpen"])
    met = sealed(apart)
    assert np.abs(gaps(apart.points)).max() > 0.003
    assert np.abs(gaps(met)).max() < 0.001
    far = np.linalg.norm(body.points - mapped(body.points)[13], axis=1) > 0.06
    assert np.array_equal(met[far], apart.points[far])
