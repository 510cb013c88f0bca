"""What weighted sums of shapes cannot do: weights of shapes that pull at the same skin, agreed before the sum.

Every renderer of ours applies these rules to the 52 weights of a pose, for every avatar, so that plain glTF
morph targets suffice. Another program that draws our files may do the same, or leave it: the shapes hold together
without, they only overlap.

- ``mouthClose`` closes the lips over an open jaw: it counts up to ``jawOpen``.
- What is left of the eye's opening is what ``eyeSquint`` and ``eyeWide`` can change: both count ``1 - eyeBlink``.
  A look upwards lifts the lid already, so that ``eyeWide`` counts half beside it; a look downwards lowers it, so that
  a quarter of ``eyeBlink`` is done.
- ``mouthFunnel`` and ``mouthPucker`` share the lips: beyond 1 together, both give way in proportion.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, FloatArray

_JAW, _CLOSE = ARKIT_INDEX["jawOpen"], ARKIT_INDEX["mouthClose"]
_FUNNEL, _PUCKER = ARKIT_INDEX["mouthFunnel"], ARKIT_INDEX["mouthPucker"]
_LIDS: Final = tuple(
    tuple(ARKIT_INDEX[f"eye{name}{side}"] for name in ("Blink", "Squint", "Wide", "LookUp", "LookDown"))
    for side in ("Left", "Right")
)


def agreed(weights: FloatArray) -> FloatArray:
    """Weights float32 (52,) after the rules; a new array."""
    out = np.array(weights, np.float32)
    out[_CLOSE] = min(out[_CLOSE], out[_JAW])
    for blink, squint, wide, up, down in _LIDS:
        left = max(np.float32(1.0) - out[blink], np.float32(0.0))
        out[squint] *= left
        out[wide] *= left * (np.float32(1.0) - np.float32(0.5) * min(out[up], np.float32(1.0)))
        out[blink] *= np.float32(1.0) - np.float32(0.25) * min(out[down], np.float32(1.0))
    together = out[_FUNNEL] + out[_PUCKER]
    if together > 1.0:
        out[_FUNNEL] /= together
        out[_PUCKER] /= together
    return out
