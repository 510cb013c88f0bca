"""What is worn: the torso's surface, smoothed and lifted, cut at a neckline, and what is sewn to its edge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.avatars.normals import vertex_normals
from avatarkit.studio.character.clip import border_loops, clip, drop_loose
from avatarkit.studio.character.collars import Band, band, coat_collar, collar_leaves
from avatarkit.studio.character.fabric import tile_width_m
from avatarkit.studio.character.parts import Part, Scalars, Triangles, linear
from avatarkit.studio.character.person import Person, neck_head_shares
from avatarkit.studio.character.sewing import FrontOfCloth, Sewn, button_band, folds, lapels, seam
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import CharacterSpec, Clothing, Color
from avatarkit.studio.character.subdivide import triangulate

CUT_BELOW_M: Final = -0.30
"""Nothing below it is in any picture."""
_WIDEST_M: Final = 0.27
"""Arms end outside the picture."""


@dataclass(frozen=True, slots=True)
class _Cut:
    """The edge of a garment around the neck."""

    side_y_m: float
    front_m: float
    """How far it falls in front, and rises behind."""
    back_m: float
    away_m: float
    """How far from the neck, about, it runs."""


_CUTS: Final = {
    Clothing.JUMPER: _Cut(-0.146, 0.022, 0.018, 0.013),
    Clothing.TEE: _Cut(-0.150, 0.038, 0.020, 0.019),
    Clothing.SHIRT: _Cut(-0.142, 0.017, 0.018, 0.009),
    Clothing.BLAZER: _Cut(-0.142, 0.017, 0.018, 0.009),
}


class Neck:
    """Where a person's neck is, and how wide."""

    def __init__(self, person: Person) -> None:
        body = person.points[person.base.group_vertices("body")]
        ring = body[(np.abs(body[:, 1] + 0.118) < 0.010) & (np.abs(body[:, 0]) < 0.10)]
        self.middle_z = float(ring[:, 2].min() + ring[:, 2].max()) / 2
        self.radius = float(ring[:, 0].max())

    def polar(self, points: Points) -> tuple[Scalars, Scalars]:
        """Distance from the neck's axis, metres, and -1 behind .. 1 in front."""
        z = points[:, 2] - self.middle_z
        radius = np.hypot(points[:, 0], z)
        return radius, np.clip(z / np.maximum(radius, 1e-6), -1.0, 1.0)


def neckline(person: Person, clothing: Clothing, points: Points) -> Scalars:
    """Signed distance-like level, metres: positive where the garment covers the body."""
    neck, cut = Neck(person), _CUTS[clothing]
    radius, front = neck.polar(points)
    line = cut.side_y_m - cut.front_m * np.clip(front, 0.0, 1.0) ** 2 + cut.back_m * np.clip(-front, 0.0, 1.0) ** 2
    return np.asarray((line - points[:, 1]) * 0.85 + (radius - neck.radius - cut.away_m) * 0.55)


def garment(person: Person, spec: CharacterSpec, texture: int) -> list[Part]:
    """The parts of what is worn, the first being the one next to the skin."""
    kind = spec.clothing
    inner = spec.under if kind is Clothing.BLAZER else spec.cloth
    cloth, triangles = _torso(person, neckline(person, kind, person.points), 0.0050, spec.seed)
    edge = cloth[max(border_loops(triangles), key=lambda loop: float(cloth[loop, 1].mean()))]
    front = FrontOfCloth(cloth, triangles)
    sewn: list[Sewn] = []
    if kind in (Clothing.SHIRT, Clothing.BLAZER):
        trim = collar_leaves(edge, Neck(person).middle_z)
        top = float(edge[edge[:, 2].argmax(), 1])
        sewn += button_band(front, top - 0.004, CUT_BELOW_M + 0.012, _shine(inner))
    else:
        trim = [band(edge, Band(0.017, 0.0046, 0.30) if kind is Clothing.JUMPER else Band(0.0105, 0.0030, 0.15))]
    if kind is not Clothing.BLAZER:
        sewn += _shoulder_seams(person, front, edge, kind)
    tile_m = tile_width_m(kind)
    parts = [_part("garment", person, pieces=[(cloth, triangles), *trim], sewn=sewn, color=inner, texture=texture)]
    if kind is Clothing.BLAZER:
        coat, faces = _torso(person, _opening(person), 0.0120, spec.seed + 5)
        loop = coat[max(border_loops(faces), key=lambda loop: float(coat[loop, 1].mean()))]
        pieces = [(coat, faces), coat_collar(loop, coat, faces)]
        front = FrontOfCloth(coat, faces)
        sewn = [*lapels(front, _half_opening), *_shoulder_seams(person, front, loop, kind)]
        parts.append(_part("blazer", person, pieces=pieces, sewn=sewn, color=spec.cloth, texture=texture))
    for part in parts:
        part.uv = _cloth_uv(person, part.points) / tile_m
    return parts


