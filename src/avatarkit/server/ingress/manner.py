"""The speaking style that a client asks for, in the session's extra parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from avatarkit.motion.style import Style

STYLE_PARAM: Final = "motion_style"
"""Name of the parameter: an emotion, or an emotion and its intensity 0..1, such as ``happy:0.6``."""


def style_of(extra_params: Mapping[str, str]) -> Style | None:
    """The style asked for, or ``None``. Raises ``ValueError``, with the choices, for a style that there is not."""
    wanted = extra_params.get(STYLE_PARAM, "")
    if not wanted:
        return None
    from avatarkit.motion.style import Emotion, Style  # noqa: PLC0415 - numpy loads with the engine, not before

    name, _, intensity = wanted.partition(":")
    try:
        return Style(emotion=Emotion(name), intensity=float(intensity or 1.0))
    except ValueError:
        choices = ", ".join(Emotion)
        raise ValueError(f"{STYLE_PARAM} must be one of {choices}, with :0..1 behind it if need be") from None
