"""From spoken sentences to columns of features with labels, several disturbed copies of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.frames import FloatArray
from avatarkit.motion.classes import COLUMN_S
from avatarkit.motion.hearing import columns_of
from avatarkit.motion.training import augment
from avatarkit.motion.training.phones import Segment
from avatarkit.motion.training.synthesis import Utterance

COPIES: Final = 5
"""One nearly clean copy, the others revoiced and disturbed."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance as the network sees it: features float16 (n, 80), labels int8 (n,) at 20 ms steps."""

    voice: str
    features: npt.NDArray[np.float16]
    labels: npt.NDArray[np.int8]


def labels_of(
    segments: Sequence[Segment], count: int, *, scale: float = 1.0, shift_s: float = 0.0
) -> npt.NDArray[np.int8]:
    """Class at the instants 0, 20, 40 ms ...; int8 (count,), silence outside the segments."""
    labels = np.zeros(count, np.int8)
    for label, start_s, end_s in segments:
        first = int(np.ceil((start_s * scale + shift_s) / COLUMN_S - 1e-9))
        last = int(np.ceil((end_s * scale + shift_s) / COLUMN_S - 1e-9))
        labels[max(first, 0) : max(last, 0)] = label
    return labels


def clip_of(spoken: Utterance, samples: FloatArray, *, scale: float = 1.0, shift_s: float = 0.0) -> Clip:
    """Features and labels of one (changed) recording at 16 kHz."""
    features = columns_of(samples).features
    labels = labels_of(spoken.segments, len(features), scale=scale, shift_s=shift_s)
    return Clip(spoken.voice, features.astype(np.float16), labels)


def copies_of(spoken: Utterance, rng: np.random.Generator, babble: FloatArray) -> Iterator[Clip]:
    """All copies of one utterance."""
    original = augment.at_16_khz(spoken.samples, spoken.sample_rate)
    for copy in range(COPIES):
        samples, scale = (original, 1.0) if copy == 0 else augment.revoice(original, rng)
        samples, before_s = augment.padded(augment.normalised(samples), rng)
        if copy == 0:
            samples = samples + np.float32(1e-4) * rng.standard_normal(len(samples)).astype(np.float32)
        else:
            samples = augment.disturb(samples, rng, babble)
        yield clip_of(spoken, samples, scale=scale, shift_s=before_s)


def build(utterances: Iterable[Utterance], seed: int) -> Iterator[Clip]:
    """Copies of every utterance; each is disturbed with the one before it as babble."""
    rng = np.random.default_rng(seed)
    babble = rng.standard_normal(16000).astype(np.float32)
    for spoken in utterances:
        yield from copies_of(spoken, rng, babble)
        babble = augment.at_16_khz(spoken.samples, spoken.sample_rate)


def save(path: Path, clips: Sequence[Clip]) -> None:
    """Write clips to one uncompressed file."""
    np.savez(
        path,
        features=np.concatenate([clip.features for clip in clips]),
        labels=np.concatenate([clip.labels for clip in clips]),
        lengths=np.array([len(clip.labels) for clip in clips]),
        voices=np.array([clip.voice for clip in clips]),
    )


def load(path: Path) -> list[Clip]:
    """Read what :func:`save` wrote."""
    with np.load(path) as file:
        ends = np.cumsum(file["lengths"])
        features = np.split(file["features"], ends[:-1])
        labels = np.split(file["labels"], ends[:-1])
        return [Clip(str(v), f, y) for v, f, y in zip(file["voices"], features, labels, strict=True)]
