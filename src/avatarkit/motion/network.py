"""The learned model: columns of log-mel features in, class probabilities out, for many streams at once.

Matrix products are numpy's; what lies between them is compiled (:mod:`avatarkit.motion.kernels.layers`).

Weights are whole numbers up to 255, and what they are multiplied with is rounded to whole numbers up to 256: every
product and every sum stays a whole number below 2**24, which float32 holds exactly. So the matrix products give the
same bits in whatever order a library adds, for one stream or two hundred, on any processor and thread count. What is
left works on each number by itself. A stream's output thus never depends on who else is in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.classes import CLASS_COUNT
from avatarkit.motion.entries import kernels
from avatarkit.motion.levels import CEILING, FEATURE_STEPS, LEVELS

Moments = Sequence[tuple[int, slice]]
"""Of each moment, how many streams have a column then, and which rows of the batch these are."""


@dataclass(frozen=True, slots=True)
class Layer:
    """``whole @ weights * scale + bias``, with whole-number weights held as float32 (inputs, outputs)."""

    weights: FloatArray
    scale: FloatArray
    bias: FloatArray


@dataclass(frozen=True, slots=True)
class Network:
    """A rectified layer, gated recurrent layers (Cho et al. 2014, with the reset gate after the product), softmaxes.

    ``outer`` gives one softmax for each horizon kept, the shortest first: on the class ``h`` columns before the
    newest column.
    """

    mean: FloatArray
    deviation: FloatArray
    inner: Layer
    recurrent: tuple[tuple[Layer, Layer], ...]
    outer: Layer
    horizons: tuple[int, ...]

    @property
    def state_size(self) -> int:
        """Numbers that a stream's memory takes."""
        return len(self.recurrent) * self.width

    @property
    def width(self) -> int:
        """Size of a recurrent layer."""
        return len(self.recurrent[0][1].weights)

    def listen(self, features: FloatArray, memories: FloatArray, moments: Moments) -> FloatArray:
        """Probabilities float32 (n, horizons, 18) of n columns of some streams.

        Args:
            features: float32 (n, 80), moment by moment: the first column of every stream, then the second of those
                that have one, and so on, in the same order.
            memories: float32 (streams, :attr:`state_size`), -1..1; stepped in place.
            moments: Where each moment's rows lie; the longest first.
        """
        whole = np.empty_like(features)
        run = kernels().bind
        run("standardise", features, self.mean, self.deviation, whole)()
        product = whole @ self.inner.weights
        whole = np.empty_like(product)
        run("rectify", product, self.inner.scale, self.inner.bias, whole)()
        for number, (taken, kept) in enumerate(self.recurrent):
            whole = self._remember(taken, kept, whole, memories[:, number * self.width :], moments)
        logits = whole @ self.outer.weights
        run("decide", logits, self.outer.scale, self.outer.bias)()
        return logits.reshape(len(features), len(self.horizons), CLASS_COUNT)

    def _remember(
        self, taken: Layer, kept: Layer, whole: FloatArray, memories: FloatArray, moments: Moments
    ) -> FloatArray:
        """A recurrent layer over all moments: its output (n, width) as whole numbers; time goes step by step."""
        inputs = whole @ taken.weights
        memory = np.ascontiguousarray(memories[:, : self.width])
        held = np.rint(memory * np.float32(LEVELS))
        output = np.empty((len(whole), self.width), np.float32)
        products = np.empty((len(memory), inputs.shape[1]), np.float32)
        for count, rows in moments:
            product = np.matmul(held[:count], kept.weights, out=products[:count])
            held = output[rows]
            kernels().bind(
                "remember", inputs[rows], taken.scale, taken.bias, product, kept.scale, kept.bias, memory, held
            )()
        memories[:, : self.width] = memory
        return output


def _layer(arrays: dict[str, np.ndarray], name: str, scale: float) -> Layer:
    weights = np.ascontiguousarray(arrays[f"{name}.weights"].astype(np.float32))
    steps = arrays[f"{name}.scale"].astype(np.float32) * np.float32(scale)
    return Layer(weights, steps, arrays[f"{name}.bias"].astype(np.float32))


def load_network(horizons: tuple[int, ...], path: Path | None = None) -> Network:
    """Read the weights that come with the package, or a file of the same form, for some of the horizons."""
    if path is None:
        with as_file(files("avatarkit.motion") / "weights" / "articulatory.npz") as shipped:
            return load_network(horizons, shipped)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    count = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("recurrent."))
    recurrent = tuple(
        (
            _layer(arrays, f"recurrent.{i}.input", CEILING / LEVELS if i == 0 else 1 / LEVELS),
            _layer(arrays, f"recurrent.{i}.memory", 1 / LEVELS),
        )
        for i in range(count)
    )
    outer = _layer(arrays, "outer", 1 / LEVELS)
    columns = np.concatenate([np.arange(h * CLASS_COUNT, (h + 1) * CLASS_COUNT) for h in horizons])
    chosen = Layer(np.ascontiguousarray(outer.weights[:, columns]), outer.scale[columns], outer.bias[columns])
    inner = _layer(arrays, "inner", 1 / FEATURE_STEPS)
    return Network(arrays["mean"], arrays["deviation"], inner, recurrent, chosen, horizons)
