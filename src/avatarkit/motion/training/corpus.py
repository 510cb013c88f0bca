"""Makes the corpus: every voice speaks its share of sentences. The same seed gives the same sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from avatarkit.motion.training import synthesis
from avatarkit.motion.training.synthesis import Utterance
from avatarkit.motion.training.texts import TextSource
from avatarkit.motion.training.voices import ESPEAK_LANGUAGES, ESPEAK_UTTERANCES, ESPEAK_VARIANTS, Voice

_STRETCHES: Final = (0.75, 0.85, 0.92, 1.0, 1.1, 1.25)


def speak(voice: Voice, seed: int) -> Iterator[Utterance]:
    """All sentences of one voice."""
    texts = TextSource(seed)
    rng = np.random.default_rng(seed + 1)
    sentences = [texts.pseudo(voice.language) for _ in range(voice.utterances)]
    stretches = [float(s) for s in rng.choice(_STRETCHES, voice.utterances)]
    if voice.engine == "festival":
        yield from synthesis.festival(voice, sentences, stretches)
        return
    choices = (0, *voice.mean_pitches_hz)
    pitches = [int(p) for p in rng.choice(choices, voice.utterances)]
    yield from synthesis.flite(voice, sentences, stretches, pitches)


def speak_espeak(seed: int, count: int = ESPEAK_UTTERANCES) -> Iterator[Utterance]:
    """Sentences of many languages and voice variants of espeak-ng."""
    engine = synthesis.Espeak()
    texts = TextSource(seed)
    rng = np.random.default_rng(seed + 1)
    for _ in range(count):
        language = str(rng.choice(ESPEAK_LANGUAGES))
        yield from _one(engine, texts, rng, language)


def _one(engine: synthesis.Espeak, texts: TextSource, rng: np.random.Generator, language: str) -> Sequence[Utterance]:
    spoken = engine.speak(
        texts.pseudo(language.partition("-")[0]),
        language + str(rng.choice(ESPEAK_VARIANTS)),
        rate=int(rng.integers(125, 205)),
        pitch=int(rng.integers(25, 75)),
        pitch_range=int(rng.integers(25, 75)),
    )
    return [] if spoken is None else [spoken]
