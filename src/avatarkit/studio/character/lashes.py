"""Eyelashes: single tapered hairs along the lid edges of the base mesh, carried by its lash strips."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.clip import border_loops
from avatarkit.studio.character.parts import Part, linear, outside
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.source import Points, Quads
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.character.subdivide import triangulate

_UPPER_HAIRS: Final = 34
_LOWER_HAIRS: Final = 16
_LOWER_FROM: Final = 0.6
"""Lower lashes shorter than those of it are painted alone, see ``complexion``."""
_SEGMENTS: Final = 2
_COLOR: Final = (0.16, 0.11, 0.09)


def lashes(person: Person, spec: CharacterSpec) -> Part:
    """Upper and lower lashes of both eyes as one part."""
    rng = np.random.default_rng(spec.seed)
    points, triangles, normals = [], [], []
    shapes: dict[str, list[Points]] = {name: [] for name in person.shapes}
    start = 0
    for side in ("l", "r"):
        for row, count in (("2", _UPPER_HAIRS), ("1", _LOWER_HAIRS if spec.lashes >= _LOWER_FROM else 0)):
            root, tip = lid_edge(person, f"helper-{side}-eyelashes-{row}")
            upper = row == "2"
            eye = person.eyes[0 if side == "l" else 1]
            edge = (person.points[root] + person.points[tip]) / 2  # half-way out the strip passes the lid's rim
            strands = _strands(edge, eye.centre, count, upper=upper, reach=0.55 + 0.9 * spec.lashes, rng=rng)
            for position, curve, width in strands:
                own = _ribbon(curve, width)
                points.append(own)
                normals.append(np.tile(_unit(curve[1] - eye.centre), (len(own), 1)))
                triangles.append(_ribbon_triangles() + np.uint32(start))
                start += len(own)
                low = int(position)
                share = position - low
                for name, deltas in person.shapes.items():
                    rim = (deltas[root] + deltas[tip]) / 2
                    move = rim[low] * (1 - share) + rim[min(low + 1, len(root) - 1)] * share
                    shapes[name].append(np.tile(move, (len(own), 1)))
    part = Part(
        name="lashes",
        points=np.concatenate(points),
        triangles=outside(np.concatenate(points), np.concatenate(normals), np.concatenate(triangles)),
        material=Material("lashes", MaterialKind.LASH, roughness=0.6, double_sided=True),
        normals=np.concatenate(normals),
    )
    part.colors = np.tile(linear(_COLOR), (len(part.points), 1))
    part.shapes = {
        name: np.concatenate(moves) for name, moves in shapes.items() if np.abs(np.concatenate(moves)).max() > 4e-4
    }
    return part


def lid_edge(person: Person, group: str) -> tuple[Quads, Quads]:
    """Base vertices along a lash strip's root and its tip, both from the nose outwards."""
    triangles = triangulate(person.base.groups[group].quads)
    loop = border_loops(triangles)[0]
    quads = person.base.groups[group].quads
    uses = np.bincount(quads.ravel(), minlength=len(person.points))
    corners = [i for i, vertex in enumerate(loop) if uses[vertex] == 1]
    chains = []
    for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
        chain = loop[a : b + 1] if b > a else loop[a:] + loop[: b + 1]
        chains.append(np.array(chain))
    chains.sort(key=len, reverse=True)
    long = [
        chain if abs(person.points[chain[0], 0]) < abs(person.points[chain[-1], 0]) else chain[::-1]
        for chain in chains[:2]
    ]
    long.sort(key=lambda chain: float(person.points[chain, 2].mean()))
    return long[0], long[1]


def _strands(
    root: Points, centre: Points, count: int, *, upper: bool, reach: float, rng: np.random.Generator
) -> list[tuple[float, Points, float]]:
    """For each hair: place along the root, its curve (segments + 1, 3), and its width, metres."""
    out = []
    last = len(root) - 1
    for i in range(count):
        along = np.clip((i + 0.5) / count + rng.normal() * 0.35 / count, 0.03, 0.95)
        position = along * last
        low = int(position)
        share = position - low
        base = root[low] * (1 - share) + root[min(low + 1, last)] * share
        outward = _unit(base - centre)
        outer = np.array([np.sign(centre[0]), 0.0, 0.0])
        length = (0.0054 if upper else 0.0022) * (0.50 + 0.62 * np.sin(np.pi * (0.12 + 0.66 * along)))
        length *= reach * (0.80 + 0.35 * rng.random())
        rise = 1.0 if upper else -1.0
        fan = outer * (along - 0.42) * 0.95 + rng.normal() * 0.10 * outer
        lean = np.array([0.0, rise * (0.34 if upper else 0.55), 0.0])
        first = _unit(outward * np.array([1.0, 0.5, 1.0]) + fan * 0.6 + lean * (0.15 if upper else 1.0))
        curl = np.array([0.0, rise, 0.0]) * (1.15 if upper else 0.35)
        steps = np.linspace(0.0, 1.0, _SEGMENTS + 1)[:, None]
        curve = base - outward * 0.0004 + length * (first * steps + curl * 0.5 * steps**2)
        out.append((position, curve, (0.00072 if upper else 0.00040) * (0.25 + 0.75 * reach)))
    return out


def _ribbon(curve: Points, width: float) -> Points:
    along = np.gradient(curve, axis=0)
    across = np.cross(along, np.array([0.0, 0.0, 1.0]))
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    taper = np.linspace(1.0, 0.0, len(curve))[:-1, None] ** 0.6
    half = across[:-1] * taper * (width / 2)
    return np.concatenate([curve[:-1] - half, curve[:-1] + half, curve[-1:]])


def _ribbon_triangles() -> np.ndarray:
    n = _SEGMENTS
    out = [[i, i + 1, n + i] for i in range(n - 1)] + [[i + 1, n + i + 1, n + i] for i in range(n - 1)]
    out.append([n - 1, 2 * n, 2 * n - 1])
    return np.array(out, np.uint32)


def _unit(vector: Points) -> Points:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))
