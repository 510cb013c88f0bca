"""What is measured: the engines here, and other ways of moving a mouth from sound, on the same audio.

A system gives class probabilities each 20 ms, 25 fps weights, or both. Probabilities alone are turned into weights by
the same articulation that the learned engine uses, so that only the hearing differs.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatarkit.frames import ARKIT_INDEX, WEIGHT_COUNT, FloatArray
from avatarkit.motion import articulation, open_engine
from avatarkit.motion.articulatory import LOOK_AHEAD_COLUMNS
from avatarkit.motion.classes import CLASS_COUNT, CLASS_INDEX
from avatarkit.motion.hearing import columns_of
from avatarkit.motion.kernels import mouth
from avatarkit.motion.network import Network, load_network
from avatarkit.motion.style import Style, manner_of
from avatarkit.motion.training.card import decided
from avatarkit.motion.training.dataset import labels_of
from bench.lipsync.alignment import all_phones
from bench.lipsync.material import Clip, pcm_of

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Heard:
    """Output of a system for one clip: probabilities (columns, 18) or ``None``, weights (frames, 52)."""

    probabilities: FloatArray | None
    weights: FloatArray


System = Callable[[Clip], Heard]


def _levels(clip: Clip) -> FloatArray:
    return columns_of(clip.samples).prosody[:, 0]


def shaped(probabilities: FloatArray, levels: FloatArray) -> FloatArray:
    """Weights (frames, 52) from probabilities (columns, 18), by the engine's own articulation."""
    states = np.zeros((1, articulation.STATE.size), np.float32)
    articulation.start(states)
    manner, straight = manner_of(Style()), np.float32(0.0)
    padded = np.concatenate([probabilities, np.repeat(np.eye(CLASS_COUNT, dtype=np.float32)[:1], 4, axis=0)])
    frames: list[FloatArray] = []
    for column in range(-(-len(probabilities) // 2) * 2):
        decided = padded[column : column + 3].astype(np.float32)
        mouth.hear(states[0], decided, levels[min(column, len(levels) - 1)])
        if column % 2 == 1:
            frames.append(np.empty(WEIGHT_COUNT, np.float32))
            mouth.shape(states[0], manner, straight, frames[-1])
    return np.clip(np.array(frames, np.float32).reshape(-1, WEIGHT_COUNT), 0.0, 1.0)


def engine(name: str, **options: str) -> System:
    """A motion engine of the package, through its public interface."""
    made = open_engine(name, **options)

    def hear(clip: Clip) -> Heard:
        stream = made.open(16000)
        stream.push(pcm_of(clip))
        stream.finish()
        probabilities = None
        if name == "articulatory":
            probabilities = _probabilities(clip, LOOK_AHEAD_COLUMNS[options.get("profile", "quality")])
        return Heard(probabilities, stream.take().weights)

    return hear


_NETWORKS: dict[int, Network] = {}


def _probabilities(clip: Clip, horizon: int) -> FloatArray:
    network = _NETWORKS.setdefault(horizon, load_network((horizon,)))
    silence = np.zeros(320 * horizon, np.float32)
    features = np.concatenate([columns_of(clip.samples).features, columns_of(silence).features])
    return decided(network, features)[horizon:, 0]


def oracle(clip: Clip) -> Heard:
    """The reference labels themselves through the articulation: the best that it could do."""
    probabilities = np.eye(CLASS_COUNT, dtype=np.float32)[np.maximum(clip.labels, 0)]
    return Heard(probabilities, shaped(probabilities, _levels(clip)))


def amplitude(clip: Clip) -> Heard:
    """The jaw follows the loudness, nothing else: what the simplest avatars do."""
    levels = _levels(clip)
    peak = np.percentile(levels, 95)
    opened = np.clip((levels - (peak - 30.0)) / 30.0, 0.0, 1.0) ** 1.5
    opened = np.convolve(opened, [0.25, 0.5, 0.25], "same")[::2]
    weights = np.zeros((len(opened), WEIGHT_COUNT), np.float32)
    weights[:, ARKIT_INDEX["jawOpen"]] = 0.85 * opened
    return Heard(None, weights)


def _cepstra(features: FloatArray) -> FloatArray:
    """Twelve mel cepstral coefficients of each column."""
    bands = features.shape[1] // 2
    order = np.arange(1, 13)[:, None]
    basis = np.sqrt(2.0 / bands) * np.cos(np.pi * order * (np.arange(bands) + 0.5) / bands)
    return np.asarray(features[:, :bands] @ basis.T)


def nearest_template(training: list[tuple[FloatArray, np.ndarray]]) -> System:
    """One mean cepstrum a class, the nearest wins (as in uLipSync), learnt from the training voices."""
    cepstra = np.concatenate([_cepstra(f.astype(np.float32)) for f, _ in training])
    labels = np.concatenate([y for _, y in training])
    means = np.stack([cepstra[labels == c].mean(axis=0) for c in range(CLASS_COUNT)])
    deviation = cepstra.std(axis=0)

    def hear(clip: Clip) -> Heard:
        features, levels = columns_of(clip.samples).features, _levels(clip)
        apart = np.square((_cepstra(features)[:, None] - means) / deviation).sum(axis=2)
        apart[:, 0] = np.inf
        nearest = apart.argmin(axis=1)
        nearest[levels < np.percentile(levels, 95) - 32.0] = 0
        probabilities = np.eye(CLASS_COUNT, dtype=np.float32)[nearest]
        return Heard(probabilities, shaped(probabilities, levels))

    return hear


def allphone(clip: Clip) -> Heard:
    """pocketsphinx phone recognition: needs the whole utterance, English only. An offline reference."""
    labels = np.maximum(labels_of(all_phones(clip.samples), len(clip.labels)), 0)
    probabilities = np.eye(CLASS_COUNT, dtype=np.float32)[labels]
    return Heard(probabilities, shaped(probabilities, _levels(clip)))


_HEAD_AUDIO_CLASSES = ("AA", "EE", "II", "OO", "UU", "PP", "SS", "TH", "DD", "FF", "KK", "NN", "RR", "CH", "sil")


def head_audio(package: Path) -> System:
    """HeadAudio (npm ``@met4citizen/headaudio``) in node, visemes at the time when they come out."""

    def hear(clip: Clip) -> Heard:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.f32"
            clip.samples.astype("<f4").tofile(path)
            command = ["node", str(HERE / "headaudio.mjs"), str(package), str(path)]
            events = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        labels = np.zeros(len(clip.labels), np.int64)
        for time_s, viseme in events:
            labels[int(np.ceil(time_s / 0.02)) :] = CLASS_INDEX[_HEAD_AUDIO_CLASSES[viseme]]
        probabilities = np.eye(CLASS_COUNT, dtype=np.float32)[labels]
        return Heard(probabilities, shaped(probabilities, _levels(clip)))

    return hear
