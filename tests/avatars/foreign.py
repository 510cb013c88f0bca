"""GLB files as other programs write them: dense float32 shapes, names and units of their own, no metadata of ours."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from avatarkit.avatars.container import pack

_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_CODES = {"uint8": 5121, "uint16": 5123, "float32": 5126}


class ForeignFile:
    """Collects accessors; :meth:`face` makes the usual file: a skinned head with shapes, eyes of their own."""

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0", "generator": "Elsewhere"},
            "scene": 0,
            "scenes": [{"nodes": []}],
            "nodes": [],
            "meshes": [],
            "materials": [],
            "accessors": [],
            "bufferViews": [],
        }
        self._blob = b""

    def bytes(self) -> bytes:
        """The file."""
        self.document["buffers"] = [{"byteLength": len(self._blob)}]
        return pack(self.document, self._blob)

    def view(self, data: bytes) -> int:
        """A buffer view."""
        self._blob += b"\0" * (-len(self._blob) % 4)
        self.document["bufferViews"].append({"buffer": 0, "byteOffset": len(self._blob), "byteLength": len(data)})
        self._blob += data
        return len(self.document["bufferViews"]) - 1

    def accessor(self, values: np.ndarray) -> int:
        """An accessor of (n, k) values."""
        view = self.view(np.ascontiguousarray(values).tobytes())
        self.document["accessors"].append(
            {
                "bufferView": view,
                "componentType": _CODES[values.dtype.name],
                "count": len(values),
                "type": _TYPES[values.shape[1]],
            }
        )
        return len(self.document["accessors"]) - 1

    def mesh(
        self,
        name: str,
        positions: np.ndarray,
        shapes: Sequence[tuple[str, np.ndarray]] = (),
        *,
        material: dict[str, Any] | None = None,
        named_at_part: bool = False,
        **attributes: np.ndarray,
    ) -> dict[str, Any]:
        """A mesh of quads (four vertices each) and the node that shows it, which is returned."""
        corners = np.arange(len(positions), dtype=np.uint16).reshape(-1, 4)
        triangles = corners[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 1)
        part: dict[str, Any] = {
            "attributes": {"POSITION": self.accessor(positions.astype(np.float32))}
            | {key: self.accessor(values) for key, values in attributes.items()},
            "indices": self.accessor(triangles),
        }
        body: dict[str, Any] = {"name": name, "primitives": [part]}
        if shapes:
            part["targets"] = [{"POSITION": self.accessor(deltas.astype(np.float32))} for _, deltas in shapes]
            (part if named_at_part else body)["extras"] = {"targetNames": [shape for shape, _ in shapes]}
        if material is not None:
            part["material"] = len(self.document["materials"])
            self.document["materials"].append(material)
        node = {"name": name, "mesh": len(self.document["meshes"])}
        self.document["meshes"].append(body)
        return node

    def picture(self, pixels: np.ndarray, kind: str = "PNG") -> int:
        """A texture; returns its index."""
        from PIL import Image

        out = io.BytesIO()
        Image.fromarray(pixels).save(out, kind)
        images = self.document.setdefault("images", [])
        images.append({"mimeType": f"image/{kind.lower()}", "bufferView": self.view(out.getvalue())})
        texture: dict[str, Any] = {"source": len(images) - 1}
        if kind == "WEBP":
            texture = {"extensions": {"EXT_texture_webp": texture}}
        self.document.setdefault("textures", []).append(texture)
        return len(self.document["textures"]) - 1


def quads(centre: tuple[float, float, float], size: float, count: int = 9) -> np.ndarray:
    """Separate squares in a grid, facing +Z: (4 * count * count, 3)."""
    steps = np.linspace(-size / 2, size / 2, count)
    corner = np.array([(-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0)]) * size / count / 2
    middles = np.array([(x, y, 0.0) for y in steps for x in steps])
    return (middles[:, None] + corner + np.array(centre)).reshape(-1, 3)


def face_file(
    names: Sequence[str],
    *,
    scale: float = 1.0,
    joints: Sequence[str] = ("mixamorig:Neck", "mixamorig:Head"),
    named_at_part: bool = False,
) -> ForeignFile:
    """A face 0.14 m high at the height of a standing person, times ``scale``, whose shapes each lift one row.

    The shape of number ``i`` lifts row ``i % 9`` by 10 mm (times ``scale``); the face hangs on the last joint.
    """
    file = ForeignFile()
    face = quads((0.0, 1.6, 0.08), 0.14) * scale
    shapes = []
    for number, name in enumerate(names):
        deltas = np.zeros_like(face)
        row = np.arange(len(face)) // 36 == number % 9
        deltas[row, 2] = 0.01 * scale
        shapes.append((name, deltas))
    count = len(face)
    slots = np.zeros((count, 4), np.uint8)
    slots[:, 0] = len(joints) - 1
    weights = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    head = file.mesh(
        "Wolf3D_Head",
        face,
        shapes,
        material={"name": "Wolf3D_Skin"},
        named_at_part=named_at_part,
        JOINTS_0=slots,
        WEIGHTS_0=weights,
    )
    head["skin"] = 0
    nodes = file.document["nodes"]
    for number, name in enumerate(joints):
        nodes.append({"name": name, "translation": [0.0, (1.45 if number == 0 else 0.1) * scale, 0.0]})
        if number:
            nodes[number - 1]["children"] = [number]
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(joints), 1, 1))
    height = 0.0
    for number in range(len(joints)):
        height += (1.45 if number == 0 else 0.1) * scale
        inverse[number, 3, 1] = -height
    file.document["skins"] = [
        {
            "joints": list(range(len(joints))),
            "inverseBindMatrices": file.accessor(inverse.reshape(-1, 16)),
        }
    ]
    nodes.append(head)
    file.document["scenes"][0]["nodes"] = [0, len(nodes) - 1]
    return file
