"""The network in PyTorch, as trained. The engine runs the exported copy with numpy."""

from __future__ import annotations

from typing import Any, Final

import torch
from torch import nn

from avatarkit.motion.classes import CLASS_COUNT
from avatarkit.motion.melspec import FEATURE_COUNT

WIDTH: Final = 192
LAYERS: Final = 2
HORIZONS: Final = 5
"""Decisions a column: on the class 0, 1 .. 4 columns before its start."""
CEILING: Final = 6.0
"""The input layer's output is clipped here, so that the engine can hold it in few bits."""


class SpeechNetwork(nn.Module):
    """Strictly causal: standardised features -> rectified linear layer -> two GRU layers -> one softmax a horizon."""

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(FEATURE_COUNT))
        self.register_buffer("deviation", torch.ones(FEATURE_COUNT))
        self.inner = nn.Linear(FEATURE_COUNT, WIDTH)
        self.memory = nn.GRU(WIDTH, WIDTH, LAYERS, batch_first=True, dropout=dropout)
        self.drop = nn.Dropout(dropout)
        self.outer = nn.Linear(WIDTH, HORIZONS * CLASS_COUNT)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(batch, columns, 80) log-mel features to (batch, columns, 5, 18) logits."""
        standard = ((features - self.mean) / self.deviation).clamp(-8.0, 8.0)
        hidden = self.drop(self.inner(standard).clamp(0.0, CEILING))
        hidden = self.drop(self.memory(hidden)[0])
        logits: Any = self.outer(hidden)
        return torch.unflatten(logits, -1, (HORIZONS, CLASS_COUNT))
