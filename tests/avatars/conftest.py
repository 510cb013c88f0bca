"""A small avatar: a skinned sheet that bends, a rigid box with a shape, and a texture."""

from __future__ import annotations

import numpy as np
import pytest

from avatarkit.avatars import Bundle, BundleInfo, Joint, Material, MaterialKind, Mesh, Morph
from avatarkit.types import Camera


def _sheet() -> Mesh:
    heights = np.linspace(-0.3, 0.1, 9)
    positions = np.array([(x, y, 0.02) for y in heights for x in (-0.05, 0.05)], np.float32)
    rows = np.arange(8)[:, None] * 2
    triangles = np.concatenate([rows + np.array(corners) for corners in ((0, 1, 3), (0, 3, 2))]).astype(np.uint32)
    joints = np.tile(np.array([0, 1, 2, 0], np.uint16), (18, 1))
    weights = np.zeros((18, 4), np.float32)
    weights[:6, 0] = 1.0
    weights[6:10, :2] = 0.5
    weights[10:, 2] = 1.0
    return Mesh(
        name="skin",
        positions=positions,
        normals=np.tile(np.array([0, 0, 1], np.float32), (18, 1)),
        triangles=triangles,
        material=Material("skin", MaterialKind.SKIN, (0.8, 0.6, 0.5, 1.0), 0.5, texture=0),
        uv=np.column_stack([positions[:, 0] * 5 + 0.5, np.linspace(0, 1, 18)]).astype(np.float32),
        colors=np.column_stack([np.linspace(0, 1, 18)] * 3 + [np.ones(18)]).astype(np.float32),
        morphs={
            "jawOpen": Morph(
                np.array([10, 11], np.uint32), np.array([[0, -0.02, 0.001], [0, -0.02, 0.001]], np.float32)
            ),
            "mouthSmileLeft": Morph(np.array([13], np.uint32), np.array([[0.004, 0.003, -0.002]], np.float32)),
        },
        joints=joints,
        joint_weights=weights,
    )


def _box() -> Mesh:
    corners = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32) * 0.02 + 0.03
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    triangles = np.array([t for a, b, c, d in faces for t in ((a, b, c), (a, c, d))], np.uint32)
    outward = corners - corners.mean(axis=0)
    return Mesh(
        name="eye",
        positions=corners,
        normals=(outward / np.linalg.norm(outward, axis=1, keepdims=True)).astype(np.float32),
        triangles=triangles,
        material=Material("eye", MaterialKind.EYE, roughness=0.1, double_sided=True, alpha_cutoff=0.5),
        morphs={"eyeLookUpLeft": Morph(np.arange(8, dtype=np.uint32), np.full((8, 3), 0.0015, np.float32))},
    )


@pytest.fixture
def bundle() -> Bundle:
    rng = np.random.default_rng(0)
    return Bundle(
        info=BundleInfo(
            "Test", "CC0-1.0", "Someone", version=3, camera=Camera((0.0, 0.1, 0.8), (0.0, 0.0, 0.0), 30.0),
            background=(0.25, 0.5, 0.75),
        ),
        meshes=(_sheet(), _box()),
        joints=(
            Joint("root", None, (0.0, -0.3, 0.0)),
            Joint("neck", 0, (0.0, -0.15, -0.1)),
            Joint("head", 1, (0.0, -0.05, -0.07)),
        ),
        textures=(np.repeat(np.repeat(rng.integers(0, 255, (2, 2, 3), np.uint8), 16, 0), 16, 1),),
    )  # fmt: skip
