"""Fits the network: AdamW, a long constant rate and a linear end, averaged weights. Single thread, seeded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from avatarkit.motion.classes import CLASS_GROUP
from avatarkit.motion.melspec import BAND_COUNT, FEATURE_COUNT
from avatarkit.motion.training.dataset import Clip
from avatarkit.motion.training.network import HORIZONS, SpeechNetwork

BATCH: Final = 64
COLUMNS: Final = 160
_WARM_UP_COLUMNS: Final = 16
"""Columns at the start of a crop that are not scored: the network has not heard enough yet."""
_HORIZON_WEIGHTS: Final = (0.4, 0.5, 0.7, 0.8, 1.0)
_PEAK_RATE: Final = 2.5e-3
_DECAY_SHARE: Final = 0.3
_AVERAGE_DECAY: Final = 0.998
_CHECK_EVERY: Final = 400

Features = npt.NDArray[np.float32]


class Crops:
    """Random crops, a fixed share of each batch from every voice, with voices, rooms and levels made up on top."""

    def __init__(self, clips: Sequence[Clip], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        voices = sorted({clip.voice for clip in clips})
        self._features, self._labels = [], []
        for voice in voices:
            mine = [clip for clip in clips if clip.voice == voice]
            order = self._rng.permutation(len(mine))
            self._features.append(np.concatenate([mine[i].features for i in order]))
            self._labels.append(np.concatenate([mine[i].labels for i in order]))
        sizes = np.sqrt([float(len(labels)) for labels in self._labels])
        self._shares = sizes / sizes.sum()

    def go_on(self, seed: int) -> None:
        """Draw from here on as if made with another seed: after a break, the first crops do not come again."""
        self._rng = np.random.default_rng(seed)

    def moments(self) -> tuple[Features, Features]:
        """Mean and deviation of each band, the same for both windows of a column."""
        sample = np.concatenate([f[::11] for f in self._features]).astype(np.float32).reshape(-1, BAND_COUNT)
        return np.tile(sample.mean(axis=0), 2), np.tile(sample.std(axis=0), 2)

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (batch, columns, 80) and labels (batch, columns)."""
        features = np.empty((BATCH, COLUMNS, FEATURE_COUNT), np.float32)
        labels = np.empty((BATCH, COLUMNS), np.int64)
        for row, voice in enumerate(self._rng.choice(len(self._shares), BATCH, p=self._shares)):
            start = int(self._rng.integers(len(self._labels[voice]) - COLUMNS))
            features[row] = self._features[voice][start : start + COLUMNS]
            labels[row] = self._labels[voice][start : start + COLUMNS]
        return torch.from_numpy(varied(features, self._rng)), torch.from_numpy(labels)


def varied(features: Features, rng: np.random.Generator) -> Features:
    """Disturb log-mel crops: level, equaliser, vocal tract, contrast, noise floor, masked bands and moments."""
    rows = len(features)
    x = features.reshape(rows, COLUMNS, 2, BAND_COUNT)
    x = _bent(x, rng)
    knots = rng.normal(0.0, 0.7, (rows, 7)) + rng.normal(0.0, 0.6, (rows, 1))
    curve = np.stack([np.interp(np.arange(BAND_COUNT), np.linspace(0, BAND_COUNT - 1, 7), k) for k in knots])
    x = x + curve[:, None, None].astype(np.float32)
    centre = x.mean(axis=(1, 2, 3), keepdims=True)
    x = centre + (x - centre) * rng.uniform(0.88, 1.12, (rows, 1, 1, 1)).astype(np.float32)
    level = np.percentile(x[:, ::8], 15, axis=(1, 2, 3)) + rng.uniform(-4.0, 2.0, rows)
    level = np.where(rng.random(rows) < 0.5, level, -30.0)
    floor = level[:, None, None, None] + rng.normal(0.0, 0.35, x.shape)
    x = np.logaddexp(x, floor.astype(np.float32))
    return _masked(x, rng).reshape(features.shape).astype(np.float32)


def _bent(x: Features, rng: np.random.Generator) -> Features:
    """Stretch the mel axis by up to 7 % and shift it by up to one band."""
    rows = len(x)
    source = np.arange(BAND_COUNT) * np.exp(rng.uniform(-0.07, 0.07, (rows, 1))) + rng.uniform(-1.0, 1.0, (rows, 1))
    source = np.clip(source, 0, BAND_COUNT - 1.001)
    low = source.astype(np.intp)[:, None, None, :]
    share = (source - source.astype(np.intp)).astype(np.float32)[:, None, None, :]
    below = np.take_along_axis(x, np.broadcast_to(low, x.shape), axis=3)
    above = np.take_along_axis(x, np.broadcast_to(low + 1, x.shape), axis=3)
    return np.asarray(below * (1 - share) + above * share)


