"""Sentences for the corpus: English from templates and a word list, other languages as pseudo-words.

Pseudo-words give every language's syllables without any text corpus.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

WORD_LIST: Final = Path("/usr/share/dict/american-english")
_COMMON_TEXT: Final = """
the a an my your his her their our this that these those every some any no of to and or but in on with for from
by at as up down out off over under into about after before between through while because if then than so very
too also never always often again soon now here there away back we you they i he she it who what when where how
why which is are was were be been has had have do did does can could will would should must may might please
let make made give gave have move took take come came go went see saw know knew think thought say said tell told
ask feel felt keep kept leave left hear heard bring brought begin began show put read run work call try need
become seem help talk turn start live believe hold happen write sit stand lose pay meet follow remember open
close stop wait sleep win one two three four five six seven eight nine ten hundred thousand first last next
new old good bad great small big large long short high low young early late warm cold cool blue red green black
white happy sad more most much many few own same other another amiable respectable woman man men women people
child children boy girl mother father brother sister husband wife friend family baby king queen doctor master
house home room door window table book page paper letter word name story voice music song money office phone
email number problem question answer reason idea matter moment minute hour day night morning evening week month
year summer winter weather water river sea ship boat tree forest flower garden bird fish fox dog cat horse
apple pepper bread milk coffee tea food movie map member bubble bump lamp shop cup top front side rear center
left right forward meters ace king queen jack spades hearts clubs diamonds measure vision pleasure pleasure
judge church shoe zoo thing thank hello welcome goodbye yes okay maybe tomorrow today yesterday perhaps really
"""
_COMMON: Final = tuple(_COMMON_TEXT.split())
_TEMPLATES: Final = (
    "The {w} {w} is {w}.", "I would like to {w} the {w} before {w}.", "Could you {w} my {c} {w}, please?",
    "{w}, {w}, and {w} are in the {c} {w}.", "We never {w} {c} {w} with {w}.", "What about the {w} of {c} {w}?",
    "Maybe {c} people {w} more than {w} {w}.", "{w} {w} {c} {c} {w} {w}!", "Hello, welcome to {w} {w}.",
    "My {c} {w} moved from {w} to {w}, but {c} {w} stayed.", "{c} {c} {c} {c} {c} {c}.", "{w}.", "{w} {w}.",
    "He was not a {w} {w}, {c} {c} {w}, unless to be {c} {w} was to be {w}.",
    "If they had {c} {c}, {c} would be {w}.",
    "She said that {c} {c} was in the {w}, and {c} {c} went to the {w} of it.", "{c} {w} {c} {w}, {c} {w}.",
    "Put the {c} {w} on {c} {w}, then {c} it with {w}.", "{c} {c} {c} {w} {c} {c} {c} {w} {c} {c}.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Syllables:
    onsets: tuple[str, ...]
    vowels: tuple[str, ...]
    codas: bool = True


def _syllables(letters: str, more: str, vowels: str, *, codas: bool = True) -> _Syllables:
    return _Syllables((*letters, *more.split()), tuple(v.strip("-") for v in vowels.split()), codas)


_LANGUAGES: Final[dict[str, _Syllables]] = {
    "cs": _syllables("bcčdďfghjklmnňprřsštťvzž", "ch p b m", "a e i o u y á é í ú ů ou ě"),
    "it": _syllables("bcdfglmnpqrstvz", "ch gh gn gl sc pp bb mm tt ll", "a e i o u ia uo"),
    "fi": _syllables("hjklmnprstv", "kk ll mm nn pp tt d", "a e i o u y ä ö aa ii uu ää ei ai uo yö"),
    "ca": _syllables("bcdfglmnprstvxz", "ny ll ss rr tx qu", "a e i o u à è é í ó ò ú"),
    "ru": _syllables("бвгджзйклмнпрстфхцчшщ", "", "а е ё и о у ы э ю я"),
    "hi": _syllables("कखगघचछजझटठडढतथदधनपफबभमयरलवशसह", "", "- ा ि ी ु ू े ै ो ौ", codas=False),
    "te": _syllables("కగచజటడతదనపబమయరలవశసహ", "", "- ా ి ీ ు ూ ె ే ొ ో", codas=False),
    "el": _syllables("βγδζθκλμνξπρστφχψ", "μπ ντ", "α ε η ι ο υ ω ου αι ει"),
    "": _syllables("bcdfghjklmnprstvwz", "ch sh p b m", "a e i o u ai ou ie"),
}


def word_list(path: Path = WORD_LIST) -> tuple[str, ...]:
    """Plain lower-case words of two to nine letters, in file order. Raises ``FileNotFoundError``."""
    words = path.read_text(encoding="utf-8").splitlines()
    return tuple(word for word in words if re.fullmatch("[a-z]{2,9}", word))


class TextSource:
    """Endless sentences, the same for the same seed."""

    def __init__(self, seed: int, words: tuple[str, ...] | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._words = words or word_list()

    def _pick(self, choices: tuple[str, ...]) -> str:
        return choices[int(self._rng.integers(len(choices)))]

    def english(self) -> str:
        """One English sentence, grammatical or not."""
        text = self._pick(_TEMPLATES)
        while "{" in text:
            rare = self._rng.random() < 0.55
            text = text.replace("{w}", self._pick(self._words if rare else _COMMON), 1)
            text = text.replace("{c}", self._pick(_COMMON), 1)
        return text[0].upper() + text[1:]

    def pseudo(self, language: str) -> str:
        """Four to eight pseudo-words in the script of the language (``en`` gives English)."""
        if language.startswith("en"):
            return self.english()
        inventory = _LANGUAGES.get(language, _LANGUAGES[""])
        words = [self._pseudo_word(inventory) for _ in range(int(self._rng.integers(4, 9)))]
        return " ".join(words) + self._pick((".", ".", "?", "!"))

    def _pseudo_word(self, inventory: _Syllables) -> str:
        word = ""
        for _ in range(int(self._rng.integers(1, 4))):
            word += self._pick(inventory.onsets) + self._pick(inventory.vowels)
            if inventory.codas and self._rng.random() < 0.25:
                coda = self._pick(inventory.onsets)
                word += coda if len(coda) == 1 and coda not in "jhqйщ" else ""
        return word
