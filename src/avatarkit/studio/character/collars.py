"""What is sewn to the edge of a garment: a band, a shirt's collar, a blazer's lapels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.parts import Scalars, Triangles, grid_triangles, smooth
from avatarkit.studio.character.source import Points

Piece = tuple[Points, Triangles]
_GORGE_M: Final = -0.186
"""Height at which a coat's collar ends and its lapels begin."""


@dataclass(frozen=True, slots=True)
class Band:
    """A strip that stands on the edge."""

    height_m: float
    thick_m: float
    lean: float
    """How far its upper edge leans to the neck, as a share of the height."""


def band(edge: Points, form: Band) -> Piece:
    """A rounded strip all around ``edge``, a closed line."""
    edge, inward, up = _frame(edge, 60)
    turn = np.linspace(0.0, 2.0 * np.pi, 7, endpoint=False)
    # A rounded cross-section, from the lower outside over the top and down the inside.
    rise = 0.5 * form.height_m * (1.0 - np.sign(np.cos(turn)) * np.abs(np.cos(turn)) ** 0.6) - 0.25 * form.height_m
    into = -0.5 * form.thick_m * np.sign(np.sin(turn)) * np.abs(np.sin(turn)) ** 0.7 + form.lean * rise
    rows = [edge + inward * a + up * b for a, b in zip([*into, into[0]], [*rise, rise[0]], strict=True)]
    return _outside(np.concatenate(rows), grid_triangles(len(rows), len(edge), closed=True), edge)


def collar_leaves(edge: Points, middle_z: float) -> list[Piece]:
    """A shirt's collar: a stand around the neck, and two leaves that fold over it and part in front."""
    edge, inward, up = _frame(edge, 80)
    spin = np.arctan2(edge[:, 0], edge[:, 2] - middle_z)
    order = np.argsort(spin)
    edge, inward, up, spin = edge[order], inward[order], up[order], spin[order]
    front = np.cos(spin)
    rows = [(0.0, -0.004), (0.0035, 0.010), (0.0075, 0.024), (0.0085, 0.0275)]
    stand = np.concatenate(
        [edge + inward * a + up * b * (1.0 - 0.25 * smooth(0.4, 1.0, front))[:, None] for a, b in rows]
    )
    pieces = [_outside(stand, grid_triangles(len(rows), len(edge), closed=True), edge)]
    for side in (1.0, -1.0):
        pieces.append(_leaf(edge, inward, up, spin, side))
    return pieces


def _leaf(edge: Points, inward: Points, up: Points, spin: Scalars, side: float) -> Piece:
    """One half of the collar from the middle of the back to its point in front."""
    at = np.linspace(np.pi, 0.10, 30)
    line = np.stack([np.interp(side * at, spin, edge[:, i], period=2 * np.pi) for i in range(3)], axis=1)
    into = np.stack([np.interp(side * at, spin, inward[:, i], period=2 * np.pi) for i in range(3)], axis=1)
    near = smooth(1.5, 0.15, at)
    top = line + into * 0.0085 + up[:1] * (0.0275 * (1.0 - 0.25 * smooth(0.4, 1.0, np.cos(at))))[:, None]
    length = 0.026 + 0.010 * near**2
    fall = np.array([0.0, -1.0, 0.0]) - into * (0.42 + 0.10 * near)[:, None]
    # The points spread to the sides.
    fall = fall + np.array([side, 0.0, 0.0]) * (0.34 * near**2)[:, None] + np.array([0.0, 0.0, 0.30]) * near[:, None]
    rows = []
    for share in np.linspace(0.0, 1.0, 7):
        roll = np.sin(np.pi * min(share * 2.2, 1.0)) * 0.0035
        rows.append(
            top - into * (0.0012 + roll) + up[:1] * (0.0020 * (1.0 - share)) + fall * (length * share)[:, None]
        )
    points = np.concatenate(rows)
    return _outside(points, grid_triangles(len(rows), len(at)), edge)


def coat_collar(edge: Points, cloth: Points, triangles: Triangles) -> Piece:
    """A blazer's collar, from collarbone to collarbone around the neck.

    ``edge`` is the coat's opening, a closed line or one that ends at the lower cut.
    """
    around = _opening(edge, 76)
    around = around[around[:, 1] > _GORGE_M]
    normals = vertex_normals(cloth, triangles)
    _, near = cKDTree(cloth).query(around)
    out = normals[near]
    along = np.gradient(around, axis=0)
    away = np.cross(along, out)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-9)
    if float(((around - around.mean(axis=0)) * away).sum()) < 0.0:
        away = -away
    front = smooth(-0.075, -0.02, around[:, 2])[:, None]
    rows = []
    # Behind the collar stands up and folds down; in front it lies flat.
    for share in np.linspace(0.0, 1.0, 7):
        rise = 0.010 * (1.0 - front) * np.sin(np.pi * min(0.25 + share, 1.0)) + 0.0045 * np.sin(
            np.pi * min(0.18 + share, 1.0)
        )
        rows.append(
            around
            + away * (0.034 * share - 0.001)
            + out * (0.0024 + 0.5 * rise - 0.0020 * share**4)
            + np.array([0, 1.0, 0]) * rise * (1 - front)
        )
    return _outside(np.concatenate(rows), grid_triangles(len(rows), len(around)), around)


def _opening(edge: Points, count: int) -> Points:
    """The part of a coat's border that goes up one side of the opening, around the neck and down the other."""
    start = int(np.argmin(edge[:, 1] + 0.2 * np.abs(edge[:, 0]))) if len(edge) else 0
    line = np.roll(edge, -start, axis=0)
    top = int(np.argmax(line[:, 1]))
    inside = (np.abs(line[:, 0]) < 0.13) & (line[:, 1] > line[:, 1].min() + 0.006)
    first, last = top, top
    while first > 0 and inside[first - 1]:
        first -= 1
    while last < len(line) - 1 and inside[last + 1]:
        last += 1
    line = line[first : last + 1]
    for _ in range(4):
        line = np.concatenate([line[:1], 0.5 * line[1:-1] + 0.25 * (line[:-2] + line[2:]), line[-1:]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
    at = np.linspace(0.0, length[-1], count)
    return np.stack([np.interp(at, length, line[:, axis]) for axis in range(3)], axis=1)


def _frame(edge: Points, count: int) -> tuple[Points, Points, Points]:
    """An even closed line, its level directions to the middle, and up."""
    edge = resampled(edge, count)
    inward = edge.mean(axis=0) - edge
    inward[:, 1] = 0.0
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    return edge, inward, np.tile(np.array([0.0, 1.0, 0.0]), (count, 1))


def _outside(points: Points, triangles: Triangles, around: Points) -> Piece:
    """Triangles wound so that they face away from the middle of a line, on the whole."""
    a, b, c = (points[triangles[:, i]] for i in range(3))
    outward = (a + b + c) / 3 - around.mean(axis=0)
    if float((np.cross(b - a, c - a) * outward).sum()) < 0.0:
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    return points, triangles


def resampled(loop: Points, count: int) -> Points:
    """A closed line with ``count`` points at even distances, lightly smoothed."""
    for _ in range(6):
        loop = 0.5 * loop + 0.25 * (np.roll(loop, 1, axis=0) + np.roll(loop, -1, axis=0))
    closed = np.concatenate([loop, loop[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, length[-1], count, endpoint=False)
    return np.stack([np.interp(at, length, closed[:, axis]) for axis in range(3)], axis=1)
