"""Fewer triangles where they are not seen to matter: edges collapse onto one of their ends.

Vertices that stay keep all they have (place, shapes, texture coordinates), so that nothing needs to be mixed anew.
The error is that of Garland and Heckbert, "Surface Simplification Using Quadric Error Metrics" (1997), taken in
several poses at once; of all edges whose error is small, those that do not touch each other collapse together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.parts import Scalars, Triangles
from avatarkit.studio.character.source import Points

_ROUNDS: Final = 60
_A_ROUND: Final = 2500
"""Collapses that are tried in a round."""
_MOST_LEAN: Final = 0.45
"""Cosine between a triangle's normal before and after, at least."""
_MOST_BEND: Final = 0.55
"""Length of the difference between the normals at an edge's ends, at most: shading needs the vertices between."""
_BENT_M: Final = 0.0004
"""Error that a bend of 1 counts as."""

_Flags = npt.NDArray[np.bool_]
_Edges = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a mesh may be thinned out."""

    error_m: float
    """Metres that a collapse may move the surface, where ``weight`` is 1."""
    longest_m: float = 0.014
    """Edges that a collapse makes are at most so long."""


def thin_out(
    poses: Sequence[Points],
    triangles: Triangles,
    limits: Limits,
    *,
    weight: Scalars | None = None,
    kept: _Flags | None = None,
    uv: npt.NDArray[np.float64] | None = None,
) -> Triangles:
    """Triangles (k, 3) over fewer of the same vertices.

    Args:
        poses: The vertices (n, 3), metres, at rest and in further poses that have to look right as well.
        triangles: (m, 3); vertices on a border stay, which those at a texture's seam are.
        limits: What is given up.
        weight: (n,) factor on the error of each vertex.
        kept: (n,) vertices that stay in any case.
        uv: (n, 2) texture coordinates, whose triangles must not turn over.
    """
    mesh = _Mesh(poses, triangles, uv)
    strict = np.ones(len(poses[0])) if weight is None else weight
    fixed = _border(mesh.triangles, len(poses[0]))
    if kept is not None:
        fixed |= kept
    for _ in range(_ROUNDS):
        if not mesh.collapse(limits, strict, fixed):
            break
    return mesh.triangles.astype(np.uint32)


class _Mesh:
    def __init__(self, poses: Sequence[Points], triangles: Triangles, uv: npt.NDArray[np.float64] | None) -> None:
        self.triangles = triangles.astype(np.int64)
        self._poses = [np.asarray(pose, np.float64) for pose in poses]
        self._normals = vertex_normals(poses[0], triangles).astype(np.float64)
        self._flat = None if uv is None else np.column_stack([uv, np.zeros(len(uv))])
        self._quadrics = [_quadrics(pose, self.triangles) for pose in self._poses]
        self._refused: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def collapse(self, limits: Limits, strict: Scalars, fixed: _Flags) -> int:
        """One round; returns how many edges collapsed."""
        edges, cost = self._candidates(limits, strict, fixed)
        tried = edges[np.argsort(cost, kind="stable")[:_A_ROUND]]
        sound = self._sound(tried, limits.longest_m)
        self._refused = np.union1d(self._refused, _keys(tried[~sound], len(fixed)))
        chosen = tried[sound]
        chosen = chosen[_apart(chosen, self.triangles, len(fixed))]
        target = np.arange(len(fixed))
        target[chosen[:, 0]] = chosen[:, 1]
        for quadrics in self._quadrics:
            for part in quadrics:
                np.add.at(part, chosen[:, 1], part[chosen[:, 0]])
        moved = target[self.triangles]
        a, b, c = moved.T
        self.triangles = moved[(a != b) & (b != c) & (c != a)]
        return len(tried)

    def _candidates(self, limits: Limits, strict: Scalars, fixed: _Flags) -> tuple[_Edges, Scalars]:
        """Edges, each the vertex that goes and the one that stays, and what their collapse costs, metres."""
        edges = _edges(self.triangles)
        edges = np.concatenate([edges, edges[:, ::-1]])
        edges = edges[~fixed[edges[:, 0]]]
        edges = edges[~np.isin(_keys(edges, len(fixed)), self._refused)]
        gone, stays = edges.T
        rest = self._poses[0]
        bend = np.linalg.norm(self._normals[gone] - self._normals[stays], axis=1)
        extra = 0.25 * _BENT_M * bend + 1e-9 * np.linalg.norm(rest[gone] - rest[stays], axis=1)
        cost = extra.copy()
        good = bend < _MOST_BEND
        for quadrics, pose in zip(self._quadrics, self._poses, strict=True):
            edges, extra, cost = edges[good], extra[good], cost[good]
            error = np.sqrt(np.maximum(_error(quadrics, edges[:, 0], pose[edges[:, 1]]), 0.0))
            cost = np.maximum(cost, error * strict[edges[:, 0]] + extra)
            good = cost < limits.error_m
        return edges[good], cost[good]

    def _sound(self, edges: _Edges, longest_m: float) -> _Flags:
        """Whether the collapse of edges neither turns a triangle over nor joins what is apart."""
        around, of_edge = _fans(edges[:, 0], self.triangles, len(self._poses[0]))
        own = self.triangles[around]
        stays = edges[of_edge, 1][:, None]
        dying = (own == stays).any(axis=1)
        after = np.where(own == edges[of_edge, 0][:, None], stays, own)
        bad = np.zeros(len(own), np.bool_)
        for pose in self._poses:
            bad |= _cosine(_crosses(pose, own), _crosses(pose, after)) < _MOST_LEAN
        corners = self._poses[0][after]
        lengths = np.max([np.linalg.norm(corners[:, i] - corners[:, i - 1], axis=1) for i in range(3)], axis=0)
        area = np.linalg.norm(_crosses(self._poses[0], after), axis=1)
        # Slivers shade badly.
        bad |= (lengths > longest_m) | (area < 0.16 * lengths**2)
        if self._flat is not None:
            bad |= _crosses(self._flat, own)[:, 2] * _crosses(self._flat, after)[:, 2] <= 0.0
        wrong = np.zeros(len(edges), np.bool_)
        np.logical_or.at(wrong, of_edge, bad & ~dying)
        shared = np.bincount(of_edge, dying, len(edges))
        # The two ends have only those neighbours in common that their two triangles have.
        return np.asarray(~wrong & (shared == 2) & (self._common(edges) == 2))

    def _common(self, edges: _Edges) -> npt.NDArray[np.int64]:
        count = len(self._poses[0])
        own = _edges(self.triangles)
        both = np.concatenate([own, own[:, ::-1]])
        both = both[np.argsort(both[:, 0], kind="stable")]
        starts = np.searchsorted(both[:, 0], np.arange(count + 1))
        present = np.sort(both[:, 0] * count + both[:, 1])
        sizes = starts[edges[:, 0] + 1] - starts[edges[:, 0]]
        of_edge = np.repeat(np.arange(len(edges)), sizes)
        offset = np.arange(len(of_edge)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        near = both[starts[edges[of_edge, 0]] + offset, 1]
        wanted = edges[of_edge, 1] * count + near
        at = np.minimum(np.searchsorted(present, wanted), len(present) - 1)
        return np.asarray(np.bincount(of_edge, present[at] == wanted, len(edges)).astype(np.int64))


def _edges(triangles: _Edges) -> _Edges:
    """Each edge once (k, 2), the lower vertex first."""
    return _uses(triangles)[0]


def _uses(triangles: _Edges) -> tuple[_Edges, npt.NDArray[np.int64]]:
    """Each edge once (k, 2), and how many triangles have it."""
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    count = int(triangles.max()) + 1
    keys, uses = np.unique(sides[:, 0] * count + sides[:, 1], return_counts=True)
    return np.stack(np.divmod(keys, count), axis=1), uses


def _keys(edges: _Edges, count: int) -> npt.NDArray[np.int64]:
    """One number for each edge and direction."""
    return np.asarray(edges[:, 0] * count + edges[:, 1])


def _border(triangles: _Edges, count: int) -> _Flags:
    edges, uses = _uses(triangles)
    out = np.zeros(count, np.bool_)
    out[edges[uses != 2]] = True
    return out


def _crosses(points: Points, triangles: _Edges) -> Points:
    a, b, c = (points[triangles[:, i]] for i in range(3))
    return np.asarray(np.cross(b - a, c - a))


def _cosine(one: Points, other: Points) -> Scalars:
    size = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    return np.asarray((one * other).sum(axis=1) / np.maximum(size, 1e-18))


def _quadrics(points: Points, triangles: _Edges) -> list[npt.NDArray[np.float64]]:
    """Per vertex, weighed by area: normal times normal (n, 3, 3), normal times offset (n, 3), offset² and area."""
    crosses = _crosses(points, triangles)
    area = np.linalg.norm(crosses, axis=1)
    normal = crosses / np.maximum(area, 1e-18)[:, None]
    offset = -(normal * points[triangles[:, 0]]).sum(axis=1)
    count = len(points)
    out = [np.zeros((count, 3, 3)), np.zeros((count, 3)), np.zeros(count), np.full(count, 1e-18)]
    terms = (
        normal[:, :, None] * normal[:, None, :] * area[:, None, None],
        normal * (offset * area)[:, None],
        offset**2 * area,
        area,
    )
    for corner in range(3):
        for part, term in zip(out, terms, strict=True):
            np.add.at(part, triangles[:, corner], term)
    return out


def _error(quadrics: list[npt.NDArray[np.float64]], vertex: npt.NDArray[np.int64], place: Points) -> Scalars:
    """Mean squared distance of places (k, 3) from the planes around vertices (k,)."""
    square, line, rest, area = quadrics
    value = np.einsum("ki,kij,kj->k", place, square[vertex], place)
    value += 2.0 * (line[vertex] * place).sum(axis=1) + rest[vertex]
    return np.asarray(value / area[vertex])


def _fans(
    vertices: npt.NDArray[np.int64], triangles: _Edges, count: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """All triangles around each of ``vertices``, and the index of the vertex that each belongs to."""
    corner = triangles.ravel()
    order = np.argsort(corner, kind="stable")
    starts = np.searchsorted(corner[order], np.arange(count + 1))
    sizes = starts[vertices + 1] - starts[vertices]
    owner = np.repeat(np.arange(len(vertices)), sizes)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[starts[vertices[owner]] + offset] // 3, owner


def _apart(edges: _Edges, triangles: _Edges, count: int) -> npt.NDArray[np.int64]:
    """Indices of edges, the first ones first, whose surroundings do not overlap."""
    around, of_edge = _fans(edges[:, 0], triangles, count)
    rings = triangles[around]
    ends = np.searchsorted(of_edge, np.arange(len(edges) + 1))
    busy = np.zeros(count, np.bool_)
    out = []
    for number in range(len(edges)):
        ring = rings[ends[number] : ends[number + 1]].ravel()
        if not busy[ring].any():
            busy[ring] = True
            out.append(number)
    return np.array(out, np.int64)
