"""What a mood changes in how a face lives."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

from avatarkit.types import Mood

CHANGE_S: Final = 1.5
"""Seconds from one mood to another."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a face lives."""

    blink_median_s: float
    """Median time between two blinks."""
    averted: float
    """Share 0..1 of looks that go aside."""
    smile: float
    """Mean weight of the smile."""
    brow: float
    """Mean weight of the raised inner brow."""
    squint: float
    """Weight of the cheeks' squint."""
    droop: float
    """How far the upper lids hang, 0..1."""
    bow_deg: float
    """Pitch of the head at rest."""
    sway: float
    """Size of the head's sway; 1 is usual."""
    nods_a_minute: float
    breath: float
    """Depth of breath; 1 is usual."""


STYLES: Final[dict[Mood, Style]] = {
    Mood.NEUTRAL: Style(3.1, 0.15, 0.05, 0.05, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0),
    Mood.ATTENTIVE: Style(3.6, 0.07, 0.06, 0.08, 0.0, 0.0, 1.5, 0.7, 7.0, 0.8),
    Mood.CHEERFUL: Style(2.8, 0.14, 0.24, 0.06, 0.12, 0.0, -1.0, 1.3, 3.0, 1.1),
    Mood.TIRED: Style(2.2, 0.22, 0.02, 0.03, 0.0, 0.22, 3.5, 0.8, 0.0, 1.4),
}
_NAMES: Final = tuple(field.name for field in fields(Style))


def between(a: Style, b: Style, share: float) -> Style:
    """The style ``share`` (0..1) of the way from one to another."""
    if share <= 0.0 or a == b:
        return a
    if share >= 1.0:
        return b
    return Style(*(getattr(a, n) + (getattr(b, n) - getattr(a, n)) * share for n in _NAMES))
