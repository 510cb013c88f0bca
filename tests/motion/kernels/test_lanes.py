"""Functions of sixteen numbers at once, against double precision."""

from __future__ import annotations

import numpy as np

from avatarkit.compiled.vectors import load, store
from avatarkit.motion.kernels import lanes
from avatarkit.motion.kernels.jit import kernel


@kernel
def apply(x, exp, log, logistic):
    for i in range(0, len(x), 16):
        v = load(x, i)
        store(exp, i, lanes.exp(v))
        store(log, i, lanes.log(lanes.exp(v)))
        store(logistic, i, lanes.logistic(v))


def applied(values: np.ndarray) -> list[np.ndarray]:
    x = np.resize(values.astype(np.float32), -(-len(values) // 16) * 16)
    out = [np.empty_like(x) for _ in range(3)]
    apply(x, *out)
    return [part[: len(values)] for part in out]


def test_they_are_as_exact_as_single_precision_can_be() -> None:
    x = np.linspace(-80, 80, 40_000).astype(np.float32)
    exp, log, logistic = applied(x)
    wanted = np.exp(x.astype(float))
    assert np.abs(exp / wanted - 1.0).max() < 2e-7
    assert np.abs(log - np.log(exp.astype(float))).max() < 1e-5
    assert np.abs(logistic - 1.0 / (1.0 + 1.0 / wanted)).max() < 2e-7


def test_what_is_out_of_range_stays_finite() -> None:
    exp, log, logistic = applied(np.array([-1e30, -200.0, 200.0, 1e30]))
    assert np.all(np.isfinite(exp))
    assert np.all(np.isfinite(log))
    assert logistic[0] < 1e-30
    assert logistic[3] == 1.0
