"""The network in single precision, against the same formulas in double precision."""

from __future__ import annotations

import numpy as np

from avatarkit.motion.levels import CEILING, FEATURE_LIMIT, FEATURE_STEPS, LEVELS
from avatarkit.motion.network import Layer, Network, load_network

NETWORK = load_network((4, 3, 2))


def product(layer: Layer, whole: np.ndarray) -> np.ndarray:
    return whole @ layer.weights.astype(float) * layer.scale + layer.bias


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def plainly(network: Network, features: np.ndarray) -> np.ndarray:
    """One stream, column by column."""
    standard = np.clip((features - network.mean) / network.deviation, -FEATURE_LIMIT, FEATURE_LIMIT)
    hidden = np.clip(product(network.inner, np.rint(standard * FEATURE_STEPS)), 0.0, CEILING)
    whole = np.rint(hidden * (LEVELS / CEILING))
    for taken, kept in network.recurrent:
        memory, output = np.zeros(network.width), []
        for row in product(taken, whole):
            held = product(kept, np.rint(memory * LEVELS))
            reset, update, fresh = (slice(i * network.width, (i + 1) * network.width) for i in range(3))
            gate = sigmoid(row[reset] + held[reset])
            candidate = np.tanh(row[fresh] + held[fresh] * gate)
            memory = (memory - candidate) * sigmoid(row[update] + held[update]) + candidate
            output.append(memory)
        whole = np.rint(np.array(output) * LEVELS)
    logits = np.exp(product(network.outer, whole).reshape(len(features), -1, 18))
    return logits / logits.sum(axis=2, keepdims=True)


def features_of(columns: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((columns, 80)) * NETWORK.deviation + NETWORK.mean).astype(np.float32)


def test_it_computes_what_the_formulas_say() -> None:
    features = features_of(12, 0)
    memory = np.zeros((1, NETWORK.state_size), np.float32)
    found = NETWORK.listen(features, memory, [(1, slice(n, n + 1)) for n in range(12)])
    # A number within rounding of a half may fall to either side: few do.
    apart = np.abs(found - plainly(NETWORK, features))
    assert np.mean(apart) < 2e-3
    assert np.median(apart) < 1e-5


def test_streams_of_different_length_are_each_as_alone() -> None:
    lengths = [7, 4, 4, 1]
    streams = [features_of(length, seed) for seed, length in enumerate(lengths)]
    moments, rows, start = [], [], 0
    for moment in range(max(lengths)):
        count = sum(length > moment for length in lengths)
        rows += [features[moment] for features in streams[:count]]
        moments.append((count, slice(start, start + count)))
        start += count
    memories = np.zeros((len(lengths), NETWORK.state_size), np.float32)
    together = NETWORK.listen(np.stack(rows), memories, moments)
    for i, features in enumerate(streams):
        memory = np.zeros((1, NETWORK.state_size), np.float32)
        alone = NETWORK.listen(features, memory, [(1, slice(n, n + 1)) for n in range(len(features))])
        for moment in range(len(features)):
            assert np.array_equal(together[moments[moment][1].start + i], alone[moment])
        assert np.array_equal(memory[0], memories[i])
