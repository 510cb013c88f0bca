"""Glasses: two rims, a bridge and temples, all tubes; they follow the head."""

from __future__ import annotations

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.groom import unit
from avatarkit.studio.character.parts import Part, Triangles, grid_triangles, linear
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import CharacterSpec, Glasses

_TUBE_SIDES = 7
_RIM_STEPS = 40
_CLEAR_M = 0.0035
"""Room between the rims and the face."""


def glasses(person: Person, skin: Points, spec: CharacterSpec) -> list[Part]:
    """The frame as one part, or nothing. ``skin`` (n, 3) are the points of the face."""
    if spec.glasses is Glasses.NONE:
        return []
    tubes = []
    rims = []
    for eye in person.eyes:
        rim = _rim(spec.glasses, eye.centre, eye.side)
        rims.append(rim)
    # As near to the face as brows and cheeks allow.
    shift = max(_depth(skin, rim) for rim in rims)
    rims = [rim + np.array([0.0, 0.0, shift]) for rim in rims]
    thick = 0.00130 if spec.glasses is Glasses.ROUND else 0.00170
    for eye, rim in zip(person.eyes, rims, strict=True):
        tubes.append(_tube(rim, thick, closed=True))
        tubes.append(_tube(_temple(skin, rim, eye.side), thick * 0.95))
    tubes.append(_tube(_bridge(rims), thick))
    points = np.concatenate([own for own, _ in tubes])
    starts = np.cumsum([0, *(len(own) for own, _ in tubes)])
    triangles = np.concatenate([faces + np.uint32(start) for (_, faces), start in zip(tubes, starts, strict=False)])
    return [
        Part(
            name="glasses",
            points=points,
            triangles=triangles.astype(np.uint32),
            material=Material("glasses", MaterialKind.MATTE, roughness=0.30),
            colors=np.tile(linear(spec.glasses_color), (len(points), 1)),
        )
    ]


def _rim(form: Glasses, centre: Points, side: int) -> Points:
    """One rim around an eye, not yet moved to its distance."""
    turn = np.linspace(0.0, 2.0 * np.pi, _RIM_STEPS, endpoint=False)
    cosine, sine = np.cos(turn), np.sin(turn)
    if form is Glasses.ROUND:
        x, y = 0.0225 * cosine, 0.0215 * sine
    else:
        x = 0.0255 * np.sign(cosine) * np.abs(cosine) ** 0.55
        y = 0.0185 * np.sign(sine) * np.abs(sine) ** 0.60 * (1.0 + 0.06 * cosine * side)
    middle = centre + np.array([side * 0.0035, -0.0035, 0.0])
    # The front is bent a little around the face and leans forward at the top.
    wrapped = -2.2 * (np.abs(middle[0] + x) - 0.03) ** 2 - 0.10 * np.maximum(np.abs(middle[0] + x) - 0.03, 0.0)
    return np.stack([middle[0] + x, middle[1] + y, wrapped + 0.10 * y], axis=1)


def _depth(skin: Points, rim: Points) -> float:
    """How far a rim must move forward to clear the face."""
    face = skin[(skin[:, 2] > -0.02) & (np.abs(skin[:, 1]) < 0.05)]
    near = np.linalg.norm(face[:, None, :2] - rim[None, :, :2], axis=2) < 0.004
    gap = np.where(near, face[:, None, 2] - rim[None, :, 2], -1.0)
    return float(gap.max()) + _CLEAR_M


def _temple(skin: Points, rim: Points, side: int) -> Points:
    """From the rim's outer end back over the ear and down behind it."""
    start = rim[np.argmax(rim[:, 0] * side + 0.5 * rim[:, 1])]
    temple = skin[(np.abs(skin[:, 1] - 0.010) < 0.008) & (skin[:, 2] < -0.005) & (skin[:, 2] > -0.050)]
    wide = float((temple[:, 0] * side).max()) + 0.0020
    knots = np.array(
        [
            start,
            [side * (abs(start[0]) + 0.0045), start[1], start[2] - 0.004],
            [side * max(abs(start[0]) + 0.006, wide - 0.004), start[1] + 0.001, start[2] - 0.022],
            [side * wide, 0.0135, -0.050],
            [side * (wide + 0.001), 0.0125, -0.082],
            [side * wide, -0.006, -0.100],
        ]
    )
    at = np.linspace(0.0, len(knots) - 1.0, 18)
    line = np.stack([np.interp(at, np.arange(len(knots)), knots[:, i]) for i in range(3)], axis=1)
    for _ in range(2):
        line[1:-1] = 0.5 * line[1:-1] + 0.25 * (line[:-2] + line[2:])
    return line


def _bridge(rims: list[Points]) -> Points:
    """An arch between the rims' inner ends."""
    ends = []
    for rim, side in zip(rims, (1.0, -1.0), strict=True):
        ends.append(rim[np.argmin(rim[:, 0] * side - 0.45 * rim[:, 1])])
    share = np.linspace(0.0, 1.0, 9)[:, None]
    arch = np.sin(np.pi * share)
    return np.asarray(ends[0] * (1 - share) + ends[1] * share + arch * np.array([0.0, 0.0035, 0.0025]))


def _tube(line: Points, radius: float, *, closed: bool = False) -> tuple[Points, Triangles]:
    along = unit(np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0) if closed else np.gradient(line, axis=0))
    side = unit(np.cross(along, np.array([0.02, 0.03, 1.0]) if closed else np.array([0.0, 1.0, 0.05])))
    up = np.cross(side, along)
    turn = np.linspace(0.0, 2.0 * np.pi, _TUBE_SIDES, endpoint=False)
    ring = side[:, None] * np.cos(turn)[None, :, None] + up[:, None] * np.sin(turn)[None, :, None]
    points = line[:, None] + radius * ring
    rows = np.concatenate([points, points[:1]]) if closed else points
    faces = grid_triangles(len(rows), _TUBE_SIDES, closed=True)
    flat = rows.reshape(-1, 3)
    a, b, c = (flat[faces[:, i]] for i in range(3))
    middles = np.repeat(np.concatenate([line, line[:1]]) if closed else line, _TUBE_SIDES, axis=0)
    if float((np.cross(b - a, c - a) * (a - middles[faces[:, 0]])).sum()) < 0.0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    return flat, faces
