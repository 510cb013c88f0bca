"""The colours of the skin: a function of place on the head, painted into the texture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from avatarkit.studio.character.beard import beard_shadow
from avatarkit.studio.character.brows import brow_hairs, brow_line
from avatarkit.studio.character.creases import creases, pores
from avatarkit.studio.character.lashes import lid_edge
from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.scalp import SIDES_DEGREES, Scalp, turn
from avatarkit.studio.character.source import Points
from avatarkit.studio.character.spec import CharacterSpec, HairStyle

_MOST_FRECKLES: Final = 360
SIDE_FADE_M: Final = 0.004
"""How much longer the sides of a crop take to be dense than other hairlines do."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Masks that the base mesh brings along, one number for each texel, 0..1."""

    lips: Scalars
    ears: Scalars


def complexion(person: Person, spec: CharacterSpec, points: Points, marks: Marks) -> Points:
    """sRGB colours (n, 3), 0..1, of places on the skin (n, 3), metres."""
    base = np.array(spec.skin)
    color = np.tile(base, (len(points), 1))
    color = _tint(color, np.array([1.03, 0.87, 0.84]), 2.0 * spec.blush * _blush(person, points) + 0.30 * marks.ears)
    color = _tint(color, np.array([0.90, 0.86, 0.90]), _under_eyes(person, points))
    color = _tint(color, np.array([0.86, 0.74, 0.72]), _lids(person, points))
    flush = 1.0 + 0.018 * value_noise(points, 0.006, 5) + 0.014 * value_noise(points, 0.017, 6)
    color *= (1.0 + _mottle(points))[:, None] * flush[:, None] ** np.array([0.5, 1.0, 1.4])
    color *= 1.0 - creases(person, spec.age, points)[:, None] * np.array([0.55, 0.75, 0.80])
    color *= 1.0 - 0.10 * pores(points, _nose_tip(person))[:, None] * np.array([0.8, 1.0, 1.0])
    if spec.freckles > 0.0:
        color *= 1.0 - _freckles(person, points, spec)[:, None] * np.array([0.10, 0.17, 0.20])
    color = _lip_color(color, spec, points, marks.lips, person)
    color = _brow_shadow(person, points, color, spec)
    color = beard_shadow(color, spec, points, marks.lips, _mouth_height(person))
    return np.clip(_lash_line(person, points, color), 0.0, 1.0)


def _tint(color: Points, factor: Points, amount: Scalars) -> Points:
    return np.asarray(color * (1.0 - np.clip(amount, 0.0, 1.0)[:, None] * (1.0 - factor)))


def _blob(points: Points, centre: tuple[float, float, float], reach: tuple[float, float, float]) -> Scalars:
    """A soft blob on both sides of the face."""
    own = np.column_stack([np.abs(points[:, 0]), points[:, 1:]])
    return np.asarray(np.exp(-(((own - np.array(centre)) / np.array(reach)) ** 2).sum(axis=1)))


def _nose_tip(person: Person) -> Points:
    body = person.points[person.base.group_vertices("body")]
    middle = body[(np.abs(body[:, 0]) < 0.004) & (body[:, 1] > -0.05) & (body[:, 1] < -0.01)]
    return np.asarray(middle[middle[:, 2].argmax()])


def _blush(person: Person, points: Points) -> Scalars:
    tip = _nose_tip(person)
    cheeks = 0.50 * _blob(points, (0.040, tip[1] + 0.003, 0.016), (0.019, 0.015, 0.03))
    nose = 0.55 * _blob(points, (0.0, tip[1] + 0.001, tip[2]), (0.013, 0.011, 0.016))
    wings = 0.35 * _blob(points, (0.014, tip[1] - 0.004, tip[2] - 0.012), (0.007, 0.007, 0.010))
    chin = 0.28 * _blob(points, (0.0, tip[1] - 0.063, 0.022), (0.014, 0.011, 0.02))
    forehead = 0.14 * _blob(points, (0.0, 0.055, 0.02), (0.035, 0.02, 0.03))
    return np.asarray(cheeks + nose + wings + chin + forehead)


def _under_eyes(person: Person, points: Points) -> Scalars:
    eye = person.eyes[0]
    x, y = float(eye.centre[0]), float(eye.centre[1])
    return np.asarray(0.38 * _blob(points, (x - 0.006, y - 0.0115, 0.018), (0.013, 0.0052, 0.02)))


def _lids(person: Person, points: Points) -> Scalars:
    eye = person.eyes[0]
    x, y = float(eye.centre[0]), float(eye.centre[1])
    upper = 0.05 * _blob(points, (x + 0.002, y + 0.0080, 0.014), (0.015, 0.0048, 0.016))
    corner = 0.20 * _blob(points, (x - 0.0135, y - 0.001, 0.012), (0.005, 0.004, 0.01))
    return np.asarray(upper + corner)


def _mottle(points: Points) -> Scalars:
    """Uneven tone, from blotches down to pores; -0.1..0.1."""
    coarse = 0.019 * value_noise(points, 0.016, 1) + 0.014 * value_noise(points, 0.0055, 2)
    fine = 0.024 * value_noise(points, 0.0016, 3) + 0.028 * value_noise(points, 0.0008, 4)
    return np.asarray(coarse + fine)


