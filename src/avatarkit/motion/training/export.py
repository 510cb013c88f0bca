"""Writes a trained network as the one file that the engine reads: whole-number weights, one scale an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from avatarkit.motion.levels import WEIGHT_LIMIT
from avatarkit.motion.training.network import LAYERS, SpeechNetwork

MOST_BYTES = 2 * 1024 * 1024


def _quantised(weights: torch.Tensor, bias: torch.Tensor, name: str) -> dict[str, npt.NDArray[np.generic]]:
    matrix = weights.detach().numpy().astype(np.float64)
    scale = np.maximum(np.abs(matrix).max(axis=1), 1e-8) / WEIGHT_LIMIT
    return {
        f"{name}.weights": np.rint(matrix / scale[:, None]).astype(np.int16).T.copy(),
        f"{name}.scale": scale.astype(np.float32),
        f"{name}.bias": bias.detach().numpy().astype(np.float32),
    }


def export(network: SpeechNetwork, path: Path) -> int:
    """Write the file; returns its size in bytes. Raises ``ValueError`` if it is larger than 2 MiB."""
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "mean": network.mean.numpy().astype(np.float32),
        "deviation": network.deviation.numpy().astype(np.float32),
        **_quantised(network.inner.weight, network.inner.bias, "inner"),
        **_quantised(network.outer.weight, network.outer.bias, "outer"),
    }
    for i in range(LAYERS):
        for ours, theirs in (("input", "ih"), ("memory", "hh")):
            weight, bias = (
                getattr(network.memory, f"weight_{theirs}_l{i}"),
                getattr(network.memory, f"bias_{theirs}_l{i}"),
            )
            arrays |= _quantised(weight, bias, f"recurrent.{i}.{ours}")
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"the weights take {size} bytes, more than {MOST_BYTES}")
    return size
