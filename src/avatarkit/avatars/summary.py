"""What is in a bundle, for people and for the library's records."""

from __future__ import annotations

from dataclasses import dataclass

from avatarkit.avatars.bundle import Bundle, BundleInfo
from avatarkit.frames import ARKIT_NAMES


@dataclass(frozen=True, slots=True)
class MeshSummary:
    """One part of an avatar."""

    name: str
    kind: str
    vertices: int
    triangles: int
    shapes: int


@dataclass(frozen=True, slots=True)
class BundleSummary:
    """What :func:`describe` found."""

    info: BundleInfo
    meshes: tuple[MeshSummary, ...]
    vertices: int
    triangles: int
    shapes_present: tuple[str, ...]
    """ARKit shapes that move something, in ARKit order."""
    shapes_missing: tuple[str, ...]
    joints: tuple[str, ...]
    textures: tuple[tuple[int, int], ...]
    """Width and height of each, pixels."""
    size_bytes: int | None
    """Size of the file, when it was given."""


def describe(bundle: Bundle, size_bytes: int | None = None) -> BundleSummary:
    """Summarise a bundle; ``size_bytes`` is the size of its file, if known."""
    moving = {name for mesh in bundle.meshes for name in mesh.morphs}
    meshes = tuple(
        MeshSummary(mesh.name, mesh.material.kind.value, len(mesh.positions), len(mesh.triangles), len(mesh.morphs))
        for mesh in bundle.meshes
    )
    return BundleSummary(
        info=bundle.info,
        meshes=meshes,
        vertices=sum(mesh.vertices for mesh in meshes),
        triangles=sum(mesh.triangles for mesh in meshes),
        shapes_present=tuple(name for name in ARKIT_NAMES if name in moving),
        shapes_missing=tuple(name for name in ARKIT_NAMES if name not in moving),
        joints=tuple(joint.name for joint in bundle.joints),
        textures=tuple((texture.shape[1], texture.shape[0]) for texture in bundle.textures),
        size_bytes=size_bytes,
    )
