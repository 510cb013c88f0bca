"""A picture of a clip: sound, what was heard against the labels, the main shapes, the opening of the lips."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np

from avatarkit.frames import ARKIT_INDEX
from avatarkit.motion.classes import CLASS_INDEX, CLASSES
from bench.lipsync.material import Clip, seconds
from bench.lipsync.metrics import aperture_of, reference_aperture
from bench.lipsync.systems import Heard, System

mpl.use("Agg")
import matplotlib.pyplot as plt

_SHAPES = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthStretchLeft", "mouthRollLower")
_PER_TRACK = 3


def draw(tracks: dict[str, list[Clip]], made: dict[str, System], folder: Path) -> None:
    """Write some clips of each track as PNG, the longest first."""
    folder.mkdir(parents=True, exist_ok=True)
    for track, clips in tracks.items():
        for clip in sorted(clips, key=seconds, reverse=True)[:_PER_TRACK]:
            path = folder / f"{track}-{clip.name.replace(' ', '-')}.png"
            _one(clip, made["articulatory"](clip), made["amplitude jaw"](clip), path)


def _one(clip: Clip, heard: Heard, loudness: Heard, path: Path) -> None:
    figure, axes = plt.subplots(4, 1, figsize=(12, 8), sharex=True, height_ratios=[1, 2.5, 1.3, 1.3])
    length = min(seconds(clip), 6.0)
    axes[0].plot(np.arange(len(clip.samples)) / 16000, clip.samples, "k", lw=0.3)
    axes[0].set_title(f"{clip.track}: {clip.name}", fontsize=9)
    assert heard.probabilities is not None
    extent = (-0.01, len(heard.probabilities) * 0.02 - 0.01, -0.5, len(CLASSES) - 0.5)
    axes[1].imshow(heard.probabilities.T, aspect="auto", origin="lower", extent=extent, cmap="magma_r")
    for segment in clip.segments:
        axes[1].plot([segment.start_s, segment.end_s], [segment.label] * 2, color="cyan", lw=2)
        if segment.label == CLASS_INDEX["PP"]:
            axes[3].axvspan(segment.start_s, segment.end_s, color="r", alpha=0.2)
    axes[1].set_yticks(range(len(CLASSES)), CLASSES, fontsize=6)
    times = np.arange(len(heard.weights)) * 0.04
    for name in _SHAPES:
        axes[2].plot(times, heard.weights[:, ARKIT_INDEX[name]], lw=1, label=name)
    axes[2].legend(ncol=6, fontsize=6)
    reference = reference_aperture(clip.labels)
    axes[3].plot(np.arange(len(reference)) * 0.04, reference, color="0.6", label="asked for by the labels")
    axes[3].plot(times, aperture_of(heard.weights), "b", lw=1.2, label="articulatory")
    axes[3].plot(
        np.arange(len(loudness.weights)) * 0.04, aperture_of(loudness.weights), "g:", lw=1, label="amplitude"
    )
    axes[3].legend(ncol=3, fontsize=6)
    axes[3].set(xlim=(0, length), xlabel="s (cyan: labels; red: p, b, m)")
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)
