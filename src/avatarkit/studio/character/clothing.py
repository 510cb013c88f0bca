"""A fine-knit jumper: the torso's surface, smoothed and lifted, with a ribbed collar around the neck."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.clip import border_loops, clip, drop_loose
from avatarkit.studio.character.parts import Part, Scalars, Triangles, grid_triangles, linear
from avatarkit.studio.character.person import Person, neck_head_shares
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import Color
from avatarkit.studio.character.subdivide import triangulate

CUT_BELOW_M: Final = -0.30
"""Nothing below it is in any picture."""
_WIDEST_M: Final = 0.27
"""Arms end outside the picture."""
_LIFT_M: Final = 0.0060
_COLLAR_HEIGHT_M: Final = 0.021
_COLLAR_THICKNESS_M: Final = 0.0034
_RIBS: Final = 92
_NECK_Z: Final = -0.080
"""Middle of the neck, metres behind the eyes."""


def neckline(points: Points) -> Scalars:
    """Signed distance-like level, metres: positive where the garment covers the body."""
    x, y, z = points[:, 0], points[:, 1], points[:, 2] - _NECK_Z
    radius = np.hypot(x, z)
    front = np.clip(z / np.maximum(radius, 1e-6), -1.0, 1.0)
    line = -0.148 - 0.030 * np.clip(front, 0.0, 1.0) ** 2 + 0.020 * np.clip(-front, 0.0, 1.0) ** 2
    return np.asarray((line - y) * 0.85 + (radius - 0.066) * 0.55)


def jumper(person: Person, color: Color) -> Part:
    """The garment on the base mesh's torso, unrefined: finer quads would be smoothed away."""
    points = person.points
    quads = person.base.groups["body"].quads
    corners = points[quads]
    torso = (corners[:, :, 1].min(axis=1) > CUT_BELOW_M) & (corners[:, :, 1].max(axis=1) < -0.09)
    torso &= np.abs(corners[:, :, 0]).max(axis=1) < _WIDEST_M
    level = neckline(points)
    cut = clip(triangulate(quads[torso]), level)
    used, kept = drop_loose(cut.triangles, len(cut.first))
    cloth = cut(points)[used]
    cloth = _relaxed(cloth, kept, rounds=6)
    cloth = cloth + vertex_normals(cloth, kept) * _LIFT_M
    loops = border_loops(kept)
    collar_loop = max(loops, key=lambda loop: float(cloth[loop, 1].mean()))
    collar, collar_triangles = _collar(cloth[collar_loop])
    both = np.concatenate([cloth, collar])
    normals = np.concatenate([vertex_normals(cloth, kept), vertex_normals(collar, collar_triangles)])
    shares = neck_head_shares(both, person.neck_pivot, person.head_pivot)
    shares = np.stack([shares.sum(axis=1) * 0.35, np.zeros(len(both))], axis=1)
    return Part(
        name="jumper",
        points=both,
        triangles=np.concatenate([kept, collar_triangles + np.uint32(len(cloth))]),
        material=Material("jumper", MaterialKind.CLOTH, roughness=0.9, double_sided=True),
        colors=np.tile(linear(color), (len(both), 1)),
        normals=normals,
        neck_head=shares,
    )


def _relaxed(points: Points, triangles: Triangles, rounds: int) -> Points:
    """Laplacian smoothing with the borders smoothed along themselves only."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    edges = np.concatenate([edges, edges[:, ::-1]])
    border = np.zeros(len(points), bool)
    loops = [np.array(loop) for loop in border_loops(triangles)]
    for loop in loops:
        border[loop] = True
    count = np.maximum(np.bincount(edges[:, 0], minlength=len(points)), 1)
    out = points.copy()
    for _ in range(rounds):
        mean = np.stack(
            [np.bincount(edges[:, 0], out[edges[:, 1], axis], minlength=len(out)) / count for axis in range(3)],
            axis=1,
        )
        for loop in loops:
            mean[loop] = 0.5 * (out[np.roll(loop, 1)] + out[np.roll(loop, -1)])
        out = 0.5 * out + 0.5 * mean
    return out


def _collar(edge: Points) -> tuple[Points, Triangles]:
    """A ribbed band standing on the garment's edge and leaning on the neck."""
    edge = _resampled(edge, _RIBS * 2)
    centre = edge.mean(axis=0)
    inward = centre - edge
    inward[:, 1] = 0.0
    inward /= np.linalg.norm(inward, axis=1, keepdims=True)
    up = np.array([0.0, 1.0, 0.0])
    rib = (np.arange(len(edge)) % 2)[:, None] * 0.0009
    # Cross-section, from inside the garment over the top and down the outside: inward and up, metres.
    section = [
        (-0.0010, -0.0060, 0.0),
        (-0.0012, 0.0010, 1.0),
        (0.0022, 0.35 * _COLLAR_HEIGHT_M, 1.0),
        (0.0062, 0.75 * _COLLAR_HEIGHT_M, 1.0),
        (0.0086, 0.97 * _COLLAR_HEIGHT_M, 0.6),
        (0.0098, 1.00 * _COLLAR_HEIGHT_M, 0.0),
        (0.0098 + _COLLAR_THICKNESS_M, 0.92 * _COLLAR_HEIGHT_M, 0.0),
        (0.0050 + _COLLAR_THICKNESS_M, 0.30 * _COLLAR_HEIGHT_M, 0.0),
    ]
    rows = [edge + inward * (into - rib * share) + up * rise for into, rise, share in section]
    triangles = grid_triangles(len(rows), len(edge), closed=True)
    points = np.concatenate(rows)
    facing = np.cross(
        points[triangles[:, 1]] - points[triangles[:, 0]], points[triangles[:, 2]] - points[triangles[:, 0]]
    )
    outside = points[triangles[:, 0]] - centre
    first_row = triangles.max(axis=1) < 3 * len(edge)
    if float((facing * outside)[first_row].sum()) < 0.0:
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    return points, triangles


def _resampled(loop: Points, count: int) -> Points:
    """A closed line with ``count`` points at even distances, lightly smoothed."""
    for _ in range(6):
        loop = 0.5 * loop + 0.25 * (np.roll(loop, 1, axis=0) + np.roll(loop, -1, axis=0))
    closed = np.concatenate([loop, loop[:1]])
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    at = np.linspace(0.0, length[-1], count, endpoint=False)
    return np.stack([np.interp(at, length, closed[:, axis]) for axis in range(3)], axis=1)
