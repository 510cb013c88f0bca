"""What a text-to-speech service may tell besides sound: which viseme or word is spoken when.

A hint only tips the scales; the sound decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.classes import CLASS_COUNT, CLASS_INDEX, COLUMN_S

MOST_HINTS: Final = 10_000
LONGEST_WORD: Final = 64
_VISEME_FACTOR: Final = np.float32(6.0)
_WORD_FACTOR: Final = np.float32(2.5)
_MARGIN_S: Final = 0.02
_WORD_MARGIN_S: Final = 0.06

_NAMES: Final[dict[str, str]] = {
    **{name.lower(): name for name in CLASS_INDEX},
    "e": "EE", "i": "II", "ih": "II", "o": "OO", "oh": "OO", "u": "UU", "ou": "UU", "a": "AA",
}  # fmt: skip
_LETTERS: Final[dict[str, str]] = {
    "th": "TH", "sh": "CH", "ch": "CH", "ph": "FF", "wh": "WW", "qu": "KK WW", "ck": "KK", "ng": "KK", "oo": "UU",
    "ou": "AA UU", "ow": "OO UU", "oa": "OO", "ee": "II", "ea": "II", "ai": "EE II", "ay": "EE II", "igh": "AA II",
    "oi": "OO II", "oy": "OO II", "gh": "", "a": "AA", "b": "PP", "c": "KK", "d": "DD", "e": "EE", "f": "FF",
    "g": "KK", "h": "HH", "i": "II", "j": "CH", "k": "KK", "l": "NN", "m": "PP", "n": "NN", "o": "OO", "p": "PP",
    "q": "KK", "r": "RR", "s": "SS", "t": "DD", "u": "UU", "v": "FF", "w": "WW", "x": "KK SS", "y": "II", "z": "SS",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hint:
    """From ``start_s`` to ``end_s`` of the request's audio, ``text`` is spoken.

    ``text`` is a viseme if it is one of the engine's classes or of the 15 common viseme names (``sil PP FF TH DD kk
    CH SS nn RR aa E ih oh ou``), else a word in Latin letters. ``is_word`` decides where it could be both.
    """

    start_s: float
    end_s: float
    text: str
    is_word: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and math.isfinite(self.end_s) and 0.0 <= self.start_s <= self.end_s):
            raise ValueError(f"a hint needs 0 <= start_s <= end_s, not {self.start_s} and {self.end_s}")
        if not 0 < len(self.text) <= LONGEST_WORD:
            raise ValueError(f"a hint's text must have 1 to {LONGEST_WORD} characters, not {len(self.text)}")


def classes_of_word(word: str) -> list[str]:
    """Likely classes of a word's letters, in order; empty for a script that is not known."""
    letters, classes, at = word.lower(), [], 0
    while at < len(letters):
        size = next((n for n in (3, 2, 1) if letters[at : at + n] in _LETTERS), 1)
        classes += _LETTERS.get(letters[at : at + size], "").split()
        at += size
    return classes


class Hints:
    """The hints of one stream, as factors on class probabilities by column."""

    def __init__(self) -> None:
        self._spans: list[tuple[int, int, int, np.float32]] = []

    def __len__(self) -> int:
        return len(self._spans)

    def add(self, hints: Iterable[Hint]) -> None:
        """Take more hints. Raises ``ValueError`` when more than 10 000 classes would wait."""
        spans = [span for hint in hints for span in _spans_of(hint)]
        if len(self._spans) + len(spans) > MOST_HINTS:
            raise ValueError(f"more than {MOST_HINTS} hints wait")
        self._spans += spans

    def factors(self, column: int) -> FloatArray | None:
        """What the probabilities of a column are multiplied with, (18,), or ``None``; older hints are dropped."""
        self._spans = [span for span in self._spans if span[1] > column]
        factors: FloatArray | None = None
        for first, _, label, factor in self._spans:
            if first <= column:
                factors = np.ones(CLASS_COUNT, np.float32) if factors is None else factors
                factors[label] = max(factors[label], factor)
        return factors


def _spans_of(hint: Hint) -> list[tuple[int, int, int, np.float32]]:
    viseme = None if hint.is_word else _NAMES.get(hint.text.lower())
    if viseme is not None:
        return [_span(hint.start_s - _MARGIN_S, hint.end_s + _MARGIN_S, viseme, _VISEME_FACTOR)]
    classes = classes_of_word(hint.text)
    step_s = (hint.end_s - hint.start_s) / max(1, len(classes))
    starts = [hint.start_s + i * step_s for i in range(len(classes))]
    return [
        _span(start - _WORD_MARGIN_S, start + step_s + _WORD_MARGIN_S, name, _WORD_FACTOR)
        for start, name in zip(starts, classes, strict=True)
    ]


def _span(start_s: float, end_s: float, name: str, factor: np.float32) -> tuple[int, int, int, np.float32]:
    return round(start_s / COLUMN_S), round(end_s / COLUMN_S) + 1, CLASS_INDEX[name], factor
