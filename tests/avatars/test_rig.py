"""A pose moves what it should, the way the pose's definition says, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from avatarkit.avatars import Bundle, Rig
from avatarkit.avatars.normals import vertex_normals
from avatarkit.avatars.rig import NECK_SHARE
from avatarkit.frames import ARKIT_INDEX, Pose


def _pose(head: dict[int, float] | None = None, **weights: float) -> Pose:
    pose = Pose.neutral()
    for name, value in weights.items():
        pose.weights[ARKIT_INDEX[name]] = value
    for index, value in (head or {}).items():
        pose.head[index] = value
    return pose


def test_rest_is_rest(bundle: Bundle) -> None:
    for (positions, normals), mesh in zip(Rig(bundle).deform(Pose.neutral()), bundle.meshes, strict=True):
        np.testing.assert_array_equal(positions, mesh.positions)
        np.testing.assert_array_equal(normals, mesh.normals)


def test_shapes_add_up_by_weight(bundle: Bundle) -> None:
    positions, _ = Rig(bundle).deform(_pose(jawOpen=0.5, mouthSmileLeft=1.0))[0]
    moved = positions - bundle.meshes[0].positions
    np.testing.assert_allclose(moved[10], [0, -0.01, 0.0005], atol=1e-7)
    np.testing.assert_allclose(moved[13], [0.004, 0.003, -0.002], atol=1e-7)
    assert np.abs(np.delete(moved, [10, 11, 13], axis=0)).max() == 0


def test_calls_do_not_leak_into_each_other(bundle: Bundle) -> None:
    rig = Rig(bundle)
    rig.deform(_pose({0: 0.3}, jawOpen=1.0))
    np.testing.assert_array_equal(rig.deform(Pose.neutral())[0][0], bundle.meshes[0].positions)


def test_normals_follow_a_shape(bundle: Bundle) -> None:
    positions, normals = Rig(bundle).deform(_pose(jawOpen=1.0, mouthSmileLeft=1.0))[0]
    exact = vertex_normals(positions, bundle.meshes[0].triangles)
    unit = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    assert (unit * exact).sum(axis=1).min() > 0.97


@pytest.mark.parametrize(
    ("axis", "check"),
    [
        (0, lambda nose, crown: nose[1] < 0),  # positive pitch nods down
        (1, lambda nose, crown: nose[0] > 0),  # positive yaw turns to the avatar's left, +X
        (2, lambda nose, crown: crown[0] < 0),  # positive roll tips the crown to its right, -X
    ],
)
def test_head_turns_the_right_way(bundle: Bundle, axis: int, check: object) -> None:
    rig = Rig(bundle)
    pivot = rig.arrays.head_pivot
    eye = bundle.meshes[1].positions.mean(axis=0)
    turned = rig.deform(_pose({axis: 0.4}))[1]
    rest = Rig(bundle).deform(Pose.neutral())[1]
    rotation, *_ = np.linalg.lstsq(rest[0] - rest[0].mean(0), turned[0] - turned[0].mean(0), rcond=None)
    nose, crown = np.array([0, 0, 1]) @ rotation, np.array([0, 1, 0]) @ rotation
    assert check(nose, crown)  # type: ignore[operator]
    assert np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)) == pytest.approx(0.4, abs=1e-3)
    assert np.linalg.norm(eye - pivot) > 0


def test_shoulders_stay_and_the_neck_shares_the_turn(bundle: Bundle) -> None:
    positions, _ = Rig(bundle).deform(_pose({1: 0.5}))[0]
    np.testing.assert_array_equal(positions[:6], bundle.meshes[0].positions[:6])
    moved = np.linalg.norm(positions - bundle.meshes[0].positions, axis=1)
    assert 0 < moved[6:10].min() <= moved[6:10].max() < moved[10:].min()


def test_translation_moves_the_head_by_all_of_it(bundle: Bundle) -> None:
    positions, _ = Rig(bundle).deform(_pose({3: 0.01, 4: -0.005}))[1]
    moved = positions - bundle.meshes[1].positions
    np.testing.assert_allclose(moved, np.tile([0.01, -0.005, 0], (8, 1)), atol=1e-6)
    skin = Rig(bundle).deform(_pose({3: 0.01}))[0][0] - bundle.meshes[0].positions
    np.testing.assert_allclose(skin[7], [0.5 * NECK_SHARE * 0.01, 0, 0], atol=1e-6)


def test_avatar_without_skeleton_turns_as_a_whole(bundle: Bundle) -> None:
    bare = dataclasses.replace(bundle, meshes=bundle.meshes[1:], joints=(), textures=())
    positions, _ = Rig(bare).deform(_pose({4: 0.02}))[0]
    np.testing.assert_allclose(positions[:, 1] - bundle.meshes[1].positions[:, 1], 0.02, atol=1e-6)


def test_arrays_describe_the_whole_avatar(bundle: Bundle) -> None:
    arrays = Rig(bundle).arrays
    assert arrays.vertex_starts.tolist() == [0, 18, 26]
    assert arrays.triangle_starts.tolist() == [0, 16, 28]
    assert arrays.triangles[16:].min() >= 18
    jaw = slice(*arrays.morph_starts[ARKIT_INDEX["jawOpen"] : ARKIT_INDEX["jawOpen"] + 2])
    assert set(arrays.morph_indices[jaw]) >= {10, 11}
    eye = slice(*arrays.morph_starts[ARKIT_INDEX["eyeLookUpLeft"] : ARKIT_INDEX["eyeLookUpLeft"] + 2])
    assert arrays.morph_indices[eye].tolist() == list(range(18, 26))
    assert (arrays.neck_weights + arrays.head_weights).max() <= 1.0


def test_empty_bundle_is_refused(bundle: Bundle) -> None:
    with pytest.raises(ValueError, match="no mesh"):
        Rig(dataclasses.replace(bundle, meshes=()))
