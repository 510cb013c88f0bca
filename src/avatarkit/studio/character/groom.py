"""Growing strands: steps along a field of directions, kept outside the head, bent into waves, gathered in locks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from avatarkit.studio.character.noise import value_noise
from avatarkit.studio.character.parts import Scalars, smooth
from avatarkit.studio.character.source import Points

Lines = npt.NDArray[np.float64]
"""float64 (strands, points, 3), metres, from root to tip."""

Wish = Callable[[Points, Points, float], Points]
"""Places, directions and the share of the length grown to the directions that hair wants to take there."""

Limit = Callable[[Points, float], Points]
"""Places and the share of the length grown to the places that hair may take."""


def unit(vectors: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The vectors along the last axis at length 1."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12))


def grow(
    roots: Points, first: Points, lengths: Scalars, *, steps: int, stiffness: float, wish: Wish, limit: Limit
) -> Lines:
    """Strands from ``roots`` that set out along ``first`` and bend towards their wish, the stiffer the slower."""
    here, along = roots, unit(first)
    lines = [here]
    for step in range(steps):
        share = (step + 1) / steps
        along = unit(along * stiffness + unit(wish(here, along, share)) * (1.0 - stiffness))
        after = limit(here + along * (lengths / steps)[:, None], share)
        along = unit(after - here)
        here = after
        lines.append(here)
    return np.stack(lines, axis=1)


def soften(lines: Lines, rounds: int) -> Lines:
    """Lines with kinks smoothed away, their ends kept."""
    out = lines.copy()
    for _ in range(rounds):
        out[:, 1:-1] = 0.5 * out[:, 1:-1] + 0.25 * (out[:, :-2] + out[:, 2:])
    return out


def resample(lines: Lines, at: npt.NDArray[np.float64]) -> Lines:
    """Points at shares ``at`` (strands, k) of each line's length."""
    length = np.linalg.norm(np.diff(lines, axis=1), axis=2)
    along = np.concatenate([np.zeros((len(lines), 1)), np.cumsum(length, axis=1)], axis=1)
    out = np.empty((*at.shape, 3))
    for i, line in enumerate(lines):
        for axis in range(3):
            out[i, :, axis] = np.interp(at[i] * along[i, -1], along[i], line[:, axis])
    return out


def cut_below(lines: Lines, ends_y: Scalars) -> Lines:
    """Each line up to where it first falls below its end's height."""
    steps = lines.shape[1]
    below = lines[..., 1] < ends_y[:, None]
    last = np.where(below.any(axis=1), below.argmax(axis=1), steps - 1)
    at = np.linspace(0.0, 1.0, steps)[None, :] * np.maximum(last, 2)[:, None]
    low = np.minimum(at.astype(int), steps - 2)
    share = (at - low)[..., None]
    rows = np.arange(len(lines))[:, None]
    return np.asarray(lines[rows, low] * (1.0 - share) + lines[rows, low + 1] * share)


def gather(
    lines: Lines,
    clumps: int,
    strength: float,
    rng: np.random.Generator,
    *,
    begins: float = 0.15,
    apart_m: Scalars | None = None,
) -> Lines:
    """Lines drawn towards the middle line of the lock they belong to, the more the nearer to the tip.

    Locks are told apart by their roots; ``apart_m`` adds a distance, so that sides do not mix. ``begins``: from
    which share of their length on.
    """
    leaders = rng.choice(len(lines), min(clumps, len(lines)), replace=False)
    places = lines[:, 0] if apart_m is None else np.column_stack([lines[:, 0], apart_m])
    _, own = cKDTree(places[leaders]).query(places)
    share = strength * smooth(begins, 1.0, np.linspace(0.0, 1.0, lines.shape[1]))[None, :, None]
    return np.asarray(lines * (1.0 - share) + lines[leaders][own] * share)


@dataclass(frozen=True, slots=True)
class Wave:
    """A wave that neighbours share: a field in space, so that locks swing together and stay apart."""

    length_m: float
    height_m: float
    starts_m: float
    """Where along the strand it begins to be seen."""


def wave(lines: Lines, outward: Lines, form: Wave, seed: int, rng: np.random.Generator | None) -> Lines:
    """Lines swung from side to side and in and out; with ``rng`` each a little out of step."""
    steps = np.linalg.norm(np.diff(lines, axis=1), axis=2)
    along = np.concatenate([np.zeros((len(lines), 1)), np.cumsum(steps, axis=1)], axis=1)
    flat = lines.reshape(-1, 3) * np.array([1.0, 0.35, 1.0])
    phase = 2.6 * np.pi * value_noise(flat, 0.034, seed).reshape(along.shape)
    if rng is not None:
        phase = phase + 0.20 * rng.normal(size=(len(lines), 1))
    angle = -2.0 * np.pi * lines[..., 1] / form.length_m + phase
    size = form.height_m * smooth(form.starts_m, form.starts_m + 0.07, along)
    across = unit(np.cross(np.gradient(lines, axis=1), outward))
    return np.asarray(
        lines + across * (size * np.sin(angle))[..., None] + outward * (0.7 * size * (1.0 + np.cos(angle)))[..., None]
    )
