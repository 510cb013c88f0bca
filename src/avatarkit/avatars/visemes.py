"""ARKit shapes out of the fifteen Oculus visemes, for files that have only those.

Each shape is a sum of visemes, some of it on one side of the face only. The eyes and brows of such a file stay as
they are: visemes say nothing about them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.avatars.bundle import Morph
from avatarkit.frames import FloatArray

FROM_VISEMES: Final[dict[str, tuple[tuple[str, float], ...]]] = {
    "jawOpen": (("aa", 1.25),),
    "mouthClose": (("PP", 1.0), ("aa", -1.25)),
    "mouthFunnel": (("O", 0.9), ("aa", -0.35)),
    "mouthPucker": (("U", 1.0), ("aa", -0.15)),
    "mouthRollLower": (("FF", 1.0),),
    "mouthShrugUpper": (("CH", 0.5),),
    "mouthPressLeft": (("PP", 0.8),),
    "mouthPressRight": (("PP", 0.8),),
    "mouthStretchLeft": (("E", 0.9), ("aa", -0.25)),
    "mouthStretchRight": (("E", 0.9), ("aa", -0.25)),
    "mouthDimpleLeft": (("I", 0.8), ("aa", -0.15)),
    "mouthDimpleRight": (("I", 0.8), ("aa", -0.15)),
    "mouthLowerDownLeft": (("DD", 0.9),),
    "mouthLowerDownRight": (("DD", 0.9),),
    "mouthUpperUpLeft": (("SS", 0.9),),
    "mouthUpperUpRight": (("SS", 0.9),),
    "tongueOut": (("TH", 1.0),),
}
"""How much of which visemes makes a shape. An open jaw (``aa``) is taken out of those that have another shape for
it; ``mouthClose`` lays the closed lips of ``PP`` over it."""


def shapes_from_visemes(visemes: dict[str, Morph], positions: FloatArray) -> dict[str, Morph]:
    """The shapes of one mesh.

    Args:
        visemes: Its visemes by their Oculus names, as far as it has them.
        positions: Its vertices (n, 3), in which +X is the avatar's left.
    """
    out = {}
    reach = max(float(np.abs(positions[:, 0]).max(initial=0.0)) * 0.04, 1e-6)
    left = np.clip(0.5 + positions[:, 0] / (2.0 * reach), 0.0, 1.0)
    for name, parts in FROM_VISEMES.items():
        if not visemes.keys() >= {viseme for viseme, share in parts if share > 0.0}:
            continue
        total = np.zeros(positions.shape, np.float32)
        for viseme, share in parts:
            if viseme in visemes:
                total[visemes[viseme].indices] += np.float32(share) * visemes[viseme].deltas
        if name.endswith("Left"):
            total *= left[:, None]
        elif name.endswith("Right"):
            total *= (1.0 - left)[:, None]
        where = np.flatnonzero(np.any(total != 0.0, axis=1)).astype(np.uint32)
        if len(where):
            out[name] = Morph(where, total[where].astype(np.float32))
    return out
