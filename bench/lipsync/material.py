"""The speech that the benchmark listens to, with reference labels. None of it is committed here.

``human``: the recordings that come with the source of pocketsphinx (public-domain audiobook, spoken commands and
card names) and the channel names of alsa-utils. ``prompts``: telephone prompts of Debian's asterisk-core-sounds-en
(one more human voice). Labels: forced alignment by pocketsphinx. ``held-out``: synthetic voices that no shipped
weight has heard, with the synthesiser's own labels.
"""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.melspec import RATE_HZ
from avatarkit.motion.training import augment, corpus, voices
from avatarkit.motion.training.dataset import labels_of
from avatarkit.motion.training.phones import Segment
from avatarkit.motion.training.synthesis import read_wave
from bench.lipsync.alignment import align

ALSA = Path("/usr/share/sounds/alsa")
ASTERISK = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
ASTERISK_TEXTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
HELD_OUT_SEED = 4_711


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording: float32 (n,) at 16 kHz at 0.08 RMS, and what is said when."""

    track: str
    name: str
    samples: FloatArray
    segments: tuple[Segment, ...]

    @property
    def labels(self) -> np.ndarray:
        """Class at every 20 ms; -1 where it is not known."""
        return labels_of(self.segments, -(-len(self.samples) // 320))


def _clip(track: str, name: str, samples: FloatArray, text: str) -> Clip | None:
    samples = augment.normalised(samples)
    segments = align(samples, text)
    return None if segments is None else Clip(track, name, samples, tuple(segments))


def _transcripts(path: Path) -> Iterator[tuple[str, str]]:
    """``(file stem, words)`` of a Sphinx transcription file."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := re.match(r"(?:<s>)?\s*(.*?)\s*(?:</s>)?\s*\(([^)]*)\)", line):
            yield match[2], match[1]


def human(pocketsphinx_source: Path) -> Iterator[Clip]:
    """Human speech of at least four people, about 50 s."""
    data = pocketsphinx_source / "test" / "data"
    for folder, listing in (("librivox", "transcription"), ("cards", "cards.transcription")):
        for stem, text in _transcripts(data / folder / listing):
            path = data / folder / f"{stem}.wav"
            if path.exists() and (clip := _clip("human", f"{folder} {stem[-4:]}", _mono(path), text)):
                yield clip
    raw = np.fromfile(data / "goforward.raw", "<i2").astype(np.float32) / 32768
    if clip := _clip("human", "goforward", raw, "go forward ten meters"):
        yield clip
    for path in sorted(ALSA.glob("*_*.wav")):
        if clip := _clip("human", path.stem, _mono(path), path.stem.lower().replace("_", " ")):
            yield clip


def _mono(path: Path) -> FloatArray:
    samples, rate = read_wave(path)
    return augment.at_16_khz(samples, rate)


def prompts(limit: int = 120) -> Iterator[Clip]:
    """Telephone prompts: one human voice, short sentences; skipped where the package is not installed."""
    if not ASTERISK_TEXTS.exists():
        return
    import av  # noqa: PLC0415 - only this track needs it

    for line in gzip.decompress(ASTERISK_TEXTS.read_bytes()).decode("utf-8").splitlines():
        stem, _, text = line.partition(":")
        path = ASTERISK / f"{stem.strip()}.g722"
        text = re.sub(r"[^a-z' ]", " ", text.lower().replace("-", " ")).strip()
        if not path.exists() or len(text) < 12 or re.search(r"[\[\d]", line):
            continue
        with av.open(str(path)) as file:
            parts = [frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]
        if limit and (clip := _clip("prompts", stem, np.concatenate(parts).astype(np.float32) / 32768, text)):
            limit -= 1
            yield clip


def held_out() -> Iterator[Clip]:
    """Voices that training never heard."""
    for i, voice in enumerate(voices.HELD_OUT_VOICES):
        for j, spoken in enumerate(corpus.speak(voice, HELD_OUT_SEED + i)):
            samples = augment.normalised(augment.at_16_khz(spoken.samples, spoken.sample_rate))
            shifted = tuple(s._replace(start_s=s.start_s + 0.2, end_s=s.end_s + 0.2) for s in spoken.segments)
            yield Clip("held-out", f"{voice.name} {j}", np.pad(samples, (3200, 4800)), shifted)


def _noisy(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    return samples + np.float32(0.08 * 10 ** (-20 / 20)) * rng.standard_normal(len(samples)).astype(np.float32)


CONDITIONS: dict[str, Callable[[FloatArray, np.random.Generator], FloatArray]] = {
    "clean": lambda samples, _: samples,
    "noise 20 dB": _noisy,
    "8 kHz": lambda samples, _: augment.band_limited(samples, 3700.0),
    "reverb": lambda samples, rng: augment.reverberated(samples, 0.4, 0.35, rng),
}
"""White noise at 20 dB; telephone band; a room of 0.4 s."""


def under(clip: Clip, condition: str) -> Clip:
    """The clip as heard under a condition."""
    samples = CONDITIONS[condition](clip.samples, np.random.default_rng(7))
    return replace(clip, samples=np.clip(samples, -1.0, 1.0).astype(np.float32))


def pcm_of(clip: Clip) -> bytes:
    """Signed 16-bit little-endian PCM at 16 kHz."""
    return np.rint(np.clip(clip.samples, -1, 1) * 32767).astype("<i2").tobytes()


def seconds(clip: Clip) -> float:
    """Length of the clip."""
    return len(clip.samples) / RATE_HZ


def installed(program: str) -> bool:
    """Whether a program is there."""
    return subprocess.run(["which", program], capture_output=True, check=False).returncode == 0
