"""The skin's texture layout: the base mesh's islands, packed again with most of the room for the face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.studio.character.parts import Scalars, Triangles
from avatarkit.studio.character.source import Points

Uv = npt.NDArray[np.float64]

_FOCUS: Final = ((0.872, 0.055, 5.0), (0.484, 0.075, 4.0))
"""Middle and width of the face in the base layout (u, v), and how many times denser it becomes."""


@dataclass(frozen=True, slots=True)
class _Island:
    low: tuple[float, float]
    high: tuple[float, float]
    place: tuple[float, float, float, float]
    """u, v, width and height in the new layout, origin at the top left."""


_HEAD: Final = _Island((0.63, 0.13), (1.0, 0.85), (0.0, 0.0, 1.0, 0.86))
_TORSO: Final = _Island((0.14, 0.70), (0.63, 1.0), (0.0, 0.87, 0.72, 0.13))
_REST: Final = _Island((0.0, 0.50), (0.16, 0.66), (0.74, 0.87, 0.24, 0.13))


def pack(base_uv: Uv) -> Uv:
    """Texture coordinates (n, 2), origin at the top left, from those of the base mesh (origin bottom left).

    Vertices of one triangle lie on one island of the base layout, so they stay together.
    """
    out = np.zeros_like(base_uv)
    u, v = base_uv.T
    head = (u > _HEAD.low[0]) & (v > _HEAD.low[1]) & (v < _HEAD.high[1] + 0.03)
    rest = (u < 0.17) & (v > 0.53) & (v < 0.65)
    for island, chosen in ((_HEAD, head), (_REST, rest), (_TORSO, ~head & ~rest)):
        x = (u[chosen] - island.low[0]) / (island.high[0] - island.low[0])
        y = (v[chosen] - island.low[1]) / (island.high[1] - island.low[1])
        if island is _HEAD:
            x = _spread(u[chosen], island.low[0], island.high[0], _FOCUS[0])
            y = _spread(v[chosen], island.low[1], island.high[1], _FOCUS[1])
        left, top, width, height = island.place
        out[chosen, 0] = left + width * np.clip(x, 0.004, 0.996)
        out[chosen, 1] = top + height * np.clip(1.0 - y, 0.004, 0.996)
    return out


def _spread(values: Scalars, low: float, high: float, focus: tuple[float, float, float]) -> Scalars:
    """A smooth rising map low..high to 0..1 that is ``1 + gain`` times steeper around ``middle``."""
    middle, width, gain = focus
    grid = np.linspace(low, high, 512)
    density = 1.0 + gain * np.exp(-(((grid - middle) / width) ** 2))
    total = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2)])
    return np.asarray(np.interp(values, grid, total / total[-1]))


def rasterise(uv: Uv, triangles: Triangles, values: Points, side: int) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Per-vertex values (n, k) spread over a texture: (side, side, k), and which texels hold any.

    Triangles are sampled more finely than the texels; a texel keeps the last sample that falls on it.
    """
    corner = uv[triangles] * side
    spans = np.max([np.abs(corner[:, i] - corner[:, i - 1]).max(axis=1) for i in range(3)], axis=0)
    # A triangle that is torn across the layout would smear over it.
    steps = np.clip(np.ceil(spans * 1.7).astype(int), 1, 64)
    steps[spans > side * 0.25] = 0
    out = np.zeros((side * side, values.shape[1]))
    held = np.zeros(side * side, bool)
    for step in np.unique(steps[steps > 0]):
        chosen = triangles[steps == step]
        a, b, c = (uv[chosen[:, i]] * side for i in range(3))
        p, q, r = (values[chosen[:, i]] for i in range(3))
        for i in range(step):
            for j in range(step - i):
                s, t = (i + 1 / 3) / step, (j + 1 / 3) / step
                cell = np.clip((a * (1 - s - t) + b * s + c * t).astype(np.int64), 0, side - 1)
                flat = cell[:, 1] * side + cell[:, 0]
                out[flat] = p * (1 - s - t) + q * s + r * t
                held[flat] = True
    return out.reshape(side, side, -1), held.reshape(side, side)


def bleed(image: Points, held: npt.NDArray[np.bool_], rounds: int) -> Points:
    """Grow the held texels outwards, so that filtering never sees the background."""
    out, have = image * held[..., None], held.astype(np.float64)
    for _ in range(rounds):
        grown, weight = np.zeros_like(out), np.zeros_like(have)
        for axis in (0, 1):
            for shift in (1, -1):
                grown += np.roll(out, shift, axis) * np.roll(have, shift, axis)[..., None]
                weight += np.roll(have, shift, axis)
        fresh = (have == 0.0) & (weight > 0.0)
        out[fresh] = grown[fresh] / weight[fresh][:, None]
        have[fresh] = 1.0
    mean = image[held].mean(axis=0)
    return np.where(have[..., None] > 0.0, out, mean)
