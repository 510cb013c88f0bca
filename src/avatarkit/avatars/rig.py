"""The rig: a pose becomes deformed geometry.

Morphs first (sparse, weighted sums of positions and normals, of weights that :mod:`.pairs` has agreed), then the
skeleton: the head's rotation is shared between the neck and the head joint, and what hangs on neither stays where it
is.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.bundle import Bundle, Joint, Mesh
from avatarkit.avatars.normals import face_normals, sum_at_corners, to_unit
from avatarkit.avatars.pairs import agreed
from avatarkit.frames import ARKIT_INDEX, ARKIT_NAMES, WEIGHT_COUNT, FloatArray, Pose

NECK_SHARE: Final = 0.4
"""Part of the head's rotation and translation that the neck joint takes; the head joint adds the rest."""

_MORPH_THRESHOLD: Final = 1e-4
_BEND_THRESHOLD: Final = 1e-3
_NECK_BELOW_HEAD_M: Final = 0.09
_LONG_RUN: Final = 256


@dataclass(frozen=True, slots=True)
class RigArrays:
    """A bundle flattened: all meshes one after the other, for renderers that deform by themselves.

    n vertices, m triangles, p meshes over all; e morph entries.
    """

    positions: FloatArray
    """float32 (n, 3), metres, at rest."""
    normals: FloatArray
    """float32 (n, 3), unit length, at rest."""
    triangles: npt.NDArray[np.int32]
    """int32 (m, 3), into the concatenated vertices."""
    vertex_starts: npt.NDArray[np.int64]
    """int64 (p + 1): mesh ``i`` owns vertices ``vertex_starts[i]:vertex_starts[i + 1]``."""
    triangle_starts: npt.NDArray[np.int64]
    """int64 (p + 1), in the same way."""
    morph_starts: npt.NDArray[np.int64]
    """int64 (53): ARKit shape ``k`` owns morph entries ``morph_starts[k]:morph_starts[k + 1]``."""
    morph_indices: npt.NDArray[np.int32]
    """int32 (e): the vertex that each entry moves; ascending within a shape."""
    morph_positions: FloatArray
    """float32 (e, 3), metres: what each entry adds to the position at weight 1."""
    morph_normals: FloatArray
    """float32 (e, 3): what each entry adds to the normal at weight 1; the sum is not unit length."""
    neck_weights: FloatArray
    """float32 (n): share of each vertex that follows the neck joint. The rest, 1 - neck - head, stays."""
    head_weights: FloatArray
    """float32 (n): share of each vertex that follows the head joint."""
    neck_pivot: FloatArray
    """float32 (3), metres."""
    head_pivot: FloatArray
    """float32 (3), metres."""


