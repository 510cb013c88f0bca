"""What other programs call the shapes and joints that we know.

Names differ by case, by separators, by a prefix before a separator (``Head.jawOpen``, ``blendShape1.jawOpen``,
``face_jawOpen``) and by how the side is written (``browDown_L``, ``browDownLeft``).
"""

from __future__ import annotations

import re
from typing import Final

from avatarkit.frames import ARKIT_NAMES

VISEMES: Final[tuple[str, ...]] = (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U",
)  # fmt: skip
"""The Oculus set."""

_LONGEST: Final = 200
_SEPARATORS: Final = re.compile(r"[^A-Za-z0-9]+")
_VISEME: Final = re.compile(r"(?:^|[^A-Za-z0-9])(?:viseme|vrc[._]v|v)[._ -]?([A-Za-z]{1,3})$", re.IGNORECASE)
_VISEME_OF: Final = {name.lower(): name for name in VISEMES} | {"ih": "I", "oh": "O", "ou": "U"}


def _spellings() -> dict[str, str]:
    out = {}
    for name in ARKIT_NAMES:
        out[name.lower()] = name
        for side in ("Left", "Right"):
            if name.endswith(side):
                out[(name.removesuffix(side) + side[0]).lower()] = name
    return out


_SPELLINGS: Final = _spellings()
_BY_LENGTH: Final = sorted(_SPELLINGS, key=len, reverse=True)


def arkit_name(name: str) -> str | None:
    """The ARKit shape that a name means, or ``None``."""
    name = name[:_LONGEST]
    flat = _SEPARATORS.sub("", name).lower()
    if flat in _SPELLINGS:
        return _SPELLINGS[flat]
    for spelling in _BY_LENGTH:
        if flat.endswith(spelling) and _begins_word(name, len(spelling)):
            return _SPELLINGS[spelling]
    return None


def viseme_name(name: str) -> str | None:
    """The Oculus viseme that a name such as ``viseme_aa`` or ``vrc.v_aa`` means, or ``None``."""
    found = _VISEME.search(name[:_LONGEST])
    return None if found is None else _VISEME_OF.get(found[1].lower())


def joint_name(name: str) -> str | None:
    """``head`` or ``neck`` for a joint such as ``mixamorig:Head`` or ``J_Bip_C_Neck``, or ``None``."""
    last = re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", name[:_LONGEST])[-1].lower()
    return last if last in ("head", "neck") else None


def _begins_word(name: str, letters: int) -> bool:
    """Whether the last so many letters of a name begin a word: after a separator or digit, or with a capital."""
    start = len(name)
    while letters:
        start -= 1
        letters -= name[start].isalnum()
    return not name[start - 1].isalpha() or (name[start].isupper() and name[start - 1].islower())
