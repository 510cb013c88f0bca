"""Fourteen figures of lip quality from weights, probabilities and reference labels. docs/lipsync.md explains each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from avatarkit.frames import ARKIT_INDEX, FloatArray
from avatarkit.motion.classes import CLASS_COUNT, CLASS_GROUP, CLASS_INDEX, CLASSES, GROUPS, VOWELS
from bench.lipsync.material import Clip
from bench.lipsync.systems import Heard

HEIGHTS = {
    "sil": 0.0, "PP": 0.0, "FF": 0.05, "TH": 0.18, "DD": 0.18, "NN": 0.22, "KK": 0.28, "CH": 0.15, "SS": 0.12,
    "RR": 0.22, "WW": 0.12, "HH": 0.35, "II": 0.28, "EE": 0.55, "AA": 0.90, "AX": 0.45, "OO": 0.55, "UU": 0.22,
}  # fmt: skip
_HEIGHT_ROW = np.array([HEIGHTS[name] for name in CLASSES])
_GROUP = np.array(CLASS_GROUP)
_ROUND = np.isin(np.arange(CLASS_COUNT), [CLASS_INDEX[c] for c in ("OO", "UU", "WW", "CH")])
_SPREAD = np.isin(np.arange(CLASS_COUNT), [CLASS_INDEX[c] for c in ("II", "EE", "SS")])
_VOWEL = np.isin(np.arange(CLASS_COUNT), [CLASS_INDEX[c] for c in VOWELS])
_LAGS = range(-6, 7)
Pair = tuple[float, float]


def _channel(weights: FloatArray, *names: str) -> FloatArray:
    return np.asarray(weights[:, [ARKIT_INDEX[name] for name in names]].mean(axis=1))


def seal_of(weights: FloatArray) -> FloatArray:
    """How far the lips close what the jaw opens, 0..1."""
    return np.clip(_channel(weights, "mouthClose") / np.maximum(_channel(weights, "jawOpen"), 0.05), 0.0, 1.0)


def aperture_of(weights: FloatArray) -> FloatArray:
    """Opening between the lips, about 0..1."""
    opened = 0.9 * _channel(weights, "jawOpen") + 0.12 * _channel(
        weights, "mouthLowerDownLeft", "mouthLowerDownRight"
    )
    opened += 0.10 * _channel(weights, "mouthUpperUpLeft", "mouthUpperUpRight") - 0.15 * _channel(
        weights, "mouthPucker"
    )
    return np.clip(opened * (1.0 - seal_of(weights)) - 0.25 * _channel(weights, "mouthRollLower"), 0.0, 1.0)


def reference_aperture(labels: np.ndarray) -> FloatArray:
    """Opening that the labels ask for, at 25 fps: class heights smoothed with 30 ms."""
    steps = np.arange(-8, 9) * 0.02
    kernel = np.exp(-0.5 * (steps / 0.03) ** 2)
    heights = np.pad(_HEIGHT_ROW[np.maximum(labels, 0)], 8, mode="edge")
    return np.convolve(heights, kernel / kernel.sum(), "valid")[::2]


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _spans(clip: Clip, name: str, least_s: float = 0.03) -> list[tuple[float, float]]:
    label = CLASS_INDEX[name]
    return [(s.start_s, s.end_s) for s in clip.segments if s.label == label and s.end_s - s.start_s >= least_s]


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over one clip; a figure is a ratio of sums over clips. Pairs are (hits, chances)."""

    pairs: dict[str, Pair]
    confusion: np.ndarray
    """(18, 18): reference class by heard class; zeros where a system gives weights alone."""
    correlations: np.ndarray
    """(13,): aperture against the reference at lags of -6..6 frames; NaN where nothing moves."""
    aperture: FloatArray
    seconds: float