class Rig:
    """Deforms one avatar. Keeps its buffers between calls: not thread safe."""

    def __init__(self, bundle: Bundle) -> None:
        """Flatten the bundle. Raises ``ValueError`` for a bundle without a mesh."""
        if not bundle.meshes:
            raise ValueError("the bundle holds no mesh")
        self.arrays = _flatten(bundle)
        arrays = self.arrays
        self._positions = arrays.positions.copy()
        self._normals = arrays.normals.copy()
        whole = arrays.head_weights == 1.0
        # Vertices that follow the head rigidly mostly come in long runs (hair, eyes, teeth), which need no gathering.
        self._runs = [(a, b) for a, b in _runs(whole) if b - a >= _LONG_RUN]
        for a, b in self._runs:
            whole[a:b] = False
        partly = (arrays.neck_weights > 0.0) | ((arrays.head_weights > 0.0) & (arrays.head_weights < 1.0))
        self._gathered = np.flatnonzero(whole | partly)
        self._neck_weights = arrays.neck_weights[self._gathered, None]
        self._head_weights = arrays.head_weights[self._gathered, None]

    def deform(self, pose: Pose) -> list[tuple[FloatArray, FloatArray]]:
        """Positions (n, 3) in metres and normals (n, 3), near unit length, of each mesh of the bundle.

        The arrays are views of the rig's buffers, valid until the next call.
        """
        self.deform_all(pose)
        starts = self.arrays.vertex_starts
        return [(self._positions[a:b], self._normals[a:b]) for a, b in itertools.pairwise(starts)]

    def deform_all(self, pose: Pose) -> tuple[FloatArray, FloatArray]:
        """As :meth:`deform`, but concatenated over the meshes as in :class:`RigArrays`."""
        arrays = self.arrays
        np.copyto(self._positions, arrays.positions)
        np.copyto(self._normals, arrays.normals)
        starts = arrays.morph_starts
        weights = agreed(pose.weights)
        for shape in np.flatnonzero(weights > _MORPH_THRESHOLD):
            part = slice(starts[shape], starts[shape + 1])
            where, weight = arrays.morph_indices[part], weights[shape]
            self._positions[where] += arrays.morph_positions[part] * weight
            self._normals[where] += arrays.morph_normals[part] * weight
        if np.any(pose.head != 0.0):
            self._carry(pose.head)
        return self._positions, self._normals

    def _carry(self, head_pose: FloatArray) -> None:
        neck, head = head_transforms(self.arrays, head_pose)
        turn, shift = head[:, :3].T, head[:, 3]
        for a, b in self._runs:
            self._positions[a:b] = self._positions[a:b] @ turn + shift
            self._normals[a:b] = self._normals[a:b] @ turn
        where = self._gathered
        if len(where) == 0:
            return
        still = np.eye(3, 4, dtype=np.float32)
        by_neck, by_head = neck - still, head - still
        for values, point in ((self._positions, np.float32(1.0)), (self._normals, np.float32(0.0))):
            own = values[where]
            moved = (own @ by_neck[:, :3].T + by_neck[:, 3] * point) * self._neck_weights
            moved += (own @ by_head[:, :3].T + by_head[:, 3] * point) * self._head_weights
            values[where] = own + moved


def head_transforms(arrays: RigArrays, head: FloatArray) -> tuple[FloatArray, FloatArray]:
    """World transforms (3, 4) of the neck and the head joint for a head pose (6,), see :class:`Pose`."""
    neck = _about(arrays.neck_pivot, head * np.float32(NECK_SHARE))
    own = _about(arrays.head_pivot, head * np.float32(1.0 - NECK_SHARE))
    joined = np.empty((3, 4), np.float32)
    joined[:, :3] = neck[:, :3] @ own[:, :3]
    joined[:, 3] = neck[:, :3] @ own[:, 3] + neck[:, 3]
    return neck, joined


