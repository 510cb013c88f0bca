"""Baked ambient occlusion: how much of the sky each vertex sees.

The scene is splatted into a depth map for each of many directions over the sphere; a vertex sees the sky in a
direction unless something lies clearly in front of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.studio.character.parts import Scalars, Triangles
from avatarkit.studio.character.source import Points

_DIRECTIONS: Final = 48
_CELL_M: Final = 0.0024
_SLACK_M: Final = 0.0032
"""What lies within it in front does not hide: the surface's own samples."""


def sample_surface(points: Points, triangles: Triangles, spacing_m: float = 0.0023) -> Points:
    """Points spread over the triangles, at most about ``spacing_m`` apart."""
    corners = points[triangles]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    longest = np.max(
        [np.linalg.norm(b - a, axis=1), np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1)], axis=0
    )
    steps = np.clip(np.ceil(longest / spacing_m).astype(int), 1, 12)
    out = [points]
    for count in np.unique(steps):
        chosen = steps == count
        for i in range(count):
            for j in range(count - i):
                u, v = (i + 1 / 3) / count, (j + 1 / 3) / count
                out.append(a[chosen] * (1 - u - v) + b[chosen] * u + c[chosen] * v)
    return np.concatenate(out)


def ambient(receivers: Points, normals: Points, scene: Points) -> Scalars:
    """Share of the cosine-weighted sky above each receiver that ``scene`` (sampled points) leaves open, 0..1."""
    low, high = scene.min(axis=0), scene.max(axis=0)
    centre, reach = (low + high) / 2, float(np.linalg.norm(high - low)) / 2
    side = int(np.ceil(2 * reach / _CELL_M)) + 3
    seen, total = np.zeros(len(receivers)), np.zeros(len(receivers))
    for direction in _sphere(_DIRECTIONS):
        facing = normals @ direction
        lit = facing > 0.02
        across, up = _plane(direction)
        depth = np.full(side * side, -np.inf)
        np.maximum.at(depth, _cells(scene - centre, across, up, reach, side), (scene - centre) @ direction)
        own = receivers[lit] - centre
        hidden = depth[_cells(own, across, up, reach, side)] > own @ direction + _SLACK_M
        total[lit] += facing[lit]
        seen[lit] += facing[lit] * ~hidden
    return np.asarray(seen / np.maximum(total, 1e-6))


def relaxed(values: Scalars, points: Points, triangles: Triangles, rounds: int = 3) -> Scalars:
    """Values (n,) averaged with their neighbours, also across the seams that split a vertex."""
    _, inverse = np.unique(np.round(points, 7), axis=0, return_inverse=True)
    joined = inverse.ravel()
    count = np.bincount(joined)
    out = np.bincount(joined, values) / count
    edges = joined[
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    ]
    edges = np.concatenate([edges, edges[:, ::-1]])
    degree = np.maximum(np.bincount(edges[:, 0], minlength=len(out)), 1)
    for _ in range(rounds):
        out = 0.4 * out + 0.6 * np.bincount(edges[:, 0], out[edges[:, 1]], minlength=len(out)) / degree
    return np.asarray(out[joined])


def _cells(
    points: Points, across: Points, up: Points, reach: float, side: int
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    column = ((points @ across + reach) / _CELL_M + 0.5).astype(np.int64)
    row = ((points @ up + reach) / _CELL_M + 0.5).astype(np.int64)
    return np.clip(row, 0, side - 1) * side + np.clip(column, 0, side - 1)


def _sphere(count: int) -> Points:
    """Directions spread evenly: a Fibonacci lattice."""
    i = np.arange(count) + 0.5
    y = 1.0 - 2.0 * i / count
    turn = np.pi * (1.0 + 5.0**0.5) * i
    ring = np.sqrt(1.0 - y * y)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


def _plane(direction: Points) -> tuple[Points, Points]:
    helper = np.array([1.0, 0.0, 0.0]) if abs(direction[1]) > 0.9 else np.array([0.0, 1.0, 0.0])
    across = np.cross(helper, direction)
    across /= np.linalg.norm(across)
    return across, np.cross(direction, across)
