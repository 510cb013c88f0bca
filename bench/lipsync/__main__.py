"""Lip quality of the motion engines and of other ways, on speech that none of them learnt from.

    python -m bench.lipsync [--json FILE] [--plots FOLDER] [--pocketsphinx FOLDER] [--headaudio FOLDER] [--clips N]

Human speech comes from the source distribution of pocketsphinx, unpacked (`pip download --no-binary :all:
pocketsphinx`), and from Debian's alsa-utils; it needs the module pocketsphinx for its labels. HeadAudio is the npm
package `@met4citizen/headaudio`, unpacked, and node. What is not there is left out and said so. docs/lipsync.md
explains the figures.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
from pathlib import Path

import numpy as np

from avatarkit.motion.training import augment, corpus, dataset, voices
from bench.lipsync import material, systems
from bench.lipsync.material import CONDITIONS, Clip, under
from bench.lipsync.metrics import FIGURES, Counts, closure_f1, counts_of, interval
from bench.lipsync.systems import System

_TEMPLATE_SEED = 99
_WITH_INTERVAL = ("acc 8", "closure F1", "aperture r")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.lipsync", description="Measure lip quality.")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--plots", type=Path, help="write a picture of some clips to this folder")
    parser.add_argument("--pocketsphinx", type=Path, help="unpacked source distribution of pocketsphinx")
    parser.add_argument("--headaudio", type=Path, help="unpacked npm package @met4citizen/headaudio")
    parser.add_argument("--clips", type=int, default=60, help="most clips of a track")
    return parser.parse_args()


def _clips(arguments: argparse.Namespace) -> dict[str, list[Clip]]:
    tracks: dict[str, list[Clip]] = {}
    if importlib.util.find_spec("pocketsphinx") and arguments.pocketsphinx:
        tracks["human"] = list(material.human(arguments.pocketsphinx))
        tracks["prompts"] = list(material.prompts(arguments.clips))
    else:
        print("human speech is left out: give --pocketsphinx and install the module pocketsphinx")
    if material.installed("festival"):
        spoken = list(material.held_out())
        tracks["held-out"] = spoken[:: max(1, len(spoken) // arguments.clips)]
    else:
        print("held-out voices are left out: Festival is not installed")
    return {name: clips for name, clips in tracks.items() if clips}


def _templates() -> list[tuple[np.ndarray, np.ndarray]]:
    """Features and labels of a few sentences of every training voice."""
    pairs = []
    for voice in voices.TRAINING_VOICES:
        for spoken in corpus.speak(dataclasses.replace(voice, utterances=8), _TEMPLATE_SEED):
            samples = augment.normalised(augment.at_16_khz(spoken.samples, spoken.sample_rate))
            clip = dataset.clip_of(spoken, samples)
            pairs.append((clip.features, clip.labels))
    return pairs


def _systems(arguments: argparse.Namespace) -> dict[str, System]:
    made: dict[str, System] = {
        "articulatory": systems.engine("articulatory"),
        "articulatory, low latency": systems.engine("articulatory", profile="low-latency"),
        "envelope": systems.engine("envelope"),
        "amplitude jaw": systems.amplitude,
    }
    if material.installed("flite") and material.installed("festival"):
        made["MFCC nearest template"] = systems.nearest_template(_templates())
    if arguments.headaudio and material.installed("node"):
        made["HeadAudio"] = systems.head_audio(arguments.headaudio.resolve())
    if importlib.util.find_spec("pocketsphinx"):
        made["pocketsphinx allphone (offline)"] = systems.allphone
    made["reference labels (ceiling)"] = systems.oracle
    return made


def _cell(name: str, counts: list[Counts], *, with_interval: bool) -> str:
    value = FIGURES[name](counts)
    if np.isnan(value):
        return "–"
    text = f"{value:+.0f}" if name.endswith("ms") else f"{value:.3f}"
    if with_interval and name in _WITH_INTERVAL:
        low, high = interval(counts, FIGURES[name])
        text += f" [{low:.2f}, {high:.2f}]"
    return text


def _print_table(title: str, rows: dict[str, list[Counts]], *, with_interval: bool) -> None:
    seconds = sum(c.seconds for c in next(iter(rows.values())))
    print(f"\n### {title}: {len(next(iter(rows.values())))} clips, {seconds:.0f} s\n")
    print("| system | " + " | ".join(FIGURES) + " |")
    print("|---" * (len(FIGURES) + 1) + "|")
    for system, counts in rows.items():
        cells = " | ".join(_cell(name, counts, with_interval=with_interval) for name in FIGURES)
        print(f"| {system} | {cells} |", flush=True)


def main() -> None:
    """Measure everything that is there."""
    arguments = _arguments()
    made, results = _systems(arguments), {}
    tracks = _clips(arguments)
    for track, clips in tracks.items():
        for condition in CONDITIONS:
            heard = [under(clip, condition) for clip in clips]
            rows = {name: [counts_of(clip, system(clip)) for clip in heard] for name, system in made.items()}
            title = f"{track}, {condition}"
            _print_table(title, rows, with_interval=condition == "clean")
            results[title] = {n: {k: FIGURES[k](c) for k in FIGURES} for n, c in rows.items()}
            best = max(rows, key=lambda name, rows=rows: closure_f1(rows[name]) if "labels" not in name else -1.0)
            print(f"\nclosures best by: {best}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")
    if arguments.plots:
        from bench.lipsync.pictures import draw  # noqa: PLC0415 - needs matplotlib

        draw(tracks, made, arguments.plots)


if __name__ == "__main__":
    main()
