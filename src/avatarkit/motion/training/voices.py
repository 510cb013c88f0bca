"""The voices of the corpus: which synthesiser speaks them, under which licence, and what they are used for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from avatarkit.motion.training import phones


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice of one synthesiser."""

    engine: str
    """``flite`` or ``festival``."""
    name: str
    language: str
    licence: str
    utterances: int
    """How many sentences the corpus holds of it."""
    table: phones.Table = field(default_factory=lambda: phones.ENGLISH)
    encoding: str = "utf-8"
    label_offset_s: float = 0.0
    """Added to every label time: how late this voice's sound is against its labels, found as the lag at which
    the labels of s and sh agree best with the energy above 3.5 kHz, and those of vowels with that below 2 kHz."""
    mean_pitches_hz: tuple[int, ...] = ()
    """Mean pitches the voice can be asked for; empty when it cannot."""


_BSD = "BSD-like (CMU, Edinburgh)"

TRAINING_VOICES: Final[tuple[Voice, ...]] = (
    Voice("flite", "slt", "en", _BSD, 420, label_offset_s=0.006, mean_pitches_hz=(150, 180, 210)),
    Voice("flite", "awb", "en", _BSD, 420),
    Voice("flite", "rms", "en", _BSD, 420),
    Voice("flite", "kal16", "en", _BSD, 300, label_offset_s=0.005, mean_pitches_hz=(80, 105, 140)),
    Voice("flite", "kal", "en", _BSD, 80, label_offset_s=0.005, mean_pitches_hz=(85, 120)),
    Voice("festival", "kal_diphone", "en", _BSD, 150, label_offset_s=0.007),
    Voice("festival", "ked_diphone", "en", _BSD, 380, label_offset_s=0.007),
    Voice("festival", "cmu_us_slt_arctic_hts", "en", _BSD, 150, label_offset_s=0.012),
    Voice("festival", "msu_ru_nsh_clunits", "ru", "BSD-like (N. V. Shmyrev)", 380, phones.RUSSIAN),
)
"""Permissively licensed voices: the shipped weights learn from these and from espeak-ng's generated sound."""

_GPL = "GPL-2+"
HELD_OUT_VOICES: Final[tuple[Voice, ...]] = (
    Voice("festival", "czech_dita", "cs", _GPL, 8, phones.CZECH, "iso-8859-2"),
    Voice("festival", "czech_krb", "cs", _GPL, 8, phones.CZECH, "iso-8859-2"),
    Voice("festival", "czech_machac", "cs", _GPL, 8, phones.CZECH, "iso-8859-2"),
    Voice("festival", "czech_ph", "cs", _GPL, 8, phones.CZECH, "iso-8859-2"),
    Voice("festival", "lp_diphone", "it", _GPL, 8, phones.ITALIAN, "iso-8859-1"),
    Voice("festival", "pc_diphone", "it", _GPL, 8, phones.ITALIAN, "iso-8859-1"),
    Voice("festival", "suo_fi_lj_diphone", "fi", "LGPL-2.1+", 8, phones.FINNISH, "iso-8859-15"),
    Voice("festival", "hy_fi_mv_diphone", "fi", "LGPL-2.1+", 8, phones.FINNISH, "iso-8859-15"),
    Voice("festival", "upc_ca_ona_hts", "ca", "LGPL-2.1+", 8, phones.CATALAN, "iso-8859-15"),
    Voice("festival", "hindi_NSK_diphone", "hi", _GPL, 8, phones.INDIC),
    Voice("festival", "telugu_NSK_diphone", "te", _GPL, 8, phones.INDIC),
)
"""Voices that no shipped weight has seen; the benchmark listens to them."""

ESPEAK_UTTERANCES: Final = 460
ESPEAK_OFFSET_S: Final = -0.003
ESPEAK_LANGUAGES: Final[tuple[str, ...]] = (
    "en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland", "en-029", "de", "fr", "es", "it", "pt-br", "nl", "sv", "nb",
    "da", "pl", "cs", "hu", "ro", "tr", "fi", "id", "sw", "ca", "sk", "hr", "el", "ru", "hi", "te",
)  # fmt: skip
"""espeak-ng language codes: generated sound for phones and syllables that the recorded voices do not have."""

ESPEAK_VARIANTS: Final[tuple[str, ...]] = (
    "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5", "+klatt", "+klatt2",
    "+klatt4", "+Diogo", "+Andy", "+Annie", "+linda", "+steph", "+belinda", "+Alex", "+Michael",
)  # fmt: skip
