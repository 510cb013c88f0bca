"""What the mouth does for each class of sound, and how the gestures become ARKit weights.

Targets follow articulatory phonetics: the jaw's opening by vowel height, rounding for w, oo, sh; spreading for ee
and s; the lower lip under the upper teeth for f. Dominance says how much a class insists on its own shape against
its neighbours' (Cohen and Massaro 1993): low means that it takes theirs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, FloatArray
from avatarkit.motion.classes import CLASS_COUNT, CLASSES

GESTURES: Final[tuple[str, ...]] = (
    "jaw", "funnel", "pucker", "stretch", "smile", "lower", "upper", "bite", "roll", "press", "chin", "shrug",
    "dimple", "tongue", "puff", "cheek", "sneer", "forward",
)  # fmt: skip
GESTURE_INDEX: Final = {name: i for i, name in enumerate(GESTURES)}
GESTURE_COUNT: Final = len(GESTURES)

_TARGETS: Final[dict[str, dict[str, float]]] = {
    "sil": {},
    "PP": {"jaw": 0.08, "press": 0.30, "bite": 0.06, "roll": 0.12, "puff": 0.10, "chin": 0.10, "dimple": 0.04},
    "FF": {"jaw": 0.07, "bite": 0.60, "upper": 0.38, "stretch": 0.08, "dimple": 0.05, "sneer": 0.05, "cheek": 0.03},
    "TH": {"jaw": 0.13, "lower": 0.28, "upper": 0.14, "tongue": 0.32, "stretch": 0.10},
    "DD": {"jaw": 0.12, "lower": 0.26, "upper": 0.14, "stretch": 0.14, "dimple": 0.03},
    "NN": {"jaw": 0.17, "lower": 0.27, "upper": 0.14, "stretch": 0.14, "tongue": 0.03},
    "KK": {"jaw": 0.24, "lower": 0.25, "upper": 0.14, "stretch": 0.10},
    "CH": {"jaw": 0.07, "funnel": 0.58, "pucker": 0.22, "lower": 0.28, "upper": 0.24, "shrug": 0.12, "forward": 0.12},
    "SS": {"jaw": 0.06, "stretch": 0.34, "smile": 0.06, "lower": 0.32, "upper": 0.22, "dimple": 0.10, "sneer": 0.05,
           "forward": 0.10},
    "RR": {"jaw": 0.19, "funnel": 0.36, "pucker": 0.28, "lower": 0.22, "upper": 0.14},
    "WW": {"jaw": 0.16, "funnel": 0.24, "pucker": 0.84, "lower": 0.05, "upper": 0.05},
    "HH": {"jaw": 0.33, "lower": 0.22, "upper": 0.12, "stretch": 0.06},
    "II": {"jaw": 0.21, "stretch": 0.42, "smile": 0.20, "lower": 0.34, "upper": 0.20, "dimple": 0.12, "cheek": 0.12},
    "EE": {"jaw": 0.50, "stretch": 0.26, "smile": 0.14, "lower": 0.40, "upper": 0.24, "dimple": 0.05, "cheek": 0.09},
    "AA": {"jaw": 0.90, "stretch": 0.12, "smile": 0.03, "lower": 0.44, "upper": 0.28, "sneer": 0.04},
    "AX": {"jaw": 0.42, "stretch": 0.12, "lower": 0.30, "upper": 0.15},
    "OO": {"jaw": 0.58, "funnel": 0.62, "pucker": 0.30, "lower": 0.24, "upper": 0.14, "forward": 0.05},
    "UU": {"jaw": 0.29, "funnel": 0.44, "pucker": 0.76, "lower": 0.10, "upper": 0.06, "forward": 0.06},
}  # fmt: skip
_JAW_DOMINANCE: Final = {
    "sil": 0.9, "PP": 0.7, "FF": 0.9, "TH": 0.6, "DD": 0.6, "NN": 0.5, "KK": 0.35, "CH": 0.9, "SS": 1.2, "RR": 0.5,
    "WW": 0.7, "HH": 0.15, "II": 0.8, "EE": 0.9, "AA": 1.1, "AX": 0.55, "OO": 1.0, "UU": 0.9,
}  # fmt: skip
_LIP_DOMINANCE: Final = {
    "sil": 0.6, "PP": 1.0, "FF": 1.1, "TH": 0.5, "DD": 0.3, "NN": 0.25, "KK": 0.12, "CH": 1.1, "SS": 0.6, "RR": 0.7,
    "WW": 1.3, "HH": 0.08, "II": 0.9, "EE": 0.8, "AA": 0.8, "AX": 0.4, "OO": 1.1, "UU": 1.3,
}  # fmt: skip

DOMINANCE: Final = np.array([[_JAW_DOMINANCE[c] for c in CLASSES], [_LIP_DOMINANCE[c] for c in CLASSES]], np.float32)
"""(2, 18): of the jaw, and of everything else."""

TARGET_STEPS: Final = 255


def _targets() -> FloatArray:
    """(36, gestures) whole numbers: jaw targets for the jaw's shares, the rest for the lips'."""
    table = np.zeros((2 * CLASS_COUNT, GESTURE_COUNT), np.float32)
    for i, name in enumerate(CLASSES):
        for gesture, value in _TARGETS[name].items():
            row = i if gesture == "jaw" else CLASS_COUNT + i
            table[row, GESTURE_INDEX[gesture]] = round(value * TARGET_STEPS)
    return table


TARGETS: Final = _targets()

ATTACK_S: Final = np.full(GESTURE_COUNT, 0.035, np.float32)
RELEASE_S: Final = np.full(GESTURE_COUNT, 0.045, np.float32)
"""Time constants of each gesture's rise and fall: lips round and spread slowly, the jaw follows at once."""
for _name, _attack, _release in (
    ("jaw", 0.014, 0.014), ("bite", 0.012, 0.030), ("press", 0.012, 0.030), ("roll", 0.012, 0.030),
    ("tongue", 0.020, 0.030), ("funnel", 0.028, 0.045), ("pucker", 0.028, 0.050), ("cheek", 0.10, 0.15),
    ("smile", 0.05, 0.08), ("sneer", 0.06, 0.10), ("forward", 0.05, 0.08),
):  # fmt: skip
    ATTACK_S[GESTURE_INDEX[_name]], RELEASE_S[GESTURE_INDEX[_name]] = _attack, _release