def counts_of(clip: Clip, heard: Heard) -> Counts:
    """All sums of one clip."""
    labels = clip.labels
    reference = reference_aperture(labels)
    weights = heard.weights[: len(reference)]
    reference, aperture, seal = reference[: len(weights)], aperture_of(weights), seal_of(weights)
    at_frames = labels[::2][: len(weights)]
    pairs = {
        **_closures(clip, seal, aperture, at_frames),
        **_places(clip, weights, aperture, at_frames),
        "round": _auc(_channel(weights, "mouthFunnel") + _channel(weights, "mouthPucker"), _ROUND, at_frames),
        "spread": _auc(
            _channel(weights, "mouthStretchLeft", "mouthStretchRight")
            + _channel(weights, "mouthSmileLeft", "mouthSmileRight"), _SPREAD, at_frames,
        ),
        **_motion(aperture, at_frames),
    }  # fmt: skip
    confusion = np.zeros((CLASS_COUNT, CLASS_COUNT))
    if heard.probabilities is not None:
        told = heard.probabilities[: len(labels)].argmax(axis=1)
        known = labels[: len(told)] >= 0
        np.add.at(confusion, (labels[: len(told)][known], told[known]), 1)
    return Counts(pairs, confusion, _correlations(aperture, reference), aperture, len(clip.samples) / 16000)


def _closures(clip: Clip, seal: FloatArray, aperture: FloatArray, labels: np.ndarray) -> dict[str, Pair]:
    times = np.arange(len(seal)) * 0.04
    wanted = _spans(clip, "PP")
    shut = (seal > 0.5) & (aperture < 0.05)
    found = sum(bool(shut[(times >= a - 0.04) & (times <= b + 0.02)].any()) for a, b in wanted)
    runs = [(a * 0.04, b * 0.04) for a, b in _runs((seal > 0.5) & (labels != 0))]
    right = sum(any(a - 0.06 <= end and start <= b + 0.06 for a, b in wanted) for start, end in runs)
    vowel = np.isin(labels, np.flatnonzero(_VOWEL))
    inside = vowel.copy()
    inside[1:] &= vowel[:-1]
    inside[:-1] &= vowel[1:]
    return {
        "closure recall": (found, len(wanted)),
        "closure precision": (right, len(runs)),
        "false closure": (float((aperture[inside] < 0.05).sum()), float(inside.sum())),
    }


def _places(clip: Clip, weights: FloatArray, aperture: FloatArray, labels: np.ndarray) -> dict[str, Pair]:
    times = np.arange(len(weights)) * 0.04
    roll = _channel(weights, "mouthRollLower")
    upper = _channel(weights, "mouthUpperUpLeft", "mouthUpperUpRight")
    bitten = (roll > 0.3) | ((aperture < 0.12) & (upper > 0.1))
    spans = _spans(clip, "FF")
    hits = sum(bool(bitten[(times >= a - 0.04) & (times <= b + 0.02)].any()) for a, b in spans)
    silent = labels == 0
    settled = silent.copy()
    for shift in (1, 2):
        settled[shift:] &= silent[:-shift]
        settled[:-shift] &= silent[shift:]
    return {
        "lip-teeth": (hits, len(spans)),
        "silence closed": (float((aperture[settled] < 0.1).sum()), settled.sum()),
    }


def _auc(score: FloatArray, members: np.ndarray, labels: np.ndarray) -> Pair:
    """Area under the ROC curve, weighted by the pairs it was counted over."""
    speech = labels > 0
    inside = members[np.maximum(labels, 0)] & speech
    positive, negative = score[inside], score[~inside & speech]
    count = len(positive) * len(negative)
    if count == 0:
        return 0.0, 0.0
    greater = (positive[:, None] > negative).sum() + 0.5 * (positive[:, None] == negative).sum()
    return float(greater), float(count)


def _motion(aperture: FloatArray, labels: np.ndarray) -> dict[str, Pair]:
    bend = np.abs(np.diff(aperture, 2))
    speech = labels[1:-1] != 0
    return {
        "jerk": (float(bend[speech].sum()), float(speech.sum())),
        "jerk in silence": (float(bend[~speech].sum()), float((~speech).sum())),
    }


def _correlations(aperture: FloatArray, reference: FloatArray) -> np.ndarray:
    out = np.full(len(_LAGS), np.nan)
    if len(aperture) < 20 or aperture.std() < 1e-4 or reference.std() < 1e-4:
        return out
    for i, lag in enumerate(_LAGS):
        mine = aperture[max(0, lag) : len(aperture) + min(0, lag)]
        theirs = reference[max(0, -lag) : len(reference) - max(0, lag)]
        if mine.std() > 1e-4 and theirs.std() > 1e-4:
            out[i] = np.corrcoef(mine, theirs)[0, 1]
    return out


