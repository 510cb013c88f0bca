"""A bundle as a GLB document: core glTF 2.0 plus ``KHR_mesh_quantization``."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import metadata, textures
from avatarkit.avatars.bundle import Bundle, Joint, Material, MaterialKind, Mesh
from avatarkit.avatars.container import Json

_TYPES: Final = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_CODES: Final = {"int8": 5120, "uint8": 5121, "int16": 5122, "uint16": 5123, "uint32": 5125, "float32": 5126}
_SHORT: Final = 32767
_VERTEX_TARGET: Final = 34962
_INDEX_TARGET: Final = 34963
_FINE_NORMALS: Final = (MaterialKind.EYE,)
"""Surfaces with a sharp highlight, where 8-bit normals would show."""

Array = npt.NDArray[Any]


class Encoder:
    """Collects the parts of one document."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._views: list[Json] = []
        self._accessors: list[Json] = []
        self._blobs: list[bytes] = []
        self._length = 0
        self._materials: dict[Material, int] = {}

    def encode(self) -> tuple[Json, bytes]:
        """The JSON document and the binary chunk. The same bundle gives the same result."""
        bundle = self._bundle
        joints = bundle.joints
        nodes = [_joint_node(joint, joints) for joint in joints]
        head = next((i for i, joint in enumerate(joints) if joint.name == "head"), None)
        for number, joint in enumerate(joints):
            if joint.parent is not None:
                nodes[joint.parent].setdefault("children", []).append(number)
        roots = [i for i, joint in enumerate(joints) if joint.parent is None]
        meshes: list[Json] = []
        for mesh in bundle.meshes:
            node, body = self._mesh(mesh, head)
            node["mesh"] = len(meshes)
            meshes.append(body)
            if mesh.joints is None and head is not None:
                nodes[head].setdefault("children", []).append(len(nodes))
            else:
                roots.append(len(nodes))
            nodes.append(node)
        document: Json = {
            "asset": {
                "version": "2.0",
                "generator": "AvatarKit",
                "copyright": f"{bundle.info.author} ({bundle.info.license})",
                "extras": {"avatarkit": metadata.to_json(bundle.info)},
            },
            "extensionsUsed": ["KHR_mesh_quantization"],
            "extensionsRequired": ["KHR_mesh_quantization"],
            "scene": 0,
            "scenes": [{"name": bundle.info.name, "nodes": roots}],
            "nodes": nodes,
            "meshes": meshes,
            "materials": [_material(material) for material in self._materials],
        }
        if joints:
            document["skins"] = [self._skin()]
        if bundle.textures:
            document["images"] = [self._image(pixels) for pixels in bundle.textures]
            document["samplers"] = [{"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497}]
            document["textures"] = [{"sampler": 0, "source": i} for i in range(len(bundle.textures))]
        document["accessors"] = self._accessors
        document["bufferViews"] = self._views
        document["buffers"] = [{"byteLength": self._length}]
        return document, b"".join(self._blobs)

    def _mesh(self, mesh: Mesh, head: int | None) -> tuple[Json, Json]:
        node: Json = {"name": mesh.name}
        if mesh.joints is None:
            centre, reach = _box(mesh.positions)
            stored: Array = np.rint((mesh.positions - centre) / reach * _SHORT).astype(np.int16)
            pivot = np.zeros(3) if head is None else np.array(self._bundle.joints[head].position)
            node["translation"] = [float(x) for x in centre - pivot]
            node["scale"] = [reach] * 3
            positions = self._vertices(stored, normalized=True, bounds=True)
        else:
            # A skinned node's own transform is ignored, so its positions stay in metres: steps of 0.03 mm.
            reach = 1.0
            node["skin"] = 0
            near = float(np.abs(mesh.positions).max()) <= 1.0
            metres = np.rint(mesh.positions * _SHORT).astype(np.int16) if near else mesh.positions.astype(np.float32)
            positions = self._vertices(metres, normalized=near, bounds=True)
        attributes: Json = {"POSITION": positions}
        bits = _SHORT if mesh.material.kind in _FINE_NORMALS else 127
        kind = np.int8 if bits == 127 else np.int16
        attributes["NORMAL"] = self._vertices(
            np.rint(mesh.normals * bits).clip(-bits, bits).astype(kind), normalized=True
        )
        if mesh.uv is not None:
            inside = mesh.uv.min() >= 0.0 and mesh.uv.max() <= 1.0
            uv: Array = np.rint(mesh.uv * 65535).astype(np.uint16) if inside else mesh.uv.astype(np.float32)
            attributes["TEXCOORD_0"] = self._vertices(uv, normalized=bool(inside))
        if mesh.colors is not None:
            attributes["COLOR_0"] = self._vertices(np.rint(mesh.colors * 255).astype(np.uint8), normalized=True)
        if mesh.joints is not None and mesh.joint_weights is not None:
            shares = _weight_bytes(mesh.joint_weights)
            used = np.where(shares > 0, mesh.joints, 0)  # a joint without weight is 0 (glTF 2.0, 3.7.3.3)
            small = int(used.max()) < 256
            attributes["JOINTS_0"] = self._vertices(used.astype(np.uint8 if small else np.uint16))
            attributes["WEIGHTS_0"] = self._vertices(shares, normalized=True)
        primitive: Json = {
            "attributes": attributes,
            "indices": self._indices(mesh.triangles, len(mesh.positions)),
            "material": self._materials.setdefault(mesh.material, len(self._materials)),
        }
        body: Json = {"name": mesh.name, "primitives": [primitive]}
        names, targets = self._morphs(mesh, reach)
        if names:
            primitive["targets"] = targets
            body["extras"] = {"targetNames": names}
        return node, body

    def _morphs(self, mesh: Mesh, reach: float) -> tuple[list[str], list[Json]]:
        count = len(mesh.positions)
        index_type = np.uint16 if count <= 65536 else np.uint32
        names: list[str] = []
        shapes: list[tuple[Array, Array]] = []
        for name, morph in mesh.morphs.items():
            deltas = np.rint(morph.deltas / reach * _SHORT).clip(-_SHORT, _SHORT).astype(np.int16)
            moved = np.any(deltas != 0, axis=1)
            if moved.any():
                names.append(name)
                shapes.append((morph.indices[moved].astype(index_type), deltas[moved]))
        if not names:
            return names, []
        index_view, index_offsets = self._view([where for where, _ in shapes])
        value_view, value_offsets = self._view([values for _, values in shapes])
        targets: list[Json] = []
        for (where, values), index_at, value_at in zip(shapes, index_offsets, value_offsets, strict=True):
            full = len(where) == count
            accessor: Json = {
                "componentType": 5122,
                "normalized": True,
                "count": count,
                "type": "VEC3",
                "min": _ints(values.min(axis=0) if full else np.minimum(values.min(axis=0), 0)),
                "max": _ints(values.max(axis=0) if full else np.maximum(values.max(axis=0), 0)),
                "sparse": {
                    "count": len(where),
                    "indices": {
                        "bufferView": index_view,
                        "byteOffset": index_at,
                        "componentType": _CODES[where.dtype.name],
                    },
                    "values": {"bufferView": value_view, "byteOffset": value_at},
                },
            }
            self._accessors.append(accessor)
            targets.append({"POSITION": len(self._accessors) - 1})
        return names, targets

    def _skin(self) -> Json:
        matrices = np.tile(np.eye(4, dtype=np.float32), (len(self._bundle.joints), 1, 1))
        for matrix, joint in zip(matrices, self._bundle.joints, strict=True):
            matrix[3, :3] = -np.array(joint.position, np.float32)  # column-major: the translation is the last row
        view, _ = self._view([matrices.reshape(-1, 16)])
        accessor = self._accessor(view, matrices.reshape(-1, 16), normalized=False)
        return {"joints": list(range(len(self._bundle.joints))), "inverseBindMatrices": accessor}

    def _image(self, pixels: npt.NDArray[np.uint8]) -> Json:
        mime, data = textures.encode(pixels)
        view, _ = self._view([np.frombuffer(data, np.uint8)])
        return {"mimeType": mime, "bufferView": view}

    def _indices(self, triangles: Array, count: int) -> int:
        flat = triangles.reshape(-1, 1).astype(np.uint16 if count <= 65535 else np.uint32)
        view, _ = self._view([flat], target=_INDEX_TARGET)
        return self._accessor(view, flat, normalized=False)

    def _vertices(self, values: Array, *, normalized: bool = False, bounds: bool = False) -> int:
        row = values.itemsize * values.shape[1]
        stride = row + (-row % 4)  # each element starts on four bytes (glTF 2.0, 3.6.2.4)
        padded = np.zeros((len(values), stride), np.uint8)
        padded[:, :row] = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), row)
        view, _ = self._view([padded], target=_VERTEX_TARGET, stride=stride)
        return self._accessor(view, values, normalized=normalized, bounds=bounds)

    def _accessor(self, view: int, values: Array, *, normalized: bool, bounds: bool = False) -> int:
        accessor: Json = {
            "bufferView": view,
            "componentType": _CODES[values.dtype.name],
            "count": len(values),
            "type": _TYPES[values.shape[1]],
        }
        if normalized:
            accessor["normalized"] = True
        if bounds:
            as_json = _ints if values.dtype.kind == "i" else _floats
            accessor["min"], accessor["max"] = as_json(values.min(axis=0)), as_json(values.max(axis=0))
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def _view(
        self, arrays: list[Array], *, target: int | None = None, stride: int | None = None
    ) -> tuple[int, list[int]]:
        """One buffer view holding the arrays one after the other; its index and each array's byte offset."""
        blobs = [np.ascontiguousarray(array).tobytes() for array in arrays]
        offsets = [0, *np.cumsum([len(blob) for blob in blobs]).tolist()]
        view: Json = {"buffer": 0, "byteOffset": self._length, "byteLength": offsets[-1]}
        if stride is not None:
            view["byteStride"] = stride
        if target is not None:
            view["target"] = target
        self._views.append(view)
        padding = -offsets[-1] % 4
        self._blobs += [*blobs, b"\0" * padding]
        self._length += offsets[-1] + padding
        return len(self._views) - 1, offsets[:-1]


