"""Eyebrows made of single hairs lying on the skin, with its shapes."""

from __future__ import annotations

import numpy as np

from avatarkit.avatars.bundle import Material, MaterialKind
from avatarkit.studio.character.parts import Part, Scalars, linear, outside
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import CharacterSpec
from avatarkit.studio.character.surface import FrontSurface

_FEWEST_HAIRS, _MOST_HAIRS = 110, 240
"""On each side."""


def brow_line(along: Scalars, gender: float) -> tuple[Scalars, Scalars, Scalars]:
    """Middle of a brow, metres from the eye's centre (outwards, up), and its half height; ``along`` 0..1.

    With ``gender`` 1 it lies lower and straighter than with 0.
    """
    out = -0.0165 + 0.0425 * along
    up = (
        0.0205
        - 0.0026 * gender
        + (0.0062 - 0.0022 * gender) * np.sin(np.pi * np.clip(0.06 + 0.68 * along, 0.0, 1.0))
        - 0.0075 * np.clip(along - 0.66, 0.0, 1.0)
    )
    half = 0.0031 * (1.0 - 0.72 * along**1.6) * (0.72 + 0.28 * np.clip(along / 0.15, 0.0, 1.0))
    return out, up, half


def brow_hairs(spec: CharacterSpec) -> float:
    """Height of the brows against a middling pair's."""
    return 0.70 + 0.60 * spec.brows


def brows(person: Person, surface: FrontSurface, spec: CharacterSpec) -> Part:
    """Both brows as one part."""
    rng = np.random.default_rng(spec.seed)
    count = round(_FEWEST_HAIRS + (_MOST_HAIRS - _FEWEST_HAIRS) * spec.brows)
    hair = np.array(spec.hair) * (1.0 - 0.7 * spec.grey) + 0.7 * spec.grey * np.array([0.55, 0.54, 0.53])
    roots, tips, tones = [], [], []
    for eye in person.eyes:
        along = np.sqrt(rng.random(count)) * 0.15 + rng.random(count) * 0.85
        across = np.clip(rng.normal(size=count) * 0.50, -1.0, 1.0)
        out, up, half = brow_line(along, spec.gender)
        half = half * brow_hairs(spec)
        lift = 1.15 - 1.75 * along - 0.45 * across
        length = (0.0062 + 0.0018 * rng.random(count)) * (1.0 - 0.30 * along)
        angle = np.clip(lift + rng.normal(size=count) * 0.12, -0.75, 1.35)
        x, y = out, up + across * half
        roots.append(np.stack([eye.centre[0] + eye.side * x, eye.centre[1] + y], axis=1))
        tips.append(roots[-1] + np.stack([eye.side * np.cos(angle), np.sin(angle)], axis=1) * length[:, None])
        tones.append(0.75 + 0.5 * rng.random(count))
    root, tip, tone = np.concatenate(roots), np.concatenate(tips), np.concatenate(tones)
    rows = []
    for share in (0.0, 0.5, 1.0):
        bend = np.stack([np.zeros(len(root)), np.full(len(root), 0.0006)], axis=1) * np.sin(np.pi * share)
        points, normals, deltas = surface.at(root * (1 - share) + tip * share + bend)
        rows.append((points + normals * (0.00015 + 0.0009 * np.sin(np.pi * min(share * 0.8, 1.0))), normals, deltas))
    sound = np.isfinite(np.concatenate([row[0] for row in rows], axis=1)).all(axis=1)
    return _part(rows, sound, tone, surface.names, hair)


def _part(
    rows: list[tuple[Points, Points, dict[str, Points]]],
    sound: np.ndarray,
    tone: Scalars,
    names: list[str],
    hair: Points,
) -> Part:
    base, middle, tip = (row[0][sound] for row in rows)
    normals = rows[0][1][sound]
    across = np.cross(normals, tip - base)
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    half = across * 0.00017
    corners = [base - half, base + half, middle - half * 0.9, middle + half * 0.9, tip]
    count = len(base)
    points = np.stack(corners, axis=1).reshape(-1, 3)
    pattern = np.array([[0, 1, 3], [0, 3, 2], [2, 3, 4]])
    triangles = (np.arange(count)[:, None, None] * 5 + pattern[None]).reshape(-1, 3).astype(np.uint32)
    shapes = {}
    for name in names:
        a, b, c = (row[2][name][sound] for row in rows)
        shapes[name] = np.stack([a, a, b, b, c], axis=1).reshape(-1, 3)
    # Lit from above on a lying normal, dark hairs look darker than they are; fair ones do not.
    lift = float(np.interp(np.mean(hair), [0.25, 0.65], [1.6, 0.75]))
    color = linear(hair)[None, :] * tone[sound][:, None] * lift
    return Part(
        name="brows",
        points=points,
        triangles=outside(points, np.repeat(normals, 5, axis=0), triangles),
        material=Material("brows", MaterialKind.LASH, roughness=0.6, double_sided=True),
        colors=np.repeat(color, 5, axis=0),
        shapes=shapes,
        normals=np.repeat(normals, 5, axis=0),
    )
