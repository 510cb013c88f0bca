"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    ADVICE = "advice"
    """It works, yet something is worth doing."""
    FAILED = "failed"
    """Something that was asked for does not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    about: str
    """What was looked at, in a word or two."""
    level: Level
    found: str
    """What was found, in a sentence."""
    todo: str = ""
    """What to do about it."""


def ok(about: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(about, Level.OK, found)


def advice(about: str, found: str, todo: str) -> Finding:
    """Something worth doing."""
    return Finding(about, Level.ADVICE, found, todo)


def failed(about: str, found: str, todo: str) -> Finding:
    """Something that does not work."""
    return Finding(about, Level.FAILED, found, todo)
