"""People who do not exist, drawn so that what they have goes together."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

import numpy as np

from avatarkit.studio.character.spec import (
    Ancestry,
    CharacterSpec,
    Clothing,
    Color,
    FacialHair,
    Glasses,
    HairStyle,
)

_ChoiceT = TypeVar("_ChoiceT", bound=StrEnum)

_WOMEN: Final = ("Amara", "Bea", "Clara", "Dunya", "Elif", "Freya", "Ines", "June", "Keiko", "Lena", "Mina", "Noor")
_MEN: Final = ("Aron", "Bruno", "Cem", "Dario", "Emil", "Hugo", "Ivo", "Jonas", "Kofi", "Leo", "Milan", "Omar")

_SKIN: Final = ((0.0, (0.925, 0.755, 0.665)), (0.35, (0.855, 0.665, 0.545)), (0.65, (0.66, 0.46, 0.345)),
                (1.0, (0.365, 0.235, 0.175)))  # fmt: skip
"""Tones from light to dark."""
_DARK_HAIR: Final[tuple[Color, ...]] = ((0.075, 0.055, 0.05), (0.115, 0.08, 0.065), (0.17, 0.11, 0.08))
_LIGHT_HAIR: Final[tuple[Color, ...]] = (
    (0.27, 0.17, 0.11), (0.36, 0.23, 0.145), (0.47, 0.31, 0.18), (0.62, 0.47, 0.29), (0.45, 0.20, 0.10),
)  # fmt: skip
_DARK_EYES: Final[tuple[Color, ...]] = ((0.17, 0.10, 0.06), (0.24, 0.15, 0.085))
_LIGHT_EYES: Final[tuple[Color, ...]] = (
    (0.30, 0.42, 0.52),
    (0.32, 0.40, 0.27),
    (0.36, 0.26, 0.13),
    (0.40, 0.46, 0.48),
)
_CLOTH: Final[tuple[Color, ...]] = (
    (0.16, 0.30, 0.36), (0.20, 0.23, 0.30), (0.46, 0.20, 0.19), (0.24, 0.33, 0.25), (0.55, 0.45, 0.33),
    (0.30, 0.24, 0.36), (0.74, 0.72, 0.68), (0.17, 0.17, 0.19),
)  # fmt: skip
_VARIED: Final = (
    ("head/head-oval", 0.0, 0.5), ("head/head-square", 0.0, 0.3), ("head/head-round", 0.0, 0.35),
    ("head/head-fat-decr|incr", -0.25, 0.25), ("forehead/forehead-scale-vert-decr|incr", -0.2, 0.2),
    ("chin/chin-width-decr|incr", -0.3, 0.3), ("chin/chin-height-decr|incr", -0.2, 0.2),
    ("chin/chin-prominent-decr|incr", -0.2, 0.25), ("nose/nose-scale-horiz-decr|incr", -0.4, 0.15),
    ("nose/nose-scale-vert-decr|incr", -0.25, 0.15), ("nose/nose-hump-decr|incr", -0.2, 0.35),
    ("nose/nose-point-down|up", -0.2, 0.3), ("nose/nose-point-width-decr|incr", -0.35, 0.1),
    ("mouth/mouth-scale-horiz-decr|incr", -0.2, 0.2), ("mouth/mouth-upperlip-volume-decr|incr", -0.1, 0.3),
    ("mouth/mouth-lowerlip-volume-decr|incr", -0.1, 0.35), ("eyes/eye-scale-decr|incr", 0.2, 0.55),
    ("eyes/eye-corner2-down|up", -0.25, 0.3), ("cheek/cheek-bones-decr|incr", -0.1, 0.35),
    ("cheek/cheek-volume-decr|incr", -0.25, 0.25), ("ears/ear-scale-decr|incr", -0.25, 0.2),
)  # fmt: skip


def random_spec(seed: int) -> CharacterSpec:
    """A plausible adult; the same seed gives the same one. Raises ``AvatarError`` for a seed out of range."""
    CharacterSpec(seed=seed)
    rng = np.random.default_rng(seed)
    man = bool(rng.random() < 0.5)
    age = round(float(20.0 + 45.0 * rng.random() ** 1.3), 1)
    african, asian, caucasian = (float(x) for x in rng.dirichlet((0.45, 0.45, 0.45)).round(2))
    tone = float(np.clip(0.08 + 0.90 * african + 0.28 * asian + rng.normal() * 0.08, 0.0, 1.0))
    skin = _tone(tone)
    dark = african + asian > 0.45
    hair = _pick(rng, _DARK_HAIR if dark or rng.random() < 0.25 else _LIGHT_HAIR)
    grey = float(np.clip((age - 38.0) / 30.0 + rng.normal() * 0.12, 0.0, 0.85)) if age > 38.0 else 0.0
    style = _style(rng, man, african)
    facial = _choose(rng, FacialHair, (0.42, 0.24, 0.06, 0.08, 0.20)) if man else FacialHair.NONE
    face = tuple((name, round(float(rng.uniform(low, high)), 2)) for name, low, high in _VARIED)
    smile = round(float(rng.uniform(0.14, 0.28)), 2)
    rest = (("mouthSmileLeft", smile), ("mouthSmileRight", smile), ("mouthClose", 0.065), ("mouthShrugLower", 0.08))
    cloth = _pick(rng, _CLOTH)
    return CharacterSpec(
        name=str(rng.choice(_MEN if man else _WOMEN)),
        gender=round(float(rng.uniform(0.88, 1.0) if man else rng.uniform(0.0, 0.12)), 2),
        age=age,
        weight=round(float(rng.uniform(0.40, 0.62)), 2),
        muscle=round(float(rng.uniform(0.42, 0.60)), 2),
        ancestry=Ancestry(african, asian, caucasian) if african + asian + caucasian > 0 else Ancestry(),
        face=face,
        rest=rest,
        skin=skin,
        freckles=round(float(rng.random() ** 2 * (1.0 - tone)), 2),
        blush=round(float(rng.uniform(0.3, 0.7)), 2),
        lips=_lips(skin, rng, man),
        gloss=round(float(rng.uniform(0.1, 0.3) if man else rng.uniform(0.3, 0.8)), 2),
        iris=_pick(rng, _DARK_EYES if dark else _DARK_EYES + _LIGHT_EYES),
        brows=round(float(rng.uniform(0.55, 0.9) if man else rng.uniform(0.3, 0.65)), 2),
        lashes=round(float(rng.uniform(0.1, 0.35) if man else rng.uniform(0.4, 0.8)), 2),
        hair_style=style,
        hair=hair,
        grey=round(grey, 2),
        facial_hair=facial,
        glasses=_choose(rng, Glasses, (0.68, 0.16, 0.16)),
        clothing=_choose(rng, Clothing, (0.3, 0.25, 0.25, 0.2)),
        cloth=cloth,
        under=(0.93, 0.93, 0.92) if sum(cloth) < 1.6 else (0.20, 0.23, 0.30),
        seed=seed,
    )


def _tone(where: float) -> Color:
    stops = [stop for stop, _ in _SKIN]
    red, green, blue = (float(np.interp(where, stops, [c[i] for _, c in _SKIN]).round(4)) for i in range(3))
    return red, green, blue


def _lips(skin: Color, rng: np.random.Generator, man: bool) -> Color:
    tint = np.array((0.90, 0.72, 0.74)) if man else np.array((0.90, 0.66, 0.70)) - rng.uniform(0.0, 0.10, 3)
    red, green, blue = (float(x) for x in (np.array(skin) * tint).round(4))
    return red, green, blue


def _style(rng: np.random.Generator, man: bool, african: float) -> HairStyle:
    if man:
        return HairStyle.CURLS if african > 0.5 and rng.random() < 0.35 else HairStyle.CROP
    if african > 0.5:
        return _choose(rng, HairStyle, (0.0, 0.10, 0.0, 0.0, 0.60, 0.30))
    return _choose(rng, HairStyle, (0.0, 0.06, 0.27, 0.32, 0.12, 0.23))


def _choose(rng: np.random.Generator, options: type[_ChoiceT], odds: tuple[float, ...]) -> _ChoiceT:
    return list(options)[int(rng.choice(len(odds), p=odds))]


def _pick(rng: np.random.Generator, options: tuple[Color, ...]) -> Color:
    return options[int(rng.integers(len(options)))]
