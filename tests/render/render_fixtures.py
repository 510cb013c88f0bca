"""A small avatar made of spheres, for tests: a head that can open a mouth, eyes, hair, a body."""

from __future__ import annotations

import numpy as np

from avatarkit.avatars.bundle import Bundle, BundleInfo, Joint, Material, MaterialKind, Mesh, Morph
from avatarkit.types import Camera

CAMERA = Camera((0.0, 0.0, 0.9), (0.0, -0.02, 0.0), 24.0)


def sphere(center, radius, rows=24, columns=48, squash=(1.0, 1.0, 1.0)):
    """Positions, normals, texture coordinates and triangles; the seam's vertices are double."""
    latitude = np.linspace(0, np.pi, rows + 1)
    longitude = np.linspace(0, 2 * np.pi, columns + 1)
    la, lo = np.meshgrid(latitude, longitude, indexing="ij")
    unit = np.stack([np.sin(la) * np.sin(lo), np.cos(la), np.sin(la) * np.cos(lo)], -1).reshape(-1, 3)
    squash = np.asarray(squash)
    normals = unit / squash
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    uv = np.stack([lo / (2 * np.pi), la / np.pi], -1).reshape(-1, 2)
    a = (np.arange(rows)[:, None] * (columns + 1) + np.arange(columns)).ravel()
    b, c, d = a + 1, a + columns + 1, a + columns + 2
    triangles = np.concatenate([np.stack([a, c, d], 1), np.stack([a, d, b], 1)])
    positions = np.asarray(center) + unit * squash * radius
    return (
        positions.astype(np.float32),
        normals.astype(np.float32),
        uv.astype(np.float32),
        triangles.astype(np.uint32),
    )


def ball(name, kind, color, center, radius, squash=(1, 1, 1), rows=24, columns=48, **material):
    positions, normals, uv, triangles = sphere(center, radius, rows, columns, squash)
    return Mesh(name, positions, normals, triangles, Material(name, kind, (*color, 1.0), **material), uv)


def head_bundle() -> Bundle:
    """Skin head with ``jawOpen``, two eyes, teeth, a hair cap with an alpha-cut fringe, a textured body."""
    head = ball("head", MaterialKind.SKIN, (0.72, 0.42, 0.31), (0, 0, 0), 0.1, (0.82, 1.15, 0.95), 48, 64)
    low = np.clip((-0.02 - head.positions[:, 1]) / 0.06, 0, 1) * np.clip(head.positions[:, 2] / 0.05, 0, 1)
    moved = np.flatnonzero(low > 0).astype(np.uint32)
    deltas = np.zeros((len(moved), 3), np.float32)
    deltas[:, 1] = -0.03 * low[moved]
    head.morphs["jawOpen"] = Morph(moved, deltas)
    eyes = [
        ball(f"eye{side}", MaterialKind.EYE, (0.8, 0.8, 0.8), (0.032 * side, 0.02, 0.082), 0.014) for side in (-1, 1)
    ]
    hair = ball("hair", MaterialKind.HAIR, (0.09, 0.05, 0.03), (0, 0.03, -0.015), 0.1, (0.9, 1.05, 0.95), 32, 64)
    body = ball("body", MaterialKind.CLOTH, (1, 1, 1), (0, -0.26, -0.02), 0.14, (1.5, 1, 0.8), texture=0)
    fringe = fringe_mesh()
    neck = ball("neck", MaterialKind.SKIN, (0.72, 0.42, 0.31), (0, -0.13, -0.01), 0.05, (1, 1.4, 1))
    still = np.zeros((len(body.positions), 4), np.uint16)
    full = np.tile(np.array([1, 0, 0, 0], np.float32), (len(body.positions), 1))
    body = Mesh(
        body.name, body.positions, body.normals, body.triangles, body.material, body.uv, None, {}, still, full
    )
    info = BundleInfo("Test head", "CC0-1.0", "AvatarKit", camera=CAMERA)
    root, neck_joint = Joint("root", None, (0, -0.3, 0)), Joint("neck", 0, (0, -0.15, -0.02))
    joints = (root, neck_joint, Joint("head", 1, (0, -0.06, -0.02)))
    return Bundle(info, (head, *eyes, hair, body, fringe, neck), joints, (checks(), stripes()))


def fringe_mesh() -> Mesh:
    """A flat card before the forehead whose texture is cut into strips by its alpha."""
    positions = np.array([[-0.05, 0.08, 0.1], [0.05, 0.08, 0.1], [-0.05, 0.045, 0.108], [0.05, 0.045, 0.108]])
    normals = np.tile(np.array([0, 0.2, 0.98], np.float32), (4, 1))
    uv = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
    material = Material("fringe", MaterialKind.HAIR, texture=1, double_sided=True, alpha_cutoff=0.5)
    return Mesh(
        "fringe", positions.astype(np.float32), normals, np.array([[0, 2, 3], [0, 3, 1]], np.uint32), material, uv
    )


def checks() -> np.ndarray:
    image = np.full((64, 64, 3), (40, 70, 120), np.uint8)
    image[(np.add.outer(np.arange(64) // 8, np.arange(64) // 8) % 2) == 1] = (70, 110, 160)
    return image


def stripes() -> np.ndarray:
    image = np.zeros((32, 128, 4), np.uint8)
    image[..., :3] = (70, 45, 30)
    image[:, (np.arange(128) % 16) < 8, 3] = 255
    return image
