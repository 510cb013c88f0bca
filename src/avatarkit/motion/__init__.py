"""Speech to motion: engines behind one contract.

>>> engine = open_engine()
>>> stream = engine.open(16000)
>>> stream.push(bytes(3200))
>>> stream.finish()
>>> len(stream.take())
3
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from avatarkit.errors import ErrorCode, error
from avatarkit.frames import MotionFrames
from avatarkit.motion.contract import MotionEngine, MotionStream

__all__ = ["ENGINES", "MotionEngine", "MotionFrames", "MotionStream", "open_engine"]


def _envelope(**options: Any) -> MotionEngine:
    from avatarkit.motion.envelope import EnvelopeEngine  # noqa: PLC0415 - only the chosen engine is loaded

    return EnvelopeEngine(**options)


def _articulatory(**options: Any) -> MotionEngine:
    from avatarkit.motion.articulatory import ArticulatoryEngine  # noqa: PLC0415 - loads the weights

    return ArticulatoryEngine(**options)


ENGINES: Final[dict[str, Callable[..., MotionEngine]]] = {"articulatory": _articulatory, "envelope": _envelope}
DEFAULT_ENGINE: Final = "articulatory"


def open_engine(name: str = DEFAULT_ENGINE, **options: Any) -> MotionEngine:
    """The engine of that name.

    Args:
        name: ``articulatory`` (learned) or ``envelope`` (loudness and spectrum only).
        options: What the engine's class takes.

    Raises:
        AvatarError: ``configurationInvalid`` for a name or an option that does not exist; the message names
            the choices.
    """
    maker = ENGINES.get(name)
    if maker is None:
        choices = ", ".join(sorted(ENGINES))
        raise error(ErrorCode.CONFIGURATION_INVALID, f"There is no motion engine {name!r}; choose one of: {choices}.")
    try:
        return maker(**options)
    except (TypeError, ValueError) as reason:
        raise error(
            ErrorCode.CONFIGURATION_INVALID, f"The motion engine {name!r} cannot be made: {reason}."
        ) from None
