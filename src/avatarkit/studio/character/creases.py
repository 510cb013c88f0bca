"""Fine lines of the face, as shade in the skin's texture: lids, corners of the eyes, forehead, beside the mouth."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.person import Person
from avatarkit.studio.character.source import Points


def creases(person: Person, age: float, points: Points) -> Scalars:
    """How much darker lines make places on the face (n, 3), 0..1: faint on the young, deeper with the years."""
    worn = float(smooth(25.0, 75.0, age))
    out = np.zeros(len(points))
    for eye in person.eyes:
        own = np.column_stack([(points[:, 0] - eye.centre[0]) * eye.side, points[:, 1] - eye.centre[1]])
        near = (np.abs(own) < 0.035).all(axis=1) & (points[:, 2] > -0.02)
        out[near] += _around_eye(own[near], worn)
    front = points[:, 2] > 0.0
    out += front * _forehead(points, worn)
    return np.clip(out, 0.0, 0.6)


def pores(points: Points, nose_tip: Points) -> Scalars:
    """Small dark dots, most on nose, cheeks and chin, 0..1."""
    own = (points - nose_tip) / np.array([0.040, 0.036, 0.050])
    where = 0.35 + 0.65 * np.exp(-(own**2).sum(axis=1))
    dots = value_noise(points, 0.00055, 12) + 0.5 * value_noise(points, 0.0011, 13)
    return np.asarray(smooth(0.28, 0.85, dots) * where * (points[:, 2] > -0.02))


def _around_eye(own: Points, worn: float) -> Scalars:
    """``own`` (n, 2) are metres from the eye's centre, outwards and up."""
    out = np.zeros(len(own))
    # The fold below the lower lid, and one further down that comes with age.
    for low, depth, width in ((0.0098, 0.10 + 0.10 * worn, 0.0007), (0.0140, 0.04 + 0.16 * worn, 0.0010)):
        x = np.linspace(-0.015, 0.012, 40)
        y = -low + 0.0042 * ((x + 0.002) / 0.015) ** 2
        fade = smooth(-0.016, -0.006, x) * smooth(0.013, 0.004, x)
        out += depth * _line(own, np.column_stack([x, y]), width, fade)
    # Crow's feet fan out from the outer corner.
    for angle, reach in ((0.50, 0.010), (0.16, 0.012), (-0.18, 0.012), (-0.50, 0.010)):
        t = np.linspace(0.0, 1.0, 24)
        x = 0.0185 + reach * t * np.cos(angle)
        y = -0.001 + reach * t * np.sin(angle) - 0.0015 * t**2
        out += (0.03 + 0.20 * worn) * _line(own, np.column_stack([x, y]), 0.0005, np.sin(np.pi * t))
    return out


def _forehead(points: Points, worn: float) -> Scalars:
    out = np.zeros(len(points))
    wander = 0.0016 * value_noise(points * np.array([1.0, 0.0, 0.0]), 0.018, 31)
    for height, depth in ((0.043, 0.8), (0.052, 1.0), (0.061, 0.7)):
        away = (points[:, 1] + wander - height - 1.2 * points[:, 0] ** 2) / 0.0009
        out += depth * np.exp(-(away**2)) * smooth(0.042, 0.020, np.abs(points[:, 0]))
    broken = 0.6 + 0.4 * value_noise(points, 0.012, 32)
    return np.asarray((0.015 + 0.20 * worn) * out * broken)


def _line(own: Points, line: Points, width: float, strength: Scalars) -> Scalars:
    distance, which = cKDTree(line).query(own)
    return np.asarray(np.exp(-((distance / width) ** 2)) * strength[which])