def _shine(cloth: Color) -> Points:
    """Tint that makes buttons of a paler mother-of-pearl."""
    return np.asarray((0.45 * linear(cloth) + 0.40) / np.maximum(linear(cloth), 1e-3))


def _shoulder_seams(person: Person, front: FrontOfCloth, edge: Points, kind: Clothing) -> list[Sewn]:
    """Slanting from the neck to the armpit on knitwear, else around the arm's hole."""
    neck = Neck(person)
    out: list[Sewn] = []
    share = np.linspace(0.0, 1.0, 16)
    for side in (1.0, -1.0):
        if kind is Clothing.JUMPER:
            spin = np.arctan2(side * edge[:, 0], edge[:, 2] - neck.middle_z)
            start = edge[np.abs(spin - 0.95).argmin()]
            x = start[0] + side * 0.004 + (side * 0.150 - start[0]) * share
            y = start[1] - 0.003 + (-0.290 - start[1]) * share + 0.012 * np.sin(np.pi * share)
        else:
            x = side * (0.150 - 0.020 * np.sin(np.pi * share))
            y = -0.180 - 0.106 * share
        out += seam(front, x, y)
    return out


def _opening(person: Person) -> Scalars:
    """Level of a blazer: open in front down to the chest."""
    neck = Neck(person)
    points = person.points
    radius, front = neck.polar(points)
    around = (-0.158 + 0.026 * np.clip(-front, 0.0, 1.0) ** 2 - points[:, 1]) * 0.85 + (
        radius - neck.radius - 0.020
    ) * 0.55
    aside = np.where(points[:, 2] > neck.middle_z, np.abs(points[:, 0]) - _half_opening(points[:, 1]), 0.05)
    return np.minimum(around, 0.8 * aside)


def _half_opening(y: Scalars) -> Scalars:
    """Half the width of a blazer's opening at heights, metres."""
    return np.asarray(0.012 + 0.40 * np.clip(y + 0.315, 0.0, 0.2))


def _torso(person: Person, level: Scalars, lift_m: float, seed: int) -> tuple[Points, Triangles]:
    """The body where ``level`` is positive, smoothed, lifted and in folds."""
    quads = person.base.groups["body"].quads
    corners = person.points[quads]
    torso = (corners[:, :, 1].min(axis=1) > CUT_BELOW_M) & (corners[:, :, 1].max(axis=1) < -0.085)
    torso &= np.abs(corners[:, :, 0]).max(axis=1) < _WIDEST_M
    cut = clip(triangulate(quads[torso]), level)
    used, kept = drop_loose(cut.triangles, len(cut.first))
    cloth = _relaxed(cut(person.points)[used], kept, rounds=6)
    lift = lift_m + folds(cloth, Neck(person).polar(cloth)[0], seed)
    return cloth + vertex_normals(cloth, kept) * lift[:, None], kept


def _relaxed(points: Points, triangles: Triangles, rounds: int) -> Points:
    """Laplacian smoothing with the borders smoothed along themselves only."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).astype(np.int64)
    edges = np.concatenate([edges, edges[:, ::-1]])
    loops = [np.array(loop) for loop in border_loops(triangles)]
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


def _part(
    name: str,
    person: Person,
    *,
    pieces: list[tuple[Points, Triangles]],
    sewn: list[Sewn],
    color: Color,
    texture: int,
) -> Part:
    tints = [np.ones_like(own) for own, _ in pieces] + [own.tint for own in sewn]
    pieces = [*pieces, *((own.points, own.triangles) for own in sewn)]
    points = np.concatenate([own for own, _ in pieces])
    normals = np.concatenate([vertex_normals(own, faces) for own, faces in pieces])
    starts = np.cumsum([0, *(len(own) for own, _ in pieces)])
    triangles = np.concatenate([faces + np.uint32(start) for (_, faces), start in zip(pieces, starts, strict=False)])
    shares = neck_head_shares(points, person.neck_pivot, person.head_pivot)
    shares = np.stack([shares.sum(axis=1) * 0.35, np.zeros(len(points))], axis=1)
    return Part(
        name=name,
        points=points,
        triangles=triangles.astype(np.uint32),
        material=Material(name, MaterialKind.CLOTH, roughness=0.9, texture=texture, double_sided=True),
        colors=linear(color) * np.concatenate(tints),
        normals=normals,
        neck_head=shares,
    )


def _cloth_uv(person: Person, points: Points) -> Points:
    """Metres around and down from the neck (n, 2)."""
    neck = Neck(person)
    radius, _ = neck.polar(points)
    spin = np.arctan2(points[:, 0], points[:, 2] - neck.middle_z)
    return np.stack([spin * 0.13, radius - points[:, 1]], axis=1)
