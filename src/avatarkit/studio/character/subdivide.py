"""One step of Catmull-Clark subdivision as a sparse matrix, so that shapes can be carried along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from avatarkit.studio.character.source import Quads


@dataclass(frozen=True, slots=True)
class Subdivision:
    """``matrix @ values`` gives the values of the finer mesh, for anything that is linear in the vertices."""

    matrix: Any
    """scipy CSR (finer, coarser)."""
    quads: Quads

    def __call__(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Values float64 (coarser, k) on the finer mesh (finer, k)."""
        out: npt.NDArray[np.float64] = self.matrix @ values
        return out


def catmull_clark(quads: Quads, count: int) -> Subdivision:
    """Rules of Catmull and Clark (1978), with boundary edges kept as cubic B-splines.

    ``quads`` (m, 4) over ``count`` vertices. New vertices are ordered: old vertices, edges, faces.
    """
    faces = len(quads)
    sides = np.concatenate([np.stack([quads[:, i], quads[:, (i + 1) % 4]], axis=1) for i in range(4)])
    edges, inverse = np.unique(np.sort(sides, axis=1), axis=0, return_inverse=True)
    side_edge = inverse.reshape(4, faces).T
    face_rows = np.repeat(np.arange(faces), 4)
    to_face = _matrix(np.full(4 * faces, 0.25), face_rows, quads.ravel(), (faces, count))
    edge_face = _matrix(np.ones(4 * faces), side_edge.ravel(), face_rows, (len(edges), faces))
    touching = np.asarray(edge_face.sum(axis=1)).ravel()
    border = touching < 2
    middle = _matrix(
        np.full(2 * len(edges), 0.5), np.repeat(np.arange(len(edges)), 2), edges.ravel(), (len(edges), count)
    )
    beside = sparse.diags(1.0 / np.maximum(touching, 1.0)) @ edge_face @ to_face
    to_edge = sparse.diags(np.where(border, 1.0, 0.5)) @ middle + sparse.diags(np.where(border, 0.0, 0.5)) @ beside
    to_vertex = _vertex_rule(quads, edges, border, middle=middle, to_face=to_face, count=count)
    corners = [
        np.stack(
            [
                quads[:, i],
                count + side_edge[:, i],
                count + len(edges) + np.arange(faces),
                count + side_edge[:, (i - 1) % 4],
            ],
            axis=1,
        )
        for i in range(4)
    ]
    matrix = sparse.vstack([to_vertex, to_edge, to_face]).tocsr()
    return Subdivision(matrix, np.concatenate(corners))


def _vertex_rule(quads: Quads, edges: Quads, border: Any, *, middle: Any, to_face: Any, count: int) -> Any:
    faces = len(quads)
    around = _matrix(np.ones(4 * faces), quads.ravel(), np.repeat(np.arange(faces), 4), (count, faces))
    valence = np.maximum(np.asarray(around.sum(axis=1)).ravel(), 1.0)
    spokes = _matrix(np.ones(2 * len(edges)), edges.ravel(), np.repeat(np.arange(len(edges)), 2), (count, len(edges)))
    spoke_count = np.maximum(np.asarray(spokes.sum(axis=1)).ravel(), 1.0)
    on_border = np.zeros(count)
    on_border[edges[border].ravel()] = 1.0
    rim = spokes @ sparse.diags(border.astype(float))
    rim_count = np.maximum(np.asarray(rim.sum(axis=1)).ravel(), 1.0)
    inner = (
        sparse.diags(1.0 / valence**2) @ around @ to_face
        + sparse.diags(2.0 / (valence * spoke_count)) @ spokes @ middle
        + sparse.diags((valence - 3.0) / valence)
    )
    outer = sparse.identity(count) * 0.5 + sparse.diags(0.5 / rim_count) @ rim @ middle
    return sparse.diags(1.0 - on_border) @ inner + sparse.diags(on_border) @ outer


def _matrix(values: Any, rows: Any, columns: Any, shape: tuple[int, int]) -> Any:
    return sparse.coo_matrix((values, (rows, columns)), shape).tocsr()


def triangulate(quads: Quads) -> npt.NDArray[np.uint32]:
    """Two triangles for each quad, uint32 (k, 3); degenerate ones are left out."""
    both = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    sound = (both[:, 0] != both[:, 1]) & (both[:, 1] != both[:, 2]) & (both[:, 0] != both[:, 2])
    out: npt.NDArray[np.uint32] = both[sound].astype(np.uint32)
    return out