def _about(pivot: FloatArray, pose: FloatArray) -> FloatArray:
    """Rotation Y(yaw) X(pitch) Z(roll) about a pivot, then translation, as (3, 4)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(pose[:3]), np.sin(pose[:3])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    out = np.empty((3, 4), np.float32)
    out[:, :3] = about_y @ about_x @ about_z
    out[:, 3] = pivot - out[:, :3] @ pivot + pose[3:]
    return out


def _flatten(bundle: Bundle) -> RigArrays:
    meshes = bundle.meshes
    vertex_starts = _starts([len(mesh.positions) for mesh in meshes])
    triangle_starts = _starts([len(mesh.triangles) for mesh in meshes])
    entries: list[list[tuple[npt.NDArray[np.int32], FloatArray, FloatArray]]] = [[] for _ in range(WEIGHT_COUNT)]
    for mesh, start in zip(meshes, vertex_starts[:-1], strict=True):
        for name, shape in _shape_entries(mesh).items():
            where, moves, bends = shape
            entries[ARKIT_INDEX[name]].append(((where + start).astype(np.int32), moves, bends))
    flat = [item for shape in entries for item in shape]
    joint_shares = _joint_shares(bundle.joints)
    shares = np.concatenate([_mesh_shares(mesh, joint_shares) for mesh in meshes])
    head = _joint(bundle.joints, "head")
    neck = _joint(bundle.joints, "neck")
    head_pivot = np.array(head.position if head else (0.0, 0.0, 0.0), np.float32)
    below = head_pivot - np.array([0.0, _NECK_BELOW_HEAD_M, 0.0], np.float32)
    return RigArrays(
        positions=np.concatenate([mesh.positions for mesh in meshes]).astype(np.float32),
        normals=np.concatenate([mesh.normals for mesh in meshes]).astype(np.float32),
        triangles=np.concatenate(
            [mesh.triangles + np.uint32(start) for mesh, start in zip(meshes, vertex_starts[:-1], strict=True)]
        ).astype(np.int32),
        vertex_starts=vertex_starts,
        triangle_starts=triangle_starts,
        morph_starts=_starts([sum(len(item[0]) for item in shape) for shape in entries]),
        morph_indices=np.concatenate([np.empty(0, np.int32), *(item[0] for item in flat)]),
        morph_positions=np.concatenate([np.empty((0, 3), np.float32), *(item[1] for item in flat)]),
        morph_normals=np.concatenate([np.empty((0, 3), np.float32), *(item[2] for item in flat)]),
        neck_weights=np.ascontiguousarray(shares[:, 0]),
        head_weights=np.ascontiguousarray(shares[:, 1]),
        neck_pivot=np.array(neck.position, np.float32) if neck else below,
        head_pivot=head_pivot,
    )


def _shape_entries(mesh: Mesh) -> dict[str, tuple[npt.NDArray[np.int64], FloatArray, FloatArray]]:
    """For each shape in ARKit order: touched vertices, position deltas and normal deltas.

    Normals change where a triangle touches a vertex that moves; only those triangles are looked at again.
    """
    out = {}
    count, triangles = len(mesh.positions), mesh.triangles.astype(np.intp)  # what NumPy looks up without converting
    first, second, third = (np.ascontiguousarray(triangles[:, corner]) for corner in range(3))
    rest = mesh.positions.astype(np.float64)
    faces = face_normals(rest, triangles)
    sums = sum_at_corners(faces, triangles, count)
    base = to_unit(sums)
    number = np.zeros(count, np.int64)
    for name in ARKIT_NAMES:
        morph = mesh.morphs.get(name)
        if morph is None or len(morph.indices) == 0:
            continue
        indices = morph.indices.astype(np.intp)
        moves = np.zeros_like(mesh.positions)
        moves[indices] = morph.deltas
        touched = np.zeros(count, bool)
        touched[indices] = True
        around = np.flatnonzero(touched[first] | touched[second] | touched[third])
        corners = triangles[around]
        near = touched.copy()
        near[corners.reshape(-1)] = True
        where = np.flatnonzero(near)
        number[where] = np.arange(len(where))
        change = face_normals(rest + moves, corners) - faces[around]
        bends = to_unit(sums[where] + sum_at_corners(change, number[corners], len(where))) - base[where]
        bent = np.abs(bends) > _BEND_THRESHOLD
        kept = touched[where] | bent[:, 0] | bent[:, 1] | bent[:, 2]
        where = where[kept]
        out[name] = (where, moves[where], bends[kept])
    return out


def _starts(counts: list[int]) -> npt.NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.view(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _joint(joints: tuple[Joint, ...], name: str) -> Joint | None:
    return next((joint for joint in joints if joint.name.lower() == name), None)


def _joint_shares(joints: tuple[Joint, ...]) -> FloatArray:
    """float32 (joints, 2): 1 in the column of the neck or head that a joint belongs to, by itself or a parent."""
    out = np.zeros((max(len(joints), 1), 2), np.float32)
    for number, joint in enumerate(joints):
        name = joint.name.lower()
        if name in ("neck", "head"):
            out[number, 1 if name == "head" else 0] = 1.0
        elif joint.parent is not None:
            out[number] = out[joint.parent]
    return out


def _mesh_shares(mesh: Mesh, joint_shares: FloatArray) -> FloatArray:
    if mesh.joints is None or mesh.joint_weights is None:
        return np.tile(np.array([0.0, 1.0], np.float32), (len(mesh.positions), 1))
    shares: FloatArray = np.einsum("nk,nkc->nc", mesh.joint_weights, joint_shares[mesh.joints])
    shares[shares > 0.999] = 1.0
    return shares.astype(np.float32)
