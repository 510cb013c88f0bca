"""Facial hair: where it grows, its shadow on the skin, and short locks that follow the jaw."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Part, Scalars, linear, outside, smooth
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import CharacterSpec, FacialHair

_LOCKS: Final = {FacialHair.BEARD: 620, FacialHair.GOATEE: 200, FacialHair.MOUSTACHE: 130}
_SHADE: Final = {
    FacialHair.STUBBLE: 0.52, FacialHair.BEARD: 0.92, FacialHair.GOATEE: 0.90, FacialHair.MOUSTACHE: 0.90,
}  # fmt: skip
_CARRIED_M: Final = 0.0040
"""Shapes that move the locks less than this leave them where they are."""


def grows(kind: FacialHair, points: Points, mouth_y: float) -> Scalars:
    """How densely hair grows at places on the face (n, 3), 0..1; ``mouth_y`` is where the lips meet, metres."""
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    below = y - mouth_y
    # The upper border falls from the sideburn over the cheek to the corner of the mouth.
    border = np.interp(
        x, [0.0, 0.022, 0.034, 0.048, 0.058, 0.068, 0.080], [0.006, 0.000, -0.006, 0.006, 0.026, 0.066, 0.090]
    )
    cheek = smooth(0.014, -0.014, below - border) * smooth(-0.088, -0.040, z) * smooth(-0.120, -0.098, y)
    lip = smooth(0.0028, 0.0055, below) * smooth(0.0175, 0.0130, below + 0.20 * x) * smooth(0.034, 0.024, x)
    lip = lip * (z > 0.0)
    bare = np.exp(-((x / 0.011) ** 2) - ((below + 0.0125) / 0.0045) ** 2)
    chin = smooth(0.034, 0.022, x) * (z > -0.035)
    soul = np.exp(-((x / 0.0045) ** 2) - ((below + 0.0130) / 0.006) ** 2)
    # The lower lip and its corners stay free, in a soft oval.
    lower_lip = smooth(1.15, 0.80, np.hypot(x / 0.0285, (below + 0.0030) / 0.0105))
    full = np.clip(cheek * (1.0 - 0.85 * bare) * (1.0 - lower_lip) + 0.6 * soul, 0.0, 1.0)
    if kind is FacialHair.MOUSTACHE:
        return np.asarray(lip)
    if kind is FacialHair.GOATEE:
        beside = smooth(0.020, 0.024, x) * smooth(0.034, 0.029, x) * (z > -0.01)
        around = np.maximum(chin * smooth(-0.012, -0.020, below), beside * smooth(0.004, 0.0, below))
        return np.maximum(lip, full * around)
    return np.maximum(lip, full)


def beard_shadow(color: Points, spec: CharacterSpec, points: Points, lips: Scalars, mouth_y: float) -> Points:
    """The skin (n, 3) darkened by the hair that grows from it; ``lips`` stay free."""
    if spec.facial_hair is FacialHair.NONE:
        return color
    where = grows(spec.facial_hair, points, mouth_y) * (1.0 - smooth(0.1, 0.6, lips))
    hairs = value_noise(points, 0.00085, spec.seed + 41) + 0.6 * value_noise(
        points * np.array([1.0, 0.4, 0.7]), 0.0016, spec.seed + 42
    )
    amount = _SHADE[spec.facial_hair] * smooth(
        0.0, 1.0, where * (1.0 + 0.10 * hairs) + 0.30 * hairs * where * (1.0 - where)
    )
    amount = amount * np.clip(0.80 + 0.28 * hairs, 0.0, 1.15)
    tint = _tint(spec) * 0.75
    return np.asarray(color * (1.0 - amount[:, None]) + (0.16 * color + 0.84 * tint) * amount[:, None])


def _tint(spec: CharacterSpec) -> Points:
    grey = min(1.0, 1.5 * spec.grey)
    return np.asarray(np.array(spec.hair) * (1.0 - grey) + np.array([0.56, 0.55, 0.54]) * grey)


def facial_hair(person: Person, skin: Part, spec: CharacterSpec) -> list[Part]:
    """Short locks on the skin, with its shapes; nothing for stubble, which is painted."""
    count = _LOCKS.get(spec.facial_hair, 0)
    if not count or skin.normals is None:
        return []
    rng = np.random.default_rng(spec.seed + 43)
    mouth_y = float(person.points[person.base.group_vertices("helper-upper-teeth"), 1].min())
    corners = skin.points[skin.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    dense = grows(spec.facial_hair, corners.mean(axis=1), mouth_y)
    odds = area * dense * (dense > 0.25)
    faces = skin.triangles[rng.choice(len(area), count, p=odds / odds.sum())]
    mix = rng.dirichlet((1.0, 1.0, 1.0), count)

    def at(values: Points) -> Points:
        return np.asarray((values[faces] * mix[..., None]).sum(axis=1))

    root, normal = at(skin.points), at(skin.normals)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    low = root[:, 1] < mouth_y
    flow = np.column_stack([0.45 * np.sign(root[:, 0]) * ~low, np.full(count, -1.0), 0.15 * low]) + 0.22 * rng.normal(
        size=(count, 3)
    )
    flow -= normal * (flow * normal).sum(axis=1, keepdims=True)
    flow /= np.linalg.norm(flow, axis=1, keepdims=True)
    length = np.where(low, 0.0115, 0.0048) * rng.uniform(0.75, 1.25, count)
    across = np.cross(flow, normal) * (np.where(low, 0.00062, 0.00046) * rng.uniform(0.7, 1.3, count))[:, None]
    rows = []
    for share, wide, rise in ((0.0, 0.7, 0.0003), (0.5, 1.0, 0.0017)):
        middle = root + flow * (length * share)[:, None] + normal * rise
        rows += [middle - across * wide, middle + across * wide]
    rows.append(root + flow * length[:, None] + normal * 0.0013)
    points = np.stack(rows, axis=1).reshape(-1, 3)
    pattern = np.array([[0, 1, 3], [0, 3, 2], [2, 3, 4]])
    triangles = (np.arange(count)[:, None, None] * 5 + pattern[None]).reshape(-1, 3).astype(np.uint32)
    tone = rng.uniform(0.95, 1.55, count)
    colors = linear(_tint(spec))[None, :] * tone[:, None]
    shapes = {name: at(deltas) for name, deltas in skin.shapes.items()}
    # Normals of the skin below: locks are lit like the face they lie on.
    return [
        Part(
            name="facial hair",
            points=points,
            triangles=outside(points, np.repeat(normal, 5, axis=0), triangles),
            material=Material("facial hair", MaterialKind.LASH, roughness=0.7, double_sided=True),
            colors=np.repeat(colors, 5, axis=0),
            shapes={
                name: np.repeat(deltas, 5, axis=0)
                for name, deltas in shapes.items()
                if np.abs(deltas).max() > _CARRIED_M
            },
            normals=np.repeat(normal, 5, axis=0),
        )
    ]
