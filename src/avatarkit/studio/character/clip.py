"""Cutting a triangle mesh along a smooth surface, so that a neckline is a curve and not a row of quads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.parts import Scalars, Triangles


@dataclass(frozen=True, slots=True)
class Cut:
    """What is left of a mesh; new vertex ``i`` is a mix of two old ones."""

    first: npt.NDArray[np.int64]
    second: npt.NDArray[np.int64]
    share: Scalars
    """Weight of ``second``, 0..1."""
    triangles: Triangles

    def __call__(self, values: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Per-vertex values (old, k) or (old,) carried to the new vertices."""
        share = self.share if values.ndim == 1 else self.share[:, None]
        return np.asarray(values[self.first] * (1.0 - share) + values[self.second] * share, np.float64)


def clip(triangles: Triangles, level: Scalars) -> Cut:
    """Keep the part of a mesh where ``level`` (one number for each vertex) is positive."""
    inside = level > 0.0
    first, second = list(np.flatnonzero(inside)), list(np.flatnonzero(inside))
    number = np.full(len(level), -1)
    number[inside] = np.arange(len(first))
    share = [0.0] * len(first)
    crossings: dict[tuple[int, int], int] = {}

    def crossing(a: int, b: int) -> int:
        key = (a, b) if a < b else (b, a)
        if key not in crossings:
            crossings[key] = len(first)
            first.append(np.int64(key[0]))
            second.append(np.int64(key[1]))
            share.append(float(level[key[0]] / (level[key[0]] - level[key[1]])))
        return crossings[key]

    counts = inside[triangles].sum(axis=1)
    kept: list[list[int]] = number[triangles[counts == 3]].tolist()
    for triangle in triangles[(counts == 1) | (counts == 2)].tolist():
        lone = (
            inside[triangle].tolist().index(True)
            if inside[triangle].sum() == 1
            else inside[triangle].tolist().index(False)
        )
        a, b, c = triangle[lone], triangle[(lone + 1) % 3], triangle[(lone + 2) % 3]
        ab, ac = crossing(a, b), crossing(a, c)
        if inside[a]:
            kept.append([int(number[a]), ab, ac])
        else:
            kept += [[ab, int(number[b]), int(number[c])], [ab, int(number[c]), ac]]
    return Cut(np.array(first), np.array(second), np.array(share), np.array(kept, np.uint32).reshape(-1, 3))


def drop_loose(triangles: Triangles, count: int) -> tuple[npt.NDArray[np.int64], Triangles]:
    """Vertices that triangles use, ascending, and the triangles renumbered to them."""
    used = np.unique(triangles)
    number = np.full(count, -1)
    number[used] = np.arange(len(used))
    return used.astype(np.int64), number[triangles].astype(np.uint32)


def border_loops(triangles: Triangles) -> list[list[int]]:
    """The closed borders of a mesh, each as vertices in order, longest first."""
    sides = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).tolist()
    present = {(a, b) for a, b in sides}
    following = {a: b for a, b in present if (b, a) not in present}
    loops: list[list[int]] = []
    while following:
        start = min(following)
        loop = [start]
        while (after := following.pop(loop[-1], None)) is not None and after != start:
            loop.append(after)
        loops.append(loop)
    return sorted(loops, key=len, reverse=True)
