"""Makes the data sets on disk: training clips, and fresh sentences of the same voices for validation."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.motion.training import augment, corpus, dataset
from avatarkit.motion.training.dataset import Clip
from avatarkit.motion.training.synthesis import Utterance
from avatarkit.motion.training.voices import ESPEAK_UTTERANCES, TRAINING_VOICES, Voice

SEED: Final = 20_240
_VALIDATION_SHARE: Final = 0.05


def _spoken(share: float, seed: int, say: Callable[[str], None]) -> Iterator[Utterance]:
    for i, voice in enumerate(TRAINING_VOICES):
        say(f"speaking {voice.engine} {voice.name}")
        part = dataclasses.replace(voice, utterances=max(4, round(voice.utterances * share)))
        yield from corpus.speak(part, seed + 100 * i)
    say("speaking espeak-ng")
    yield from corpus.speak_espeak(seed + 90_000, max(4, round(ESPEAK_UTTERANCES * share)))


def training_set(path: Path, say: Callable[[str], None], share: float = 1.0) -> None:
    """Write the training clips; ``share`` makes a smaller corpus."""
    dataset.save(path, list(dataset.build(_spoken(share, SEED, say), SEED)))


def _plain(spoken: Utterance) -> Clip:
    samples = augment.normalised(augment.at_16_khz(spoken.samples, spoken.sample_rate))
    return dataset.clip_of(spoken, np.pad(samples, (3200, 4800)), shift_s=0.2)


def validation_set(path: Path, say: Callable[[str], None]) -> None:
    """Write undisturbed clips of sentences that training does not have."""
    dataset.save(path, [_plain(spoken) for spoken in _spoken(_VALIDATION_SHARE, SEED + 777_777, say)])


def held_out_set(path: Path, voices: tuple[Voice, ...], say: Callable[[str], None]) -> None:
    """Write undisturbed clips of voices that training has not heard."""
    clips = []
    for i, voice in enumerate(voices):
        say(f"speaking {voice.engine} {voice.name}")
        clips += [_plain(spoken) for spoken in corpus.speak(voice, SEED + 500_000 + i)]
    dataset.save(path, clips)
