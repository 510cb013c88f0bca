"""The face modifiers by their MakeHuman names, and which targets of the base mesh they stand for.

A modifier is named ``folder/name-less|more``: -1 is all of the first, +1 all of the second. One without a bar goes
from 0 to 1. Those of eyes, cheeks and ears exist for either side (``eyes/l-eye-scale-decr|incr``); without ``l-`` or
``r-`` they are for both.
"""

from __future__ import annotations

from typing import Final

_PAIRS: Final[dict[str, str]] = {
    "di": "decr|incr",
    "du": "down|up",
    "io": "in|out",
    "bf": "backward|forward",
    "cc": "concave|convex",
    "pr": "compress|uncompress",
    "": "",
}

_BOTH_SIDES: Final = ("eyes", "cheek", "ears")

_TABLE: Final[dict[str, str]] = {
    "head": "age:di angle:io back-scale-depth:di diamond fat:di invertedtriangular oval rectangular round "
    "scale-depth:di scale-horiz:di scale-vert:di square trans:bf trans:du triangular",
    "forehead": "nubian:di scale-vert:di temple:di trans:bf",
    "eyebrows": "angle:du trans:bf trans:du",
    "eyes": "bag:di bag-height:di bag:io corner1:du corner2:du epicanthus:io eyefold-angle:du eyefold:cc eyefold:du "
    "height1:di height2:di height3:di push1:io push2:io scale:di trans:du trans:io",
    "nose": "base:du compression:pr curve:cc flaring:di greek:di hump:di nostrils-angle:du nostrils-width:di "
    "point:du point-width:di scale-depth:di scale-horiz:di scale-vert:di septumangle:di trans:bf trans:du "
    "volume:di width1:di width2:di width3:di",
    "mouth": "angles:du cupidsbow:di cupidsbow-width:di dimples:io laugh-lines:io lowerlip-ext:du "
    "lowerlip-height:di lowerlip-middle:du lowerlip-volume:di lowerlip-width:di philtrum-volume:di scale-depth:di "
    "scale-horiz:di scale-vert:di trans:bf trans:du upperlip-ext:du upperlip-height:di upperlip-middle:du "
    "upperlip-volume:di upperlip-width:di",
    "chin": "bones:di cleft:di height:di jaw-drop:di prognathism:di prominent:di triangle width:di",
    "cheek": "bones:di inner:di trans:du volume:di",
    "ears": "flap:di lobe:di rot:bf scale:di scale-depth:di scale-vert:di shape-pointed shape-round shape-square "
    "shape-triangle trans:bf trans:du wing:di",
    "neck": "back-scale-depth:di double:di scale-depth:di scale-horiz:di scale-vert:di",
}
_STEMS: Final = {"eyebrows": "eyebrows", "eyes": "eye", "ears": "ear"}
"""How the names of a folder begin, where it is not as the folder."""


def _all() -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    out: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for folder, words in _TABLE.items():
        stem = _STEMS.get(folder, folder)
        for word in words.split():
            name, _, pair = word.partition(":")
            for sides in (("l-",), ("r-",), ("l-", "r-")) if folder in _BOTH_SIDES else (("",),):
                prefix = sides[0] if len(sides) == 1 else ""
                whole = f"{folder}/{prefix}{stem}-{name}"
                starts = [f"{folder}/{side}{stem}-{name}" for side in sides]
                if not pair:
                    out[whole] = ((), tuple(starts))
                    continue
                less, _, more = _PAIRS[pair].partition("|")
                out[f"{whole}-{less}|{more}"] = (
                    tuple(f"{start}-{less}" for start in starts),
                    tuple(f"{start}-{more}" for start in starts),
                )
    return out


MODIFIERS: Final = _all()
"""For each modifier the targets of its negative side (none: it has no such side) and of its positive side."""


def modifier_targets(name: str, amount: float) -> list[tuple[str, float]]:
    """Targets and how much of each, 0..1, that a modifier at ``amount`` (-1..1) stands for."""
    less, more = MODIFIERS[name]
    return [(target, abs(amount)) for target in (more if amount > 0.0 else less)] if amount else []
