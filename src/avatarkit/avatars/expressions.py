"""Faces that people know by name, as ARKit weights: the fifteen Oculus visemes, moods, and pairs that must agree."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, Pose

Expression = tuple[tuple[str, float], ...]
"""ARKit shapes and weights, 0..1; a name without its side stands for both."""

VISEMES: Final[dict[str, Expression]] = {
    "sil": (),
    "PP": (("jawOpen", 0.06), ("mouthClose", 0.06), ("mouthPress", 0.45), ("mouthRollLower", 0.25),
           ("mouthRollUpper", 0.20)),
    "FF": (("jawOpen", 0.08), ("mouthRollLower", 0.62), ("mouthUpperUp", 0.32), ("mouthShrugUpper", 0.10)),
    "TH": (("jawOpen", 0.20), ("tongueOut", 0.36), ("mouthLowerDown", 0.25), ("mouthUpperUp", 0.14)),
    "DD": (("jawOpen", 0.14), ("mouthLowerDown", 0.28), ("mouthUpperUp", 0.16), ("mouthStretch", 0.10)),
    "kk": (("jawOpen", 0.20), ("mouthLowerDown", 0.22), ("mouthUpperUp", 0.14)),
    "CH": (("jawOpen", 0.10), ("mouthFunnel", 0.55), ("mouthPucker", 0.18), ("mouthShrugUpper", 0.12)),
    "SS": (("jawOpen", 0.05), ("mouthStretch", 0.28), ("mouthLowerDown", 0.26), ("mouthUpperUp", 0.16),
           ("mouthSmile", 0.14)),
    "nn": (("jawOpen", 0.14), ("mouthLowerDown", 0.24), ("mouthUpperUp", 0.12), ("mouthSmile", 0.06)),
    "RR": (("jawOpen", 0.12), ("mouthFunnel", 0.36), ("mouthPucker", 0.24)),
    "aa": (("jawOpen", 0.62), ("mouthLowerDown", 0.18), ("mouthUpperUp", 0.12)),
    "E": (("jawOpen", 0.32), ("mouthStretch", 0.24), ("mouthSmile", 0.18), ("mouthLowerDown", 0.20),
          ("mouthUpperUp", 0.12)),
    "I": (("jawOpen", 0.18), ("mouthSmile", 0.34), ("mouthStretch", 0.22), ("mouthLowerDown", 0.20),
          ("mouthUpperUp", 0.10)),
    "O": (("jawOpen", 0.40), ("mouthFunnel", 0.50), ("mouthPucker", 0.20)),
    "U": (("jawOpen", 0.14), ("mouthPucker", 0.72), ("mouthFunnel", 0.20)),
}  # fmt: skip
"""The Oculus viseme set (Meta, "Viseme Reference", Oculus Lipsync) by the names that rigs use."""

MOODS: Final[dict[str, Expression]] = {
    "neutral": (),
    "happy": (("mouthSmile", 0.70), ("cheekSquint", 0.50), ("eyeSquint", 0.20), ("mouthDimple", 0.15),
              ("browOuterUp", 0.15), ("jawOpen", 0.06), ("mouthUpperUp", 0.12)),
    "sad": (("mouthFrown", 0.55), ("browInnerUp", 0.75), ("mouthShrugLower", 0.25), ("browDown", 0.10),
            ("eyeSquint", 0.20), ("eyeLookDown", 0.30)),
    "angry": (("browDown", 0.90), ("noseSneer", 0.45), ("mouthFrown", 0.25), ("mouthPress", 0.35),
              ("eyeSquint", 0.35), ("jawForward", 0.15)),
    "surprised": (("browInnerUp", 0.85), ("browOuterUp", 0.85), ("eyeWide", 0.75), ("jawOpen", 0.38),
                  ("mouthFunnel", 0.16)),
    "calm": (("mouthSmile", 0.18), ("cheekSquint", 0.10), ("eyeSquint", 0.12)),
}  # fmt: skip
"""Whole faces for the moods that a speaking style may have."""

PAIRS: Final[dict[str, Expression]] = {
    "jaw + close": (("jawOpen", 1.0), ("mouthClose", 1.0)),
    "jaw + smile": (("jawOpen", 0.5), ("mouthSmile", 1.0)),
    "jaw + funnel": (("jawOpen", 0.6), ("mouthFunnel", 1.0)),
    "jaw + pucker": (("jawOpen", 0.4), ("mouthPucker", 1.0)),
    "jaw + tongue": (("jawOpen", 0.6), ("tongueOut", 1.0)),
    "jaw + stretch": (("jawOpen", 0.5), ("mouthStretch", 1.0)),
    "smile + upper": (("mouthSmile", 1.0), ("mouthUpperUp", 0.8), ("mouthLowerDown", 0.5)),
    "blink + smile": (("eyeBlink", 1.0), ("mouthSmile", 0.8), ("cheekSquint", 0.8)),
    "blink + down": (("eyeBlink", 1.0), ("eyeLookDown", 1.0)),
    "blink + squint": (("eyeBlink", 1.0), ("eyeSquint", 1.0)),
    "wide + up": (("eyeWide", 1.0), ("eyeLookUp", 1.0)),
    "brows fight": (("browDown", 1.0), ("browInnerUp", 1.0)),
}  # fmt: skip
"""Shapes that pull at the same skin, together."""


def pose_of(expression: Expression) -> Pose:
    """The expression as a pose with the head at rest."""
    pose = Pose.neutral()
    weights: np.ndarray = pose.weights
    for name, weight in expression:
        for side in (name,) if name in ARKIT_INDEX else (f"{name}Left", f"{name}Right"):
            weights[ARKIT_INDEX[side]] = weight
    return pose