def _joint_node(joint: Joint, joints: tuple[Joint, ...]) -> Json:
    parent = np.zeros(3) if joint.parent is None else np.array(joints[joint.parent].position)
    return {"name": joint.name, "translation": [float(x) for x in np.array(joint.position) - parent]}


def _material(material: Material) -> Json:
    surface: Json = {
        "baseColorFactor": list(material.base_color),
        "metallicFactor": 0.0,
        "roughnessFactor": material.roughness,
    }
    if material.texture is not None:
        surface["baseColorTexture"] = {"index": material.texture}
    out: Json = {"name": material.name, "pbrMetallicRoughness": surface}
    if material.normal_texture is not None:
        out["normalTexture"] = {"index": material.normal_texture}
    if material.double_sided:
        out["doubleSided"] = True
    if material.alpha_cutoff is not None:
        out["alphaMode"], out["alphaCutoff"] = "MASK", material.alpha_cutoff
    out["extras"] = metadata.material_extras(material.kind.value)
    return out


def _box(positions: Array) -> tuple[npt.NDArray[np.float64], float]:
    low, high = positions.min(axis=0).astype(float), positions.max(axis=0).astype(float)
    return (low + high) / 2, max(float((high - low).max()) / 2, 1e-6)


def _weight_bytes(weights: Array) -> npt.NDArray[np.uint8]:
    """Weights as bytes whose rows sum to 255 exactly, as glTF wants: the largest takes the rounding."""
    out: npt.NDArray[np.int32] = np.rint(weights * 255).astype(np.int32)
    rows = np.arange(len(out))
    out[rows, out.argmax(axis=1)] += 255 - out.sum(axis=1)
    result: npt.NDArray[np.uint8] = out.astype(np.uint8)
    return result


def _ints(values: Array) -> list[int]:
    return [int(x) for x in values]


def _floats(values: Array) -> list[float]:
    return [float(x) for x in values]
