"""What every bundle must satisfy, however it was made: checked after reading and before writing."""

from __future__ import annotations

import numpy as np

from avatarkit.avatars import limits, metadata
from avatarkit.avatars.bundle import Bundle, Material, Mesh, Morph
from avatarkit.avatars.container import refuse
from avatarkit.frames import ARKIT_INDEX


def check(bundle: Bundle) -> None:
    """Raise ``AvatarError`` (``unsupportedAvatarAsset``) with the reason unless the bundle is sound."""
    metadata.check(bundle.info)
    if not bundle.meshes:
        raise refuse("it holds no mesh")
    for what, found, most in (
        ("meshes", len(bundle.meshes), limits.MESHES),
        ("joints", len(bundle.joints), limits.JOINTS),
        ("textures", len(bundle.textures), limits.TEXTURES),
        ("vertices", sum(len(mesh.positions) for mesh in bundle.meshes), limits.VERTICES),
        ("triangles", sum(len(mesh.triangles) for mesh in bundle.meshes), limits.TRIANGLES),
        ("texture pixels", sum(t.shape[0] * t.shape[1] for t in bundle.textures), limits.TEXTURE_PIXELS),
    ):
        if found > most:
            raise refuse(f"it holds {found} {what}, more than {most}")
    for number, joint in enumerate(bundle.joints):
        # Parents come first, so that there can be no circle.
        if joint.parent is not None and not 0 <= joint.parent < number:
            raise refuse(f"joint '{joint.name}' does not come after its parent")
        if not np.isfinite(joint.position).all():
            raise refuse(f"joint '{joint.name}' is nowhere")
    for texture in bundle.textures:
        if (
            texture.ndim != 3
            or texture.shape[2] not in (3, 4)
            or not 0 < max(texture.shape[:2]) <= limits.TEXTURE_SIDE
        ):
            raise refuse("a texture has a wrong shape")
    for mesh in bundle.meshes:
        _check_mesh(mesh, len(bundle.joints))
        _check_material(mesh.material, len(bundle.textures))


def _check_mesh(mesh: Mesh, joint_count: int) -> None:
    count = len(mesh.positions)
    where = f"mesh '{mesh.name[:80]}'"
    if count == 0 or len(mesh.triangles) == 0:
        raise refuse(f"{where} is empty")
    if mesh.triangles.ndim != 2 or mesh.triangles.shape[1] != 3 or int(mesh.triangles.max()) >= count:
        raise refuse(f"{where} has triangles that point to no vertex")
    for what, array, width in (
        ("positions", mesh.positions, 3),
        ("normals", mesh.normals, 3),
        ("texture coordinates", mesh.uv, 2),
        ("colours", mesh.colors, 4),
        ("joint weights", mesh.joint_weights, 4),
    ):
        if array is None:
            continue
        if array.shape != (count, width) or not np.isfinite(array).all():
            raise refuse(f"{where} has unsound {what}")
    if float(np.abs(mesh.positions).max()) > limits.COORDINATE_M:
        raise refuse(f"{where} is larger than {limits.COORDINATE_M:g} m")
    if mesh.colors is not None and (mesh.colors.min() < 0.0 or mesh.colors.max() > 1.0):
        raise refuse(f"{where} has colours outside 0..1")
    _check_skin(mesh, where, joint_count)
    if len(mesh.morphs) > limits.MORPHS_PER_MESH:
        raise refuse(f"{where} has more than {limits.MORPHS_PER_MESH} shapes")
    for name, morph in mesh.morphs.items():
        if name not in ARKIT_INDEX:
            raise refuse(f"{where} has a shape '{name[:80]}' that is not one of the 52 ARKit shapes")
        _check_morph(morph, f"shape '{name}' of {where}", count)


def _check_skin(mesh: Mesh, where: str, joint_count: int) -> None:
    if (mesh.joints is None) != (mesh.joint_weights is None):
        raise refuse(f"{where} has joints without weights, or weights without joints")
    if mesh.joints is None or mesh.joint_weights is None:
        return
    if mesh.joints.shape != (len(mesh.positions), 4) or int(mesh.joints.max()) >= joint_count:
        raise refuse(f"{where} hangs on a joint that does not exist")
    weights = mesh.joint_weights
    if float(weights.min()) < 0.0 or float(np.abs(weights.sum(axis=1) - 1.0).max()) > 0.02:
        raise refuse(f"{where} has joint weights that do not sum to 1")


def _check_morph(morph: Morph, where: str, count: int) -> None:
    if morph.indices.ndim != 1 or morph.deltas.shape != (len(morph.indices), 3):
        raise refuse(f"{where} has arrays of wrong shape")
    if len(morph.indices) == 0:
        return
    ahead = morph.indices[1:] > morph.indices[:-1]
    if not ahead.all() or int(morph.indices[-1]) >= count:
        raise refuse(f"{where} points to no vertex, or is out of order")
    if not np.isfinite(morph.deltas).all() or float(np.abs(morph.deltas).max()) > limits.COORDINATE_M:
        raise refuse(f"{where} moves vertices out of reach")


def _check_material(material: Material, texture_count: int) -> None:
    for index in (material.texture, material.normal_texture):
        if index is not None and not 0 <= index < texture_count:
            raise refuse(f"material '{material.name[:80]}' uses a texture that does not exist")
    if any(not 0.0 <= value <= 1.0 for value in (*material.base_color, material.roughness)):
        raise refuse(f"material '{material.name[:80]}' has values outside 0..1")
