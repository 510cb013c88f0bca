"""The whole numbers that the network computes with."""

from __future__ import annotations

from typing import Final

WEIGHT_LIMIT: Final = 255
FEATURE_STEPS: Final = 32
"""Steps of one standard deviation of a feature; features are clipped at 8 deviations."""
FEATURE_LIMIT: Final = 8.0
CEILING: Final = 6.0
"""Upper bound of the first layer's rectified output."""
LEVELS: Final = 255
"""A memory of 1, and a rectified output at its upper bound, as a whole number."""
