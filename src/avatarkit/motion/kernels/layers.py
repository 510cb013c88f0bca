"""Kernels between the network's matrix products: each works on every number by itself."""

from __future__ import annotations

import numpy as np

from avatarkit.compiled.vectors import least, load, most, rounded, store
from avatarkit.frames import FloatArray
from avatarkit.motion.classes import CLASS_COUNT
from avatarkit.motion.kernels.jit import kernel
from avatarkit.motion.kernels.lanes import LANES, exp, logistic
from avatarkit.motion.levels import CEILING, FEATURE_LIMIT, FEATURE_STEPS, LEVELS

_F = np.float32
_STEPS, _MOST_STEPS = _F(FEATURE_STEPS), _F(FEATURE_LIMIT * FEATURE_STEPS)
_ZERO, _CEILING, _PER_CEILING = _F(0.0), _F(CEILING), _F(LEVELS / CEILING)
_LEVELS, _TWO, _ONE = _F(LEVELS), _F(2.0), _F(1.0)


@kernel
def standardise(features: FloatArray, mean: FloatArray, deviation: FloatArray, whole: FloatArray) -> None:
    """Features (n, 80) as ``whole`` numbers of steps from their ``mean`` (80,)."""
    count, width = features.shape
    for row in range(count):
        for i in range(0, width, LANES):
            at = row * width + i
            x = (load(features, at) - load(mean, i)) / load(deviation, i) * _STEPS
            store(whole, at, rounded(least(most(x, -_MOST_STEPS), _MOST_STEPS)))


@kernel
def rectify(product: FloatArray, scale: FloatArray, bias: FloatArray, whole: FloatArray) -> None:
    """The first layer's output as ``whole`` numbers 0..255; all (n, width) or (width,)."""
    count, width = product.shape
    for row in range(count):
        for i in range(0, width, LANES):
            at = row * width + i
            x = load(product, at) * load(scale, i) + load(bias, i)
            store(whole, at, rounded(least(most(x, _ZERO), _CEILING) * _PER_CEILING))


@kernel
def remember(
    inputs: FloatArray, input_scale: FloatArray, input_bias: FloatArray, held: FloatArray, held_scale: FloatArray,
    held_bias: FloatArray, memory: FloatArray, whole: FloatArray,
) -> None:  # fmt: skip
    """One moment of a recurrent layer.

    Args:
        inputs: (n, 3 * width): product of the layer's input.
        input_scale: With ``input_bias`` (3 * width,) what makes the product a number.
        input_bias: See there.
        held: (n, 3 * width): product of the memory; ``held_scale`` and ``held_bias`` likewise.
        held_scale: See there.
        held_bias: See there.
        memory: (n or more, width), -1..1: stepped in place.
        whole: (n, width): takes the memory as whole numbers.
    """
    count, width = whole.shape
    for row in range(count):
        for i in range(0, width, LANES):
            reset, kept, fresh = i, width + i, 2 * width + i
            at = 3 * width * row
            x = load(inputs, at + reset) * load(input_scale, reset) + load(input_bias, reset)
            y = load(held, at + reset) * load(held_scale, reset) + load(held_bias, reset)
            gate = logistic(x + y)
            x = load(inputs, at + fresh) * load(input_scale, fresh) + load(input_bias, fresh)
            y = load(held, at + fresh) * load(held_scale, fresh) + load(held_bias, fresh)
            candidate = logistic((x + y * gate) * _TWO) * _TWO - _ONE  # the hyperbolic tangent
            x = load(inputs, at + kept) * load(input_scale, kept) + load(input_bias, kept)
            y = load(held, at + kept) * load(held_scale, kept) + load(held_bias, kept)
            now = (load(memory, row * width + i) - candidate) * logistic(x + y) + candidate
            store(memory, row * width + i, now)
            store(whole, row * width + i, rounded(now * _LEVELS))


@kernel
def decide(logits: FloatArray, scale: FloatArray, bias: FloatArray) -> None:
    """Products (n, horizons * 18) to the probabilities of softmaxes over 18 classes, in place."""
    count, width = logits.shape
    spare = np.empty(-(-width // LANES) * LANES, np.float32)
    for row in range(count):
        for i in range(width):
            spare[i] = logits[row, i] * scale[i] + bias[i]
        for first in range(0, width, CLASS_COUNT):
            top = spare[first]
            for i in range(first, first + CLASS_COUNT):
                top = max(top, spare[i])
            for i in range(first, first + CLASS_COUNT):
                spare[i] -= top
        for i in range(0, width, LANES):
            store(spare, i, exp(load(spare, i)))
        for first in range(0, width, CLASS_COUNT):
            total = _ZERO
            for i in range(first, first + CLASS_COUNT):
                total += spare[i]
            for i in range(first, first + CLASS_COUNT):
                logits[row, i] = spare[i] / total