def _share(counts: list[Counts], name: str) -> float:
    hits = sum(c.pairs[name][0] for c in counts)
    chances = sum(c.pairs[name][1] for c in counts)
    return hits / chances if chances else float("nan")


def _confusion(counts: list[Counts]) -> np.ndarray:
    return np.sum([c.confusion for c in counts], axis=0)


def accuracy(counts: list[Counts], *, groups: bool) -> float:
    """Share of columns with the right class, or the right visual group."""
    table = _confusion(counts)
    if not table.any():
        return float("nan")
    same = _GROUP[:, None] == _GROUP if groups else np.eye(CLASS_COUNT, dtype=bool)
    return float(table[same].sum() / table.sum())


def macro_f1(counts: list[Counts]) -> float:
    """Mean F1 of the eight groups."""
    table = _confusion(counts)
    if not table.any():
        return float("nan")
    grouped = np.zeros((len(GROUPS), len(GROUPS)))
    np.add.at(grouped, (_GROUP[:, None] + 0 * _GROUP, 0 * _GROUP[:, None] + _GROUP), table)
    right = np.diag(grouped)
    return float(np.mean(2 * right / np.maximum(1, grouped.sum(axis=0) + grouped.sum(axis=1))))


def closure_f1(counts: list[Counts]) -> float:
    """Harmonic mean of closure recall and precision."""
    recall, precision = _share(counts, "closure recall"), _share(counts, "closure precision")
    return 2 * recall * precision / (recall + precision) if recall + precision > 0 else 0.0


def _mean_correlations(counts: list[Counts]) -> np.ndarray:
    rows = np.array([c.correlations for c in counts])
    times = np.array([c.seconds for c in counts])
    known = ~np.isnan(rows).any(axis=1)
    return np.average(rows[known], axis=0, weights=times[known]) if known.any() else np.full(len(_LAGS), np.nan)


def av_offset_ms(counts: list[Counts]) -> float:
    """Lag of the aperture behind the reference in milliseconds, to a fraction of a frame; + is late."""
    r = _mean_correlations(counts)
    if np.isnan(r).any():
        return float("nan")
    best = int(r.argmax())
    fraction = 0.0
    if 0 < best < len(r) - 1:
        fraction = 0.5 * (r[best - 1] - r[best + 1]) / (r[best - 1] - 2 * r[best] + r[best + 1])
    return float((best - 6 + fraction) * 40.0)


def spread_of_aperture(counts: list[Counts]) -> float:
    """95th less 5th percentile of the aperture."""
    aperture = np.concatenate([c.aperture for c in counts])
    return float(np.percentile(aperture, 95) - np.percentile(aperture, 5))


FIGURES: dict[str, Callable[[list[Counts]], float]] = {
    "acc 18": lambda c: accuracy(c, groups=False),
    "acc 8": lambda c: accuracy(c, groups=True),
    "macro F1": macro_f1,
    "closure recall": lambda c: _share(c, "closure recall"),
    "closure precision": lambda c: _share(c, "closure precision"),
    "closure F1": closure_f1,
    "false closure": lambda c: _share(c, "false closure"),
    "lip-teeth": lambda c: _share(c, "lip-teeth"),
    "aperture r": lambda c: float(_mean_correlations(c)[6]),
    "round AUC": lambda c: _share(c, "round"),
    "spread AUC": lambda c: _share(c, "spread"),
    "AV offset ms": av_offset_ms,
    "silence closed": lambda c: _share(c, "silence closed"),
    "jerk": lambda c: _share(c, "jerk"),
    "range": spread_of_aperture,
}


def interval(counts: list[Counts], figure: Callable[[list[Counts]], float], draws: int = 200) -> Pair:
    """95 % bootstrap interval over clips."""
    rng = np.random.default_rng(0)
    values = [figure([counts[i] for i in rng.integers(0, len(counts), len(counts))]) for _ in range(draws)]
    low, high = np.nanpercentile(values, [2.5, 97.5]) if not np.isnan(values).all() else (np.nan, np.nan)
    return float(low), float(high)
