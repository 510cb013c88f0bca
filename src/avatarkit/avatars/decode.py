"""A GLB document as a bundle: our own files and any other GLB with ARKit-named shapes."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import fields, limits, metadata
from avatarkit.avatars.accessors import AccessorReader
from avatarkit.avatars.bundle import Bundle, IndexArray, Mesh, Morph
from avatarkit.avatars.container import Json, refuse
from avatarkit.avatars.names import arkit_name, viseme_name
from avatarkit.avatars.normals import vertex_normals
from avatarkit.avatars.scene import Placed, Scene
from avatarkit.avatars.surfaces import SurfaceReader
from avatarkit.avatars.visemes import shapes_from_visemes
from avatarkit.frames import ARKIT_INDEX, FloatArray

_EXTENSIONS: Final = {
    "KHR_mesh_quantization", "KHR_materials_unlit", "EXT_texture_webp", "KHR_materials_specular", "KHR_materials_ior",
    "KHR_materials_emissive_strength", "KHR_materials_clearcoat", "KHR_materials_sheen",
}  # fmt: skip
"""Required extensions that can be met."""
_TRIANGLES: Final = 4


class Decoder:
    """Reads one document."""

    def __init__(self, document: Json, binary: memoryview) -> None:
        self._document = document
        needed = document.get("extensionsRequired", [])
        if not isinstance(needed, list) or not all(isinstance(name, str) for name in needed):
            raise refuse("'extensionsRequired' is not a list of names")
        foreign = sorted(set(needed) - _EXTENSIONS)
        if foreign:
            raise refuse(f"it needs the glTF extension {foreign[0][:80]}, which is not supported")
        self._check_buffers(binary)
        self.ours = metadata.is_ours(document)
        """Whether the file carries our metadata."""
        self._reader = AccessorReader(document, binary)
        self._meshes = fields.objects(document, "meshes")
        self.left_out: set[str] = set()
        """After :meth:`decode`: what of somebody else's file could not be taken over, in words."""
        self._surfaces = SurfaceReader(document, self._reader, ours=self.ours, left_out=self.left_out)
        named = [self._shape_names(mesh) for mesh in self._meshes]
        if sum(map(len, named)) > limits.SHAPE_NAMES:
            raise refuse(f"it names more than {limits.SHAPE_NAMES} shapes")
        # Visemes are needed only where the jaw has no shape of its own.
        self._speaks_visemes = not any(arkit_name(name) == "jawOpen" for names in named for name in names)
        self.from_visemes = False
        """After :meth:`decode`: whether shapes were made from visemes."""
        self._vertices_left = limits.VERTICES
        self._triangles_left = limits.TRIANGLES

    def decode(self) -> Bundle:
        """The bundle. Raises ``AvatarError`` with the reason when the file cannot be used."""
        info = metadata.from_json(self._document)
        scene = Scene(self._document, self._reader)
        meshes: list[Mesh] = []
        for placed in scene.placed():
            meshes += self._place(placed, scene)
            if len(meshes) > limits.MESHES:
                raise refuse(f"it holds more than {limits.MESHES} meshes")
        if not self.ours and not any(mesh.morphs for mesh in meshes):
            raise refuse("no mesh has a shape with an ARKit name, nor visemes to make them from")
        return Bundle(info, tuple(meshes), scene.joints, self._surfaces.load_textures())

    def _check_buffers(self, binary: memoryview) -> None:
        buffers = fields.objects(self._document, "buffers")
        if len(buffers) > 1 or any("uri" in item for item in buffers):
            raise refuse("it uses data outside the file")
        if buffers and fields.whole(buffers[0], "byteLength", low=1) > len(binary):
            raise refuse("its data is cut off")

    def _place(self, placed: Placed, scene: Scene) -> list[Mesh]:
        mesh = self._meshes[fields.index(placed.node, "mesh", self._meshes)]
        name = fields.text(placed.node, "name", fields.text(mesh, "name", "mesh", longest=1000), longest=1000)
        shape_names = self._shape_names(mesh)
        out: list[Mesh] = []
        primitives = fields.objects(mesh, "primitives")
        if len(primitives) > limits.MESHES:
            raise refuse(f"a mesh has more than {limits.MESHES} parts")
        for number, primitive in enumerate(primitives):
            if fields.whole(primitive, "mode", default=_TRIANGLES) != _TRIANGLES:
                continue  # points and lines are not part of a face
            if not self.ours and self._surfaces.is_glass(primitive):
                continue
            part = self._primitive(primitive, name if number == 0 else f"{name} {number + 1}", shape_names)
            out.append(self._at_rest(part, placed, scene, primitive))
        return out

    def _primitive(self, primitive: Json, name: str, shape_names: list[str]) -> Mesh:
        attributes = fields.obj(primitive, "attributes")
        accessors = self._reader.accessors
        position = fields.index(attributes, "POSITION", accessors)
        count = self._reader.count(position)
        self._vertices_left -= count
        if self._vertices_left < 0:
            raise refuse(f"it holds more than {limits.VERTICES} vertices")
        positions = self._reader.floats(position, 3)
        triangles = self._triangles(primitive, count)

        def optional(attribute: str, width: int) -> FloatArray | None:
            index = fields.optional_index(attributes, attribute, accessors)
            if index is None:
                return None
            if self._reader.count(index) != count:
                raise refuse(f"{attribute} has another length than POSITION")
            return self._reader.floats(index, width)

        colors = None
        if "COLOR_0" in attributes:
            index = fields.index(attributes, "COLOR_0", accessors)
            four = accessors[index].get("type") == "VEC4"
            found = optional("COLOR_0", 4 if four else 3)
            assert found is not None
            colors = (found if four else np.column_stack([found, np.ones(count, np.float32)])).clip(0.0, 1.0)
        normals = optional("NORMAL", 3)
        return Mesh(
            name=name,
            positions=positions,
            normals=vertex_normals(positions, triangles) if normals is None else normals,
            triangles=triangles,
            material=self._surfaces.read(primitive, name),
            uv=optional("TEXCOORD_0", 2),
            colors=colors,
            morphs=self._morphs(primitive, shape_names, positions),
            joint_weights=optional("WEIGHTS_0", 4),
        )

    def _triangles(self, primitive: Json, count: int) -> IndexArray:
        index = fields.optional_index(primitive, "indices", self._reader.accessors)
        length = count if index is None else self._reader.count(index)
        self._triangles_left -= length // 3
        if length % 3 or self._triangles_left < 0:
            raise refuse("its triangles are incomplete or too many")
        if index is None:
            return np.arange(count, dtype=np.uint32).reshape(-1, 3)
        triangles = self._reader.integers(index, 1).astype(np.uint32).reshape(-1, 3)
        if int(triangles.max()) >= count:
            raise refuse("a triangle points to no vertex")
        return triangles

    def _shape_names(self, mesh: Json) -> list[str]:
        holders = [mesh, *fields.objects(mesh, "primitives")[:1]]  # some programs name them at the first part
        extras = (fields.obj(holder, "extras") for holder in holders)
        names: Any = next((own["targetNames"] for own in extras if "targetNames" in own), [])
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise refuse("'targetNames' is not a list of names")
        if self.ours and (unknown := next((name for name in names if name not in ARKIT_INDEX), None)) is not None:
            raise refuse(f"its shape '{unknown[:80]}' is not one of the 52 ARKit shapes")
        return names

    def _morphs(self, primitive: Json, names: list[str], positions: FloatArray) -> dict[str, Morph]:
        targets, count = fields.objects(primitive, "targets"), len(positions)
        if len(targets) > limits.MORPHS_PER_MESH or (names and len(names) != len(targets)):
            raise refuse("it has too many shapes, or shapes without names")
        out: dict[str, Morph] = {}
        visemes: dict[str, Morph] = {}
        for name, target in zip(names, targets, strict=False):
            index = fields.optional_index(target, "POSITION", self._reader.accessors)
            known = name if name in ARKIT_INDEX else arkit_name(name)
            viseme = viseme_name(name) if known is None and self._speaks_visemes else None
            key = known or viseme
            if key is None or index is None or key in out or key in visemes:
                continue  # other people's rigs also carry shapes of their own
            if self._reader.count(index) != count:
                raise refuse(f"shape '{name[:80]}' has another length than its mesh")
            where, deltas = self._reader.sparse_floats(index)
            if len(where):
                (visemes if known is None else out)[key] = Morph(where, deltas)
        if not visemes:
            return out
        self.from_visemes = True
        return shapes_from_visemes(visemes, positions) | out

    def _at_rest(self, mesh: Mesh, placed: Placed, scene: Scene, primitive: Json) -> Mesh:
        """The mesh in avatar space, with its joints numbered as in the bundle."""
        count = len(mesh.positions)
        skin = fields.optional_index(placed.node, "skin", scene.skins)
        joints: npt.NDArray[np.uint16] | None = None
        weights: FloatArray | None = None
        matrices = np.broadcast_to(placed.world, (1, 4, 4))
        if skin is not None and mesh.joint_weights is not None:
            numbers, rest = scene.skin(skin)
            index = fields.index(fields.obj(primitive, "attributes"), "JOINTS_0", self._reader.accessors)
            slots = self._reader.integers(index, 4)
            weights = _normalised(mesh.joint_weights)
            slots = np.where(weights > 0.0, slots, 0)
            if len(slots) != count or int(slots.max()) >= len(numbers):
                raise refuse("a vertex hangs on a joint that does not exist")
            joints = numbers[slots]
            # Of joints that all move the mesh alike at rest, as they should, the mean is any one's.
            alike = bool((rest == rest[slots[0, 0]]).all())
            matrices = rest[slots[:1, 0]] if alike else np.einsum("nk,nkij->nij", weights, rest[slots])
        elif placed.joint is not None and scene.joints[placed.joint].name.lower() != "head":
            joints = np.zeros((count, 4), np.uint16)
            joints[:, 0] = placed.joint
            weights = np.zeros((count, 4), np.float32)
            weights[:, 0] = 1.0
        return _moved(mesh, matrices, joints, weights)


