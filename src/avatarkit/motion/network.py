"""The learned model with numpy: columns of log-mel features in, class probabilities out, for many streams at once.

Weights are whole numbers up to 255, and what they are multiplied with is rounded to whole numbers up to 256: every
product and every sum stays a whole number below 2**24, which float32 holds exactly. So the matrix products give the
same bits in whatever order a library adds, for one stream or two hundred, on any processor and thread count. What is
left works on each number by itself. A stream's output thus never depends on who else is in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.classes import CLASS_COUNT

WEIGHT_LIMIT: Final = 255
FEATURE_STEPS: Final = 32
"""Steps of one standard deviation of a feature; features are clipped at 8 deviations."""
FEATURE_LIMIT: Final = 8.0
CEILING: Final = 6.0
"""Upper bound of the first layer's rectified output."""
_LEVELS: Final = 255
_HALF: Final = np.float32(0.5)


@dataclass(frozen=True, slots=True)
class Layer:
    """``whole @ weights * scale + bias``, with whole-number weights held as float32 (inputs, outputs)."""

    weights: FloatArray
    scale: FloatArray
    bias: FloatArray

    def __call__(self, whole: FloatArray) -> FloatArray:
        """Apply to rows of whole numbers."""
        out: FloatArray = whole @ self.weights
        out *= self.scale
        out += self.bias
        return out


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

    def receive(self, features: FloatArray) -> FloatArray:
        """First layer: float32 (n, 80) features to (n, width) whole numbers. Rows do not depend on each other."""
        standard = (features - self.mean) / self.deviation
        np.clip(standard, -FEATURE_LIMIT, FEATURE_LIMIT, out=standard)
        hidden = self.inner(np.rint(standard * np.float32(FEATURE_STEPS)))
        np.clip(hidden, 0.0, np.float32(CEILING), out=hidden)
        hidden *= np.float32(_LEVELS / CEILING)
        return np.rint(hidden, out=hidden)

    def remember(self, layer: int, inputs: FloatArray, memory: FloatArray) -> FloatArray:
        """One step of a recurrent layer.

        Args:
            layer: 0 for the first.
            inputs: (n, 3 * width): what :meth:`project` made of the layer's input.
            memory: (n, width), -1..1.

        Returns:
            The new memory (n, width), which is also the layer's output.
        """
        width = self.width
        held = self.recurrent[layer][1](self.quantise(memory))
        gates = inputs[:, : 2 * width] + held[:, : 2 * width]
        gates *= _HALF
        np.tanh(gates, out=gates)
        gates *= _HALF
        gates += _HALF
        candidate = held[:, 2 * width :]
        candidate *= gates[:, :width]
        candidate += inputs[:, 2 * width :]
        candidate = np.tanh(candidate)
        kept: FloatArray = memory - candidate
        kept *= gates[:, width:]
        kept += candidate
        return kept

    def project(self, layer: int, whole: FloatArray) -> FloatArray:
        """A recurrent layer's input (n, width) of whole numbers to (n, 3 * width); rows are independent."""
        return self.recurrent[layer][0](whole)

    def quantise(self, memory: FloatArray) -> FloatArray:
        """A layer's output as the whole numbers that the next one takes."""
        whole: FloatArray = memory * np.float32(_LEVELS)
        np.rint(whole, out=whole)
        return whole

    def decide(self, memory: FloatArray) -> FloatArray:
        """Probabilities float32 (n, horizons, 18) from the last layer's output (n, width)."""
        logits: FloatArray = self.outer(self.quantise(memory)).reshape(len(memory), len(self.horizons), CLASS_COUNT)
        logits -= logits.max(axis=2, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=2, keepdims=True)
        probabilities: FloatArray = logits
        return probabilities


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
    layers = 1 + max(int(name.split(".")[1]) for name in arrays if name.startswith("recurrent."))
    recurrent = tuple(
        (
            _layer(arrays, f"recurrent.{i}.input", CEILING / _LEVELS if i == 0 else 1 / _LEVELS),
            _layer(arrays, f"recurrent.{i}.memory", 1 / _LEVELS),
        )
        for i in range(layers)
    )
    outer = _layer(arrays, "outer", 1 / _LEVELS)
    columns = np.concatenate([np.arange(h * CLASS_COUNT, (h + 1) * CLASS_COUNT) for h in horizons])
    chosen = Layer(np.ascontiguousarray(outer.weights[:, columns]), outer.scale[columns], outer.bias[columns])
    inner = _layer(arrays, "inner", 1 / FEATURE_STEPS)
    return Network(arrays["mean"], arrays["deviation"], inner, recurrent, chosen, horizons)