def _masked(x: Features, rng: np.random.Generator) -> Features:
    for row in range(len(x)):
        if rng.random() < 0.5:
            first, width = int(rng.integers(0, BAND_COUNT - 6)), int(rng.integers(1, 7))
            x[row, :, :, first : first + width] = x[row].mean()
        if rng.random() < 0.3:
            first, width = int(rng.integers(0, COLUMNS - 4)), int(rng.integers(1, 4))
            x[row, first : first + width] = x[row].min()
    return x


def loss_of(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Label-smoothed cross entropy, a weighted mean over the horizons; unknown phones are left out."""
    total = torch.zeros(())
    for horizon, weight in enumerate(_HORIZON_WEIGHTS):
        told = logits[:, _WARM_UP_COLUMNS + horizon :, horizon].flatten(0, 1)
        truth = labels[:, _WARM_UP_COLUMNS : COLUMNS - horizon].flatten()
        total = total + weight * functional.cross_entropy(told, truth, ignore_index=-1, label_smoothing=0.05)
    return total / sum(_HORIZON_WEIGHTS)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Shares of columns that are right, at the longest horizon: of 18 classes, of 8 visual groups."""

    classes: float
    groups: float


def accuracy_of(network: SpeechNetwork, clips: Sequence[Clip], horizon: int = HORIZONS - 1) -> Accuracy:
    """Score the network on undisturbed clips."""
    group = np.array(CLASS_GROUP)
    right = same = count = 0
    network.eval()
    with torch.no_grad():
        for clip in clips:
            flush = np.repeat(clip.features[-1:], horizon, axis=0)
            features = torch.from_numpy(np.concatenate([clip.features, flush]).astype(np.float32))
            told = network(features[None])[0, horizon:, horizon].argmax(-1).numpy()
            known = clip.labels >= 0
            right += int((told == clip.labels)[known].sum())
            same += int((group[told] == group[clip.labels])[known].sum())
            count += int(known.sum())
    return Accuracy(right / max(1, count), same / max(1, count))


def _rate(step: int, steps: int) -> float:
    decay_from = steps * (1.0 - _DECAY_SHARE)
    return _PEAK_RATE * min(1.0, (step + 1) / 200.0, max(0.01, (steps - step) / (steps - decay_from)))


def fit(
    clips: Sequence[Clip],
    tests: Mapping[str, Sequence[Clip]],
    *,
    steps: int,
    seed: int,
    snapshot: Path,
    say: Callable[[str], None],
    threads: int = 1,
) -> SpeechNetwork:
    """Train and return the averaged network.

    Args:
        tests: Clip sets by name, scored every 400 steps and never learnt from.
        snapshot: The state is kept here; if the file is there already, training goes on from it.
        threads: Processor threads to use.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    crops = Crops(clips, seed)
    network, average = SpeechNetwork(dropout=0.15), SpeechNetwork()
    mean, deviation = crops.moments()
    network.mean[:], network.deviation[:] = torch.from_numpy(mean), torch.from_numpy(deviation)
    average.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), lr=_PEAK_RATE, weight_decay=0.02)
    first = _resume(snapshot, network, average, optimiser, seed)
    if first:
        crops.go_on(seed + first)
    started, smooth = time.monotonic(), 0.0
    for step in range(first, steps):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps)
        loss = _step(network, optimiser, crops)
        smooth = loss if step == first else 0.99 * smooth + 0.01 * loss
        _average(average, network, min(_AVERAGE_DECAY, (step + 1) / (step + 20)))
        if (step + 1) % _CHECK_EVERY == 0 or step + 1 == steps:
            scores = " ".join(
                f"{k} {(a := accuracy_of(average, t)).classes:.3f}/{a.groups:.3f}" for k, t in tests.items()
            )
            say(f"step {step + 1} of {steps}, {time.monotonic() - started:.0f} s, loss {smooth:.3f}, {scores}")
            parts = {"network": network, "average": average, "optimiser": optimiser}
            torch.save({"step": step + 1, **{k: v.state_dict() for k, v in parts.items()}}, snapshot)
    return average


def _resume(snapshot: Path, network: SpeechNetwork, average: SpeechNetwork, optimiser: Any, seed: int) -> int:
    if not snapshot.exists():
        return 0
    saved = torch.load(snapshot, weights_only=True)
    network.load_state_dict(saved["network"])
    average.load_state_dict(saved["average"])
    optimiser.load_state_dict(saved["optimiser"])
    torch.manual_seed(seed + saved["step"])
    return int(saved["step"])


def _step(network: SpeechNetwork, optimiser: torch.optim.Optimizer, crops: Crops) -> float:
    network.train()
    features, labels = crops.batch()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(features)
    loss = loss_of(logits.float(), labels)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 3.0)
    optimiser.step()
    return float(loss.detach())


def _average(average: SpeechNetwork, network: SpeechNetwork, decay: float) -> None:
    with torch.no_grad():
        for mine, theirs in zip(average.parameters(), network.parameters(), strict=True):
            mine.lerp_(theirs, 1.0 - decay)
