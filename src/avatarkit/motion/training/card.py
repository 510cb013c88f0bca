"""The card that goes with the weights: data, licences, seeds, and how often the exported file is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.classes import CLASS_GROUP, COLUMN_S
from avatarkit.motion.network import Network, load_network
from avatarkit.motion.training.dataset import COPIES, Clip
from avatarkit.motion.training.prepare import SEED as CORPUS_SEED
from avatarkit.motion.training.voices import ESPEAK_LANGUAGES, HELD_OUT_VOICES, TRAINING_VOICES

_HORIZONS = (4, 2)


def decided(network: Network, features: FloatArray) -> FloatArray:
    """Run the exported network over a recording: (n, 80) features to (n, horizons, 18) probabilities."""
    moments = [(1, slice(n, n + 1)) for n in range(len(features))]
    return network.listen(features, np.zeros((1, network.state_size), np.float32), moments)


def _scores(network: Network, clips: Sequence[Clip]) -> list[tuple[float, float]]:
    """Share of right classes and groups for each horizon."""
    group = np.array(CLASS_GROUP)
    sums = np.zeros((len(network.horizons), 3))
    for clip in clips:
        flush = np.repeat(clip.features[-1:], max(network.horizons), axis=0)
        told = decided(network, np.concatenate([clip.features, flush]).astype(np.float32)).argmax(axis=2)
        known = clip.labels >= 0
        for i, horizon in enumerate(network.horizons):
            mine = told[horizon : horizon + len(clip.labels), i][known]
            truth = clip.labels[known]
            sums[i] += [(mine == truth).sum(), (group[mine] == group[truth]).sum(), len(truth)]
    return [(right / count, same / count) for right, same, count in sums]


def accuracy_table(weights: Path, tests: Mapping[str, Sequence[Clip]]) -> str:
    """A table in Markdown: the exported weights on each set, and on each voice of the held-out set."""
    network = load_network(_HORIZONS, weights)
    lines = [
        "| speech | 18 classes, 100 ms | 8 groups, 100 ms | 18 classes, 60 ms | 8 groups, 60 ms |",
        "|---|---|---|---|---|",
    ]
    rows = [(name, list(clips)) for name, clips in tests.items()]
    held_out = tests.get("held-out", [])
    rows += [(v, [clip for clip in held_out if clip.voice == v]) for v in sorted({clip.voice for clip in held_out})]
    for name, clips in rows:
        cells = " | ".join(f"{c:.3f} | {g:.3f}" for c, g in _scores(network, clips))
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def card_of(clips: Sequence[Clip], table: str, steps: int, seed: int, size: int) -> str:
    """The card in Markdown."""
    hours = sum(len(clip.labels) for clip in clips) * COLUMN_S / 3600.0
    voices = "\n".join(f"| {v.engine} {v.name} | {v.language} | {v.licence} |" for v in TRAINING_VOICES)
    unheard = ", ".join(f"{v.name} ({v.language}, {v.licence})" for v in HELD_OUT_VOICES)
    return f"""# Weights of the engine `articulatory`

Made by `python -m avatarkit.motion.training` from synthetic speech alone: no recording of a person was used directly.
Licence: that of AvatarKit (Apache-2.0).

- Form: 80 log-mel features each 20 ms, a rectified layer and two gated recurrent layers of 192, softmaxes over 18
  classes at 5 horizons; whole-number weights up to 255; {size} bytes.
- Data: {hours:.1f} hours ({hours / COPIES:.1f} hours spoken, {COPIES} copies of each sentence: one plain, the others
  with changed pitch, vocal tract and breathiness, in rooms, with noise, equalised, band-limited, clipped).
- Seeds: corpus {CORPUS_SEED}, training {seed}; {steps} steps of 64 crops of 3.2 s; AdamW; averaged weights.

| voice | language | licence |
|---|---|---|
{voices}
| espeak-ng, {len(ESPEAK_LANGUAGES)} accents | many | GPL-3+ program; its sound is computed, no recording |

Never heard in training, and used for tests only: {unheard}.

Share of 20 ms columns that the file has right, by how much sound after the column's start it may hear:

{table}

Known limits: learnt from synthetic voices; languages without a voice above were heard only from espeak-ng; singing,
shouting, whispering people, small children and several speakers at once were not tried.
"""
