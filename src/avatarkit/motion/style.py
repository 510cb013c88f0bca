"""How someone speaks: how wide the mouth moves, and in what mood."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from avatarkit.frames import ARKIT_INDEX, WEIGHT_COUNT, FloatArray


class Emotion(StrEnum):
    """Mood that colours mouth, cheeks, brows and the tempo of the head."""

    NEUTRAL = "neutral"
    HAPPY = "happy"
    SAD = "sad"
    ANGRY = "angry"
    SURPRISED = "surprised"
    CALM = "calm"


@dataclass(frozen=True, slots=True)
class Style:
    """Speaking style. Raises ``ValueError`` for values out of range.

    ``jaw`` and ``lips`` scale their two ways of articulating (after JALI, Edwards et al. 2016), ``expressiveness``
    scales head and brows; each 0..2, 1 being ordinary. ``intensity`` of the emotion is 0..1.
    """

    emotion: Emotion = Emotion.NEUTRAL
    intensity: float = 1.0
    jaw: float = 1.0
    lips: float = 1.0
    expressiveness: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "emotion", Emotion(self.emotion))
        for name, most in (("intensity", 1.0), ("jaw", 2.0), ("lips", 2.0), ("expressiveness", 2.0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0.0 <= value <= most):
                raise ValueError(f"{name} must be 0..{most:g}, not {value}")


@dataclass(frozen=True, slots=True)
class _Mood:
    jaw: float = 1.0
    lips: float = 1.0
    head: float = 1.0
    tempo: float = 1.0
    brows: float = 1.0
    pitch_rad: float = 0.0
    face: tuple[tuple[str, float], ...] = ()
    """Weights added; a name without a side stands for both."""


_MOODS: Final[dict[Emotion, _Mood]] = {
    Emotion.NEUTRAL: _Mood(),
    Emotion.HAPPY: _Mood(
        jaw=1.06, lips=1.08, head=1.2, tempo=1.2, brows=1.2, pitch_rad=-0.02,
        face=(("mouthSmile", 0.36), ("cheekSquint", 0.32), ("mouthDimple", 0.12), ("browOuterUp", 0.10),
              ("mouthUpperUp", 0.05)),
    ),
    Emotion.SAD: _Mood(
        jaw=0.80, lips=0.88, head=0.6, tempo=0.65, brows=0.5, pitch_rad=0.07,
        face=(("mouthFrown", 0.38), ("browInnerUp", 0.48), ("mouthShrugLower", 0.14), ("browDown", 0.06)),
    ),
    Emotion.ANGRY: _Mood(
        jaw=1.10, lips=1.12, head=1.25, tempo=1.35, brows=0.5, pitch_rad=0.04,
        face=(("browDown", 0.62), ("noseSneer", 0.28), ("mouthFrown", 0.16), ("mouthPress", 0.10),
              ("mouthStretch", 0.08), ("jawForward", 0.10)),
    ),
    Emotion.SURPRISED: _Mood(
        jaw=1.15, lips=1.0, head=1.1, tempo=1.1, brows=1.4, pitch_rad=-0.035,
        face=(("browInnerUp", 0.55), ("browOuterUp", 0.55), ("mouthFunnel", 0.06)),
    ),
    Emotion.CALM: _Mood(
        jaw=0.92, lips=0.94, head=0.7, tempo=0.65, brows=0.6, pitch_rad=0.0,
        face=(("mouthSmile", 0.09), ("cheekSquint", 0.05)),
    ),
}  # fmt: skip

JAW, LIPS, HEAD, TEMPO, BROWS, PITCH = range(6)
"""Columns of :func:`manner_of` before the 52 added weights."""
MANNER_SIZE: Final = 6 + WEIGHT_COUNT


def manner_of(style: Style) -> FloatArray:
    """A style as numbers that can be blended: six factors, then 52 weights to add; float32 (58,)."""
    mood, share = _MOODS[style.emotion], style.intensity
    row = np.zeros(MANNER_SIZE, np.float32)
    row[JAW] = style.jaw * (1.0 + (mood.jaw - 1.0) * share)
    row[LIPS] = style.lips * (1.0 + (mood.lips - 1.0) * share)
    row[HEAD] = style.expressiveness * (1.0 + (mood.head - 1.0) * share)
    row[TEMPO] = 1.0 + (mood.tempo - 1.0) * share
    row[BROWS] = style.expressiveness * (1.0 + (mood.brows - 1.0) * share)
    row[PITCH] = mood.pitch_rad * share
    for name, weight in mood.face:
        sides = [name] if name in ARKIT_INDEX else [f"{name}Left", f"{name}Right"]
        for side in sides:
            row[6 + ARKIT_INDEX[side]] = weight * share
    return row
