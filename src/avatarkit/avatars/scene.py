"""The node tree of a GLB: where each mesh and joint stands at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avatarkit.avatars import fields, limits
from avatarkit.avatars.accessors import AccessorReader
from avatarkit.avatars.bundle import Joint
from avatarkit.avatars.container import Json, refuse

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Placed:
    """A node that shows a mesh."""

    node: Json
    world: Matrix
    joint: int | None
    """The joint that it hangs below, if any."""


class Scene:
    """World transforms of the nodes in the file's scene, and the joints of all skins as one skeleton."""

    def __init__(self, document: Json, reader: AccessorReader) -> None:
        self._nodes = fields.objects(document, "nodes")
        self.skins = fields.objects(document, "skins")
        self._reader = reader
        self._parents: dict[int, int | None] = {}
        self._worlds: dict[int, Matrix] = {}
        self._order: list[int] = []
        self._walk(document)
        self._joint_nodes = self._collect_joints()
        self._joint_of = {node: i for i, node in enumerate(self._joint_nodes)}

    @property
    def joints(self) -> tuple[Joint, ...]:
        """Joints at rest, parents first; rest rotation is taken as identity."""
        out = []
        for node in self._joint_nodes:
            x, y, z = (float(value) for value in self._worlds[node][:3, 3])
            name = fields.text(self._nodes[node], "name", f"joint {node}", longest=limits.TEXT_LENGTH)
            out.append(Joint(name, self._joint_above(self._parents[node]), (x, y, z)))
        return tuple(out)

    def placed(self) -> list[Placed]:
        """Every node with a mesh, in the order of the file."""
        return [
            Placed(self._nodes[node], self._worlds[node], self._joint_above(node))
            for node in sorted(self._order)
            if "mesh" in self._nodes[node]
        ]

    def skin(self, index: int) -> tuple[npt.NDArray[np.uint16], Matrix]:
        """For each joint of skin ``index``: its number in :attr:`joints`, and its rest matrix (k, 4, 4)."""
        skin = self.skins[index]
        nodes = fields.indices(skin, "joints", self._nodes)
        inverse = np.tile(np.eye(4), (len(nodes), 1, 1))
        if "inverseBindMatrices" in skin:
            stored = self._reader.floats(fields.index(skin, "inverseBindMatrices", self._reader.accessors), 16)
            if len(stored) < len(nodes):
                raise refuse("a skin has fewer matrices than joints")
            inverse = stored[: len(nodes)].reshape(-1, 4, 4).transpose(0, 2, 1).astype(float)
        worlds = np.array([self._worlds[node] for node in nodes]).reshape(-1, 4, 4)
        return np.array([self._joint_of[node] for node in nodes], np.uint16), worlds @ inverse

    def _walk(self, document: Json) -> None:
        scenes = fields.objects(document, "scenes")
        if scenes:
            chosen = scenes[fields.index({"scene": document.get("scene", 0)}, "scene", scenes)]
            roots = fields.indices(chosen, "nodes", self._nodes)
        else:
            roots = list(range(len(self._nodes)))
        stack: list[tuple[int, int | None, Matrix, int]] = [(node, None, np.eye(4), 0) for node in reversed(roots)]
        while stack:
            node, parent, above, depth = stack.pop()
            if node in self._parents:
                raise refuse("a node is in the scene twice")
            if depth > limits.NODE_DEPTH:
                raise refuse("its nodes are nested too deep")
            self._parents[node] = parent
            with np.errstate(over="ignore", invalid="ignore"):
                world = above @ _local(self._nodes[node])
            if not np.isfinite(world).all() or np.abs(world).max() > 1e9:
                raise refuse("a node is nowhere")
            self._worlds[node] = world
            self._order.append(node)
            children = fields.indices(self._nodes[node], "children", self._nodes)
            stack += [(child, node, world, depth + 1) for child in reversed(children)]

    def _collect_joints(self) -> list[int]:
        wanted: set[int] = set()
        for skin in self.skins:
            joints = fields.indices(skin, "joints", self._nodes)
            if not joints:
                raise refuse("a skin has no joint")
            wanted.update(joints)
        if not wanted <= self._parents.keys():
            raise refuse("a joint is not in the scene")
        if len(wanted) > limits.JOINTS:
            raise refuse(f"it holds more than {limits.JOINTS} joints")
        return [node for node in self._order if node in wanted]

    def _joint_above(self, node: int | None) -> int | None:
        while node is not None:
            if node in self._joint_of:
                return self._joint_of[node]
            node = self._parents[node]
        return None


def _local(node: Json) -> Matrix:
    if "matrix" in node:
        return np.array(fields.numbers(node, "matrix", (0.0,) * 16)).reshape(4, 4).T
    out = np.eye(4)
    out[:3, :3] = _rotation(fields.numbers(node, "rotation", (0.0, 0.0, 0.0, 1.0)))
    out[:3, :3] *= np.array(fields.numbers(node, "scale", (1.0, 1.0, 1.0)))
    out[:3, 3] = fields.numbers(node, "translation", (0.0, 0.0, 0.0))
    return out


def _rotation(quaternion: tuple[float, ...]) -> Matrix:
    """Rotation matrix of a unit quaternion x, y, z, w."""
    with np.errstate(over="ignore"):
        length = float(np.linalg.norm(quaternion))
    if not np.isfinite(length) or length < 1e-6:
        raise refuse("a node's rotation is not a rotation")
    x, y, z, w = (value / length for value in quaternion)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
