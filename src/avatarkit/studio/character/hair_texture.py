"""The picture on each ribbon of hair: a lock of fine strands that part at the edges and at the tip."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.parts import smooth

VARIANTS: Final = 4
"""Locks side by side in the texture."""
_WIDTH: Final = 64
_HEIGHT: Final = 256
_STRANDS: Final = 26


def hair_texture(seed: int) -> npt.NDArray[np.uint8]:
    """sRGB with alpha, uint8 (256, 256, 4), root at the top; light grey, to be tinted by the vertex colours."""
    rng = np.random.default_rng(seed)
    return np.concatenate([_lock(rng) for _ in range(VARIANTS)], axis=1)


def _lock(rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    u = (np.arange(_WIDTH) + 0.5) / _WIDTH
    v = (np.arange(_HEIGHT) + 0.5) / _HEIGHT
    tone = np.full((_HEIGHT, _WIDTH), 0.76)
    body = smooth(0.50, 0.36, np.abs(u - 0.5))[None, :] * (smooth(0.92, 0.80, v) * smooth(0.02, 0.07, v))[:, None]
    cover = np.where(body > 0.5, 1.0, 0.0)
    for number in range(_STRANDS):
        at = 0.04 + 0.92 * (number + rng.random()) / _STRANDS
        wander = 0.025 * np.sin(2.0 * np.pi * (v * rng.uniform(0.5, 1.3) + rng.random()))
        middle = 0.5 + (at - 0.5) * (1.0 - 0.18 * v**2) + wander
        half = rng.uniform(0.018, 0.034)
        edge = abs(at - 0.5) * 2.0
        # Strands at the edge of a lock end early.
        last = 1.0 - rng.uniform(0.0, 0.10) - rng.uniform(0.0, 0.08) * edge**2
        there = smooth(last, last - 0.06, v) * smooth(0.0, 0.02, v - 0.05 * rng.random())
        shape = np.clip(1.35 - np.abs(u[None, :] - middle[:, None]) / half, 0.0, 1.0)
        amount = np.clip(shape * 1.4, 0.0, 1.0) * there[:, None]
        bright = rng.uniform(0.74, 1.0) * (0.86 + 0.14 * shape)
        tone = tone * (1.0 - amount) + bright * amount
        cover = np.maximum(cover, amount)
    grey = np.rint(np.clip(tone, 0.0, 1.0) * 63.0) * (255.0 / 63.0)
    alpha = np.rint(np.clip(cover, 0.0, 1.0) * 15.0) * 17.0
    return np.stack([grey, grey, grey, alpha], axis=2).astype(np.uint8)