# ARKit shape, gesture that drives it, gain.
_DRIVES: Final[tuple[tuple[str, str, float], ...]] = (
    ("jawOpen", "jaw", 1.0), ("jawForward", "forward", 0.6), ("mouthFunnel", "funnel", 1.0),
    ("mouthPucker", "pucker", 1.0), ("mouthStretch", "stretch", 0.9), ("mouthSmile", "smile", 1.0),
    ("mouthLowerDown", "lower", 1.0), ("mouthUpperUp", "upper", 1.0), ("mouthRollLower", "bite", 1.0),
    ("mouthRollUpper", "roll", 1.0), ("mouthPress", "press", 1.0), ("mouthShrugLower", "chin", 1.0),
    ("mouthShrugUpper", "shrug", 1.0), ("mouthDimple", "dimple", 1.0), ("tongueOut", "tongue", 1.0),
    ("cheekPuff", "puff", 1.0), ("cheekSquint", "cheek", 1.0), ("noseSneer", "sneer", 1.0),
)  # fmt: skip


def _drives() -> tuple[list[int], list[int], list[float], list[float]]:
    channels, sources, gains, sides = [], [], [], []
    for shape, gesture, gain in _DRIVES:
        pair = [(shape, 0.0)] if shape in ARKIT_INDEX else [(f"{shape}Left", -1.0), (f"{shape}Right", 1.0)]
        for name, side in pair:
            channels.append(ARKIT_INDEX[name])
            sources.append(GESTURE_INDEX[gesture])
            gains.append(gain)
            sides.append(side)
    return channels, sources, gains, sides


_DRIVEN: Final = _drives()
CHANNELS: Final = np.array(_DRIVEN[0])
"""The shapes that gestures drive."""
SOURCES: Final = np.array(_DRIVEN[1])
"""Which gesture drives each of these,"""
GAINS: Final = np.array(_DRIVEN[2], np.float32)
"""how strongly,"""
SIDES: Final = np.array(_DRIVEN[3], np.float32)
"""and on which side: -1 left, 0 both, 1 right."""