def _normalised(weights: FloatArray) -> FloatArray:
    if float(weights.min()) < 0.0:
        raise refuse("a joint weight is negative")
    total = weights.sum(axis=1, keepdims=True)
    if float(total.min()) < 1e-3:
        raise refuse("a vertex hangs on no joint")
    shares: FloatArray = (weights / total).astype(np.float32)
    return shares


def _turned(matrices: npt.NDArray[np.floating[Any]], vectors: FloatArray) -> npt.NDArray[np.float64]:
    """Vectors (n, 3) by one matrix (1, 3, 3) or one for each (n, 3, 3)."""
    alike = len(matrices) == 1
    out: npt.NDArray[np.float64] = vectors @ matrices[0].T if alike else np.einsum("nij,nj->ni", matrices, vectors)
    return out


def _moved(
    mesh: Mesh,
    matrices: npt.NDArray[np.float64],
    joints: npt.NDArray[np.uint16] | None,
    weights: FloatArray | None,
) -> Mesh:
    """The mesh moved by one matrix (1, 4, 4) or one for each vertex (n, 4, 4)."""
    turn = matrices[:, :3, :3]
    determinant = np.linalg.det(turn)
    if float(np.abs(determinant).min()) < 1e-18:
        raise refuse("a node flattens its mesh")
    cofactor = np.linalg.inv(turn).transpose(0, 2, 1)
    normals = _turned(cofactor, mesh.normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    positions = _turned(turn, mesh.positions)
    morphs = {}
    for name, morph in mesh.morphs.items():
        chosen = turn if len(turn) == 1 else turn[morph.indices]
        morphs[name] = Morph(morph.indices, _turned(chosen, morph.deltas).astype(np.float32))
    mirrored = 2 * int(np.count_nonzero(determinant < 0.0)) > len(determinant)
    return Mesh(
        name=mesh.name,
        positions=(positions + matrices[:, :3, 3]).astype(np.float32),
        normals=normals.astype(np.float32),
        triangles=mesh.triangles[:, ::-1].copy() if mirrored else mesh.triangles,
        material=mesh.material,
        uv=mesh.uv,
        colors=mesh.colors,
        morphs=morphs,
        joints=joints,
        joint_weights=weights,
    )
