"""The 18 articulatory classes that the learned engine tells apart, and their eight visual groups."""

from __future__ import annotations

from typing import Final

CLASSES: Final[tuple[str, ...]] = (
    "sil", "PP", "FF", "TH", "DD", "NN", "KK", "CH", "SS", "RR", "WW", "HH", "II", "EE", "AA", "AX", "OO", "UU",
)  # fmt: skip
"""Silence; p b m; f v; th; d t; n l; k g ng; ch j sh zh; s z; r; w; h; then the vowels: ee, e, a, schwa, o, oo."""

CLASS_INDEX: Final[dict[str, int]] = {name: i for i, name in enumerate(CLASSES)}
CLASS_COUNT: Final = len(CLASSES)
VOWELS: Final[tuple[str, ...]] = ("II", "EE", "AA", "AX", "OO", "UU")

GROUPS: Final[tuple[str, ...]] = ("silence", "lips", "lip-teeth", "tongue", "open", "mid", "spread", "round")
_GROUP_OF: Final[dict[str, str]] = {
    "sil": "silence", "PP": "lips", "FF": "lip-teeth", "AA": "open", "EE": "mid", "AX": "mid", "II": "spread",
    "OO": "round", "UU": "round", "WW": "round",
}  # fmt: skip
CLASS_GROUP: Final[tuple[int, ...]] = tuple(GROUPS.index(_GROUP_OF.get(name, "tongue")) for name in CLASSES)
"""Group of each class: what a viewer can tell apart."""

COLUMN_S: Final = 0.02
"""Seconds between two class decisions: one column."""