def _freckles(person: Person, points: Points, spec: CharacterSpec) -> Scalars:
    rng = np.random.default_rng(spec.seed + 7)
    count = max(1, round(_MOST_FRECKLES * spec.freckles))
    tip = _nose_tip(person)
    body = person.points[person.base.group_vertices("body")]
    face = body[(body[:, 2] > 0.0) & (np.abs(body[:, 1] - tip[1]) < 0.03)]
    spots = np.column_stack(
        [rng.normal(0.0, 0.027, count), tip[1] + 0.010 + rng.normal(0.0, 0.010, count), np.zeros(count)]
    )
    _, near = cKDTree(face[:, :2]).query(spots[:, :2])
    spots[:, 2] = face[near, 2]
    distance, which = cKDTree(spots[:, :2]).query(points[:, :2])
    size, depth = rng.uniform(0.0004, 0.0009, count), rng.uniform(0.15, 0.55, count)
    return np.asarray(np.exp(-((distance / size[which]) ** 2)) * depth[which] * (points[:, 2] > 0.0))


def _mouth_height(person: Person) -> float:
    """Where the lips meet, metres."""
    return float(person.points[person.base.group_vertices("helper-upper-teeth"), 1].min())


def _lip_color(color: Points, spec: CharacterSpec, points: Points, mask: Scalars, person: Person) -> Points:
    line = _mouth_height(person)
    wrinkles = 0.05 * value_noise(points * np.array([1.0, 0.18, 0.18]), 0.0009, 8) + 0.04 * value_noise(
        points, 0.003, 9
    )
    inner = np.exp(-(((points[:, 1] - line) / 0.0030) ** 2))
    upper = smooth(line, line + 0.004, points[:, 1])
    tone = (1.0 + wrinkles) * (1.0 - 0.16 * inner) * (1.0 - 0.07 * upper)
    own = np.array(spec.lips)[None, :] * tone[:, None]
    # Where moist lips catch the light: a broken band on the lower one, the edge of the upper one.
    x, y = points[:, 0], points[:, 1] - line
    band = np.exp(-(((y + 0.0062) / 0.0017) ** 2) - (x / 0.011) ** 2)
    rim = 0.5 * np.exp(-(((y - 0.0062 + 6.0 * x * x) / 0.0009) ** 2) - (x / 0.009) ** 2)
    broken = np.clip(0.65 + 0.6 * value_noise(points * np.array([1.0, 0.2, 0.2]), 0.0011, 10), 0.0, 1.0)
    own = own + (0.46 * spec.gloss * broken * (band + rim))[:, None] * np.array([1.0, 0.95, 0.93])
    amount = (smooth(0.12, 0.85, mask) * 0.80)[:, None]
    return np.asarray(color * (1.0 - amount) + own * amount)


def _brow_shadow(person: Person, points: Points, color: Points, spec: CharacterSpec) -> Points:
    hair = np.array(spec.hair) * (1.0 - 0.7 * spec.grey) + 0.7 * spec.grey * np.array([0.55, 0.54, 0.53])
    along = np.linspace(0.02, 0.97, 60)
    out, up, half = brow_line(along, spec.gender)
    half = half * brow_hairs(spec)
    amount = np.zeros(len(points))
    for eye in person.eyes:
        line = np.column_stack([eye.centre[0] + eye.side * out, eye.centre[1] + up])
        distance, which = cKDTree(line).query(points[:, :2])
        ends = smooth(0.0, 0.25, along) * smooth(1.0, 0.75, along)
        amount += np.exp(-((distance / (half[which] * 0.95)) ** 2)) * ends[which] * (points[:, 2] > 0.0)
    # Single hairs, leaning outwards and up.
    leaning = points * np.array([0.55, 1.0, 0.4]) + np.abs(points[:, :1]) * np.array([0.0, -0.5, 0.0])
    hairs = 0.5 + 0.5 * value_noise(leaning, 0.0008, spec.seed + 23)
    share = (np.clip(amount, 0.0, 1.0) * (0.50 + 0.35 * hairs) * (0.6 + 0.4 * spec.brows))[:, None]
    return np.asarray(color * (1.0 - share) + (0.12 * color + 0.75 * hair) * share)


def _lash_line(person: Person, points: Points, color: Points) -> Points:
    dark = np.array([0.16, 0.10, 0.09])
    for side in ("l", "r"):
        for row, reach, strength in (("2", 0.0013, 0.72), ("1", 0.0010, 0.30)):
            root, tip = lid_edge(person, f"helper-{side}-eyelashes-{row}")
            own = (person.points[root] + person.points[tip]) / 2
            dense = np.concatenate([own[:-1] + (own[1:] - own[:-1]) * t for t in np.linspace(0.0, 1.0, 12)])
            distance, _ = cKDTree(dense).query(points, distance_upper_bound=0.006)
            share = (strength * np.exp(-((np.minimum(distance, 0.01) / reach) ** 2)))[:, None]
            color = color * (1.0 - share) + dark * share
    return color


def hair_roots(color: Points, spec: CharacterSpec, scalp: Scalp, points: Points) -> Points:
    """The skin under hair, tinted by it; at the hairline single hairs thin out."""
    if spec.hair_style is HairStyle.NONE:
        return color
    # Fine noise, drawn out in the direction of growth, stands for single hairs.
    hairs = value_noise(points * np.array([1.0, 0.45, 0.55]), 0.0009, spec.seed + 21)
    level = scalp.level(points) + 0.0020 * hairs + 0.0020 * value_noise(points, 0.007, spec.seed + 22)
    fading = SIDE_FADE_M * smooth(*SIDES_DEGREES, turn(points)) if spec.hair_style is HairStyle.CROP else 0.0
    share = np.clip((level + 0.007) / (0.013 + fading), 0.0, 1.0)
    amount = 0.92 * smooth(0.0, 1.0, share) * (np.abs(scalp.height(points)) < 0.008)
    tint = np.array(spec.hair) * (1.0 - spec.grey) + np.array([0.50, 0.49, 0.48]) * spec.grey
    return np.asarray(color * (1.0 - amount[:, None]) + tint * 0.80 * amount[:, None])
