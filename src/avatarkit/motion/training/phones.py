"""Phone sets of the speech synthesisers, mapped to articulatory classes.

Each table maps a phone to one class, or to two for a diphthong, which spends :data:`FIRST_SHARE` of its time in
the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from avatarkit.motion.classes import CLASS_INDEX

FIRST_SHARE: Final = 0.55
UNKNOWN: Final = -1
"""Label of a phone that no table knows; left out of training and scores."""

Table = Mapping[str, tuple[str, ...]]


class Segment(NamedTuple):
    """A stretch of one class, or of :data:`UNKNOWN`; seconds."""

    label: int
    start_s: float
    end_s: float


def _table(**phones_of: str) -> Table:
    return {phone: tuple(name.split("_")) for name, phones in phones_of.items() for phone in phones.split()}


ENGLISH: Final = _table(
    sil="pau # h# brth sil", PP="p b m", FF="f v", TH="th dh", DD="t d dx", NN="n l nx el en", KK="k g ng",
    CH="ch jh sh zh", SS="s z", RR="r", WW="w", HH="hh hv", II="iy ih y", EE="eh", AA="aa ae ah",
    AX="ax er axr ix", OO="ao", UU="uw uh", EE_II="ey", AA_II="ay", AA_UU="aw", OO_II="oy", OO_UU="ow",
)  # fmt: skip
RUSSIAN: Final = _table(
    sil="pau #", PP="p b m pp bb mm", FF="f v ff vv", DD="t d tt dd", NN="n l nn ll", KK="k g h kk gg hh",
    CH="sh zh ch sch", SS="s z c ss zz", RR="r rr", II="i ii j y yy", EE="e ee", AA="a aa", AX="ae ay", OO="o oo",
    UU="u uu ur",
)  # fmt: skip
CZECH: Final = _table(
    sil="# _", PP="p b m", FF="f v", DD="t d t~ d~", NN="n l n~", KK="k g ch", CH="s~ z~ c~ dz~ r~ r~*",
    SS="s z c dz", RR="r", HH="h", II="i i: j", EE="e e:", AA="a a:", OO="o o:", UU="u u:",
)  # fmt: skip
ITALIAN: Final = _table(
    sil="#", PP="p b m", FF="f v nf", DD="t d", NN="n l J L", KK="k g ng", CH="S tS dZ", SS="s z ts dz", RR="r",
    WW="w", II="i i1 j", EE="e e1 E1", AA="a a1", OO="o o1 O1", UU="u u1",
)  # fmt: skip
FINNISH: Final = _table(
    sil="#", PP="p b m p: m:", FF="f v", DD="t d t: d:", NN="n l n: l:", KK="k g k: N", CH="S", SS="s s:",
    RR="r r:", HH="h", II="i i: j", EE="e e:", AA="a a: @ @:", OO="o o: 7 7:", UU="u u: y y:",
)  # fmt: skip
CATALAN: Final = _table(
    sil="pau #", PP="p b m", FF="f v", DD="t d", NN="n l J L", KK="k g ng N", CH="S Z tS dZ", SS="s z ts dz",
    RR="r rr", WW="w", II="i i1 j y", EE="e e1 E1", AA="a a1", AX="ax", OO="o o1 O1", UU="u u1",
)  # fmt: skip
INDIC: Final = _table(
    sil="pau #", PP="p b m bh ph", FF="f v", DD="t d th dh tth ddh T D tt dd", NN="n l N nn", KK="k g kh gh ng",
    CH="ch j jh sh chh", SS="s z", RR="r rr", HH="h", II="iy ih y", EE="eh ee", AA="aa", AX="a", OO="oh oo",
    UU="uw uh", AA_II="ay", AA_UU="aw",
)  # fmt: skip

_ESPEAK_PREFIXES: Final = _table(
    CH="tS dZ sx S Z", SS="ts dz s z", AA_II="aI ai AI", AA_UU="aU VU &U", EE_II="eI ei", OO_UU="oU", OO_II="OI",
    UU_OO="uo", UU="yY u U y Y U@", OO="O@ o@ O o W", AA="A@ a A 0 V", EE="e@ e E", II="i@ i I j J", AX="a# & @ 3 8",
    NN="l^ n^ n l L", RR="** r* r R *", PP="p b m B", FF="f v", TH="T D", DD="t d", KK="N k g x X Q c", HH="C h",
    WW="w H",
)  # fmt: skip
_ESPEAK_LONGEST: Final = max(map(len, _ESPEAK_PREFIXES))


def espeak_classes(mnemonic: str) -> tuple[str, ...] | None:
    """Classes of an espeak-ng phoneme mnemonic, or ``None`` for a mark that prolongs the phone before it."""
    if mnemonic.startswith("("):
        mnemonic = mnemonic.partition(")")[2]
    if mnemonic.startswith("_"):
        return ("sil",)
    if mnemonic.startswith("?"):
        mnemonic = mnemonic[1:]
    for length in range(min(_ESPEAK_LONGEST, len(mnemonic)), 0, -1):
        if found := _ESPEAK_PREFIXES.get(mnemonic[:length]):
            return found
    return None


def segments_of(classes: Sequence[str] | None, start_s: float, end_s: float) -> list[Segment]:
    """One segment a class; an unknown phone gives one :data:`UNKNOWN` segment."""
    if not classes:
        return [Segment(UNKNOWN, start_s, end_s)]
    if len(classes) == 1:
        return [Segment(CLASS_INDEX[classes[0]], start_s, end_s)]
    middle_s = start_s + FIRST_SHARE * (end_s - start_s)
    first, second = classes
    return [Segment(CLASS_INDEX[first], start_s, middle_s), Segment(CLASS_INDEX[second], middle_s, end_s)]


def segments_from_ends(table: Table, ends: Sequence[tuple[str, float]]) -> list[Segment]:
    """Segments of a run of ``(phone, end in seconds)`` that starts at 0."""
    segments: list[Segment] = []
    start_s = 0.0
    for phone, end_s in ends:
        segments += segments_of(table.get(phone), start_s, end_s)
        start_s = end_s
    return segments
