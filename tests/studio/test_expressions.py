"""Shapes of the built-in characters hold together: lips seal, lids meet, teeth and tongue stay in their place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from face_measures import Face, depths_at

from avatarkit.avatars import builtin, describe, read_bundle
from avatarkit.avatars.expressions import Expression, pose_of
from avatarkit.render import open_renderer
from avatarkit.types import Camera

pytest.importorskip("PIL")

FILES = sorted(builtin.folder().glob("*.glb"))
pytestmark = pytest.mark.skipif(not FILES, reason="no character has been built")


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.stem)
def face(request: pytest.FixtureRequest) -> Face:
    path: Path = request.param
    return Face(read_bundle(path))


def test_every_shape_moves_something(face: Face) -> None:
    assert describe(face.bundle).shapes_missing == ()


@pytest.mark.parametrize("jaw", [0.0, 0.25, 0.5, 1.0])
@pytest.mark.parametrize(
    "beside",
    [(), (("mouthSmile", 0.6),), (("mouthPress", 0.6),), (("mouthRollLower", 0.3), ("mouthRollUpper", 0.3))],
    ids=["alone", "smile", "press", "roll"],
)
def test_lips_seal_over_any_jaw(face: Face, jaw: float, beside: Expression) -> None:
    upper, lower = face.lip_ridges((("jawOpen", jaw), ("mouthClose", jaw), *beside))
    assert upper[1] - lower[1] < 0.0002  # the lower lip reaches the upper one


def test_an_open_jaw_parts_the_lips(face: Face) -> None:
    gaps = [np.subtract(*face.lip_ridges((("jawOpen", jaw),)))[1] for jaw in (0.3, 0.6, 1.0)]
    assert gaps == sorted(gaps)
    assert gaps[-1] > 0.015


def _seen(face: Face, side: str, expression: Expression) -> np.ndarray:
    """Which vertices of an eyeball the skin leaves free, seen from the front."""
    eye = face.mesh(f"eye {side}")
    centre = eye.positions.mean(axis=0)
    around = face.near("skin", (centre[0] - 0.03, centre[1] - 0.03, 0.0), (centre[0] + 0.03, centre[1] + 0.03, 0.05))
    points = face.all_points(expression)
    ball = points[f"eye {side}"]
    depths = np.nan_to_num(depths_at(points["skin"], around, ball[:, :2]), nan=-1.0)
    return np.asarray((eye.normals[:, 2] > 0.1) & (depths <= ball[:, 2:] + 1e-4).all(axis=1))


BLINKS: list[Expression] = [
    (),
    (("eyeSquint", 1.0),),
    (("eyeWide", 1.0),),
    (("eyeLookDown", 1.0),),
    (("eyeLookUp", 1.0),),
    (("mouthSmile", 1.0), ("cheekSquint", 1.0)),
    (("browInnerUp", 1.0), ("browOuterUp", 1.0)),
]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("beside", BLINKS, ids=lambda face: "+".join(name for name, _ in face) or "alone")
def test_lids_meet_over_the_eye(face: Face, side: str, beside: Expression) -> None:
    assert _seen(face, side, ()).sum() > 60
    assert _seen(face, side, (("eyeBlink", 1.0), *beside)).sum() == 0


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_falling_lid_never_lets_the_eye_through(face: Face, side: str) -> None:
    before = _seen(face, side, ())
    for weight in (0.25, 0.5, 0.75):
        now = _seen(face, side, (("eyeBlink", weight),))
        assert now.sum() < before.sum()
        assert (now & ~before).sum() <= 2  # at the rim of the lower lid, which moves too
        before = now


def test_lids_follow_the_look(face: Face) -> None:
    height = {}
    for look in ("Down", "Up"):
        moved = face.points("skin", (f"eyeLook{look}Left", 1.0))[:, 1] - face.mesh("skin").positions[:, 1]
        height[look] = moved[np.abs(moved).argmax()]
    assert height["Down"] < -0.002
    assert height["Up"] > 0.002


def _teeth_ahead_of_skin(face: Face, expression: Expression) -> int:
    """Vertices of the teeth that have skin close behind them and none before them."""
    around = face.near("skin", (-0.04, -0.11, 0.0), (0.04, -0.03, 0.06))
    points = face.all_points(expression)
    out = 0
    for name in ("upper teeth", "lower teeth"):
        teeth = points[name][::3]
        depths = np.nan_to_num(depths_at(points["skin"], around, teeth[:, :2]), nan=-9.0)
        before = (depths > teeth[:, 2:] - 2e-4).any(axis=1)
        behind = (depths > teeth[:, 2:] - 0.015).any(axis=1)
        out += int((behind & ~before).sum())
    return out


@pytest.mark.parametrize("jaw", [0.0, 0.5])
@pytest.mark.parametrize("wide", ["mouthSmile", "mouthSmileLeft", "mouthStretch", "mouthPucker"])
def test_teeth_stay_behind_the_lips(face: Face, jaw: float, wide: str) -> None:
    for beside in ("mouthUpperUp", "mouthPress"):
        assert _teeth_ahead_of_skin(face, (("jawOpen", jaw), (wide, 1.0), (beside, 1.0))) == 0


@pytest.mark.parametrize("jaw", [0.0, 0.3, 0.6])
def test_the_tongue_passes_between_teeth_and_over_the_lip(face: Face, jaw: float) -> None:
    out = (("tongueOut", 1.0), ("jawOpen", jaw))
    points = face.all_points(out)
    tongue = points["tongue"][np.abs(points["tongue"][:, 0]) < 0.006]
    _, lip = face.lip_ridges(out)
    upper = points["upper teeth"][np.abs(points["upper teeth"][:, 0]) < 0.006]
    assert tongue[:, 2].max() > lip[2] + 0.005
    over_lip = tongue[np.abs(tongue[:, 2] - lip[2]) < 0.003]
    assert over_lip[:, 1].min() > lip[1] - 0.001
    under_teeth = tongue[np.abs(tongue[:, 2] - upper[:, 2].max()) < 0.003]
    assert under_teeth[:, 1].max() < upper[:, 1].min() + 0.001
    assert face.mesh("tongue").positions[:, 2].max() < face.lip_ridges(())[1][2]


WIDE_OPEN: list[Expression] = [
    (("jawOpen", 0.6), ("mouthSmile", 0.6)),
    (("jawOpen", 1.0), ("mouthFunnel", 0.5)),
    (("jawOpen", 0.5), ("mouthPucker", 1.0)),
]


@pytest.mark.parametrize("expression", WIDE_OPEN, ids=lambda face: "+".join(name for name, _ in face))
def test_the_hollow_stays_within_the_cheeks(face: Face, expression: Expression) -> None:
    """Seen from the side: what is hollow lies deeper in the head than the skin before it."""
    points = face.all_points(expression)
    sideways = [2, 1, 0]  # x becomes the depth
    around = face.near("skin", (0.015, -0.14, -0.10), (0.10, -0.02, 0.05))
    hollow = points["hollow"][points["hollow"][:, 0] > 0.02][:, sideways]
    depths = depths_at(points["skin"][:, sideways], around, hollow[:, :2])
    covered = ~np.isnan(depths).all(axis=1)
    assert covered.mean() > 0.9
    assert (np.nanmax(depths[covered], axis=1) > hollow[covered, 2] + 0.0005).all()


@pytest.mark.parametrize("yaw", [0.0, 0.5, -0.6])
def test_no_daylight_shows_through_an_open_mouth(face: Face, yaw: float) -> None:
    pytest.importorskip("numba")
    lip = face.lip_ridges(())[1]
    renderer = open_renderer("cpu")
    renderer.load(face.bundle)
    pose = pose_of((("jawOpen", 0.7), ("mouthStretch", 0.4)))
    pose.head[1] = yaw
    place = (float(np.sin(yaw) * 0.05), float(lip[1]) - 0.012, 0.0)
    image = renderer.draw(pose, Camera((place[0], place[1], 0.7), place, 4.0), (160, 160))
    renderer.close()
    assert image[..., 3].min() == 255
