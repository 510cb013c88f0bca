"""The picture on curls: tufts of coiled strands, drawn from the back to the front."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.parts import Scalars, smooth

TUFTS: Final = 2
"""Tufts each way in the texture."""
_SIDE: Final = 128
"""Texels of a tuft each way."""
_COILS: Final = 62
_STEPS: Final = 260
_HAIRS: Final = 3
"""Strands side by side in a coil."""


def curl_texture(seed: int) -> npt.NDArray[np.uint8]:
    """sRGB with alpha, uint8 (256, 256, 4); light grey, to be tinted by the vertex colours."""
    rng = np.random.default_rng(seed + 91)
    rows = [np.concatenate([_tuft(rng) for _ in range(TUFTS)], axis=1) for _ in range(TUFTS)]
    return np.concatenate(rows)


def _tuft(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    coils = [_coil(rng) for _ in range(_COILS)]
    x, y, depth, tone = (np.concatenate(values) for values in zip(*coils, strict=True))
    order = np.argsort(depth, kind="stable")
    x, y, tone = x[order], y[order], tone[order]
    grey, cover = np.full((_SIDE, _SIDE), 0.05), np.zeros((_SIDE, _SIDE))
    # The rim of a strand is darker than its middle.
    for dx, dy, light in ((-1, 0, 0.55), (1, 0, 0.70), (0, -1, 0.80), (0, 1, 0.50), (0, 0, 1.0)):
        column, row = np.rint(x + dx).astype(int), np.rint(y + dy).astype(int)
        inside = (column >= 1) & (column < _SIDE - 1) & (row >= 1) & (row < _SIDE - 1)
        grey[row[inside], column[inside]] = light * tone[inside]
        cover[row[inside], column[inside]] = 1.0
    level = np.rint(np.clip(grey, 0.0, 1.0) * 63.0) * (255.0 / 63.0)
    return np.stack([level, level, level, cover * 255.0], axis=2).astype(np.uint8)


def _coil(rng: np.random.Generator) -> tuple[Scalars, Scalars, Scalars, Scalars]:
    """Columns, rows, depths and tones of points along the strands of one coil."""
    start, heading = rng.uniform(0.0, 2.0 * np.pi, 2)
    far = 0.40 * _SIDE * np.sqrt(rng.random())
    middle = 0.5 * _SIDE + far * np.array([np.cos(start), np.sin(start)])
    length, radius = rng.uniform(0.16, 0.34) * _SIDE, rng.uniform(0.030, 0.058) * _SIDE
    turns = rng.uniform(2.2, 3.6)
    share = np.linspace(0.0, 1.0, _STEPS)
    angle = 2.0 * np.pi * (turns * share + rng.random())
    along, across = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    size = radius * (1.0 - 0.45 * share)
    out = []
    for hair in range(_HAIRS):
        own = size * (1.0 + 0.22 * (hair - 1))
        path = (share - 0.5)[:, None] * length * along + (own * np.cos(angle))[:, None] * across
        path = middle + path + (0.45 * own * np.sin(angle))[:, None] * along
        front = np.sin(angle + heading)
        depth = 0.5 * front - far / _SIDE + 0.3 * rng.random()
        tone = (0.30 + 0.62 * smooth(-1.0, 1.0, front)) * rng.uniform(0.75, 1.15)
        out.append((path[:, 0], path[:, 1], depth, tone))
    x, y, depths, tones = (np.concatenate(values) for values in zip(*out, strict=True))
    return x, y, depths, tones
