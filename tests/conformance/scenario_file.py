"""Reading scenario files: one concrete scenario for each case."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ABILITIES = {
    "upgradeStatus",
    "opus",
    "opusUplink",
    "backend",
    "strictSync",
    "reconnect",
    "tokenProvider",
    "playbackEvents",
    "load",
    "resume",
    "soundDevice",
    "audioUnlock",
    "avatarFiles",
    "rendererFaults",
    "surface",
    "statistics",
    "launch",
}
LACKING = {"audioUnlock"}
"""Abilities that the Python client has no use for."""
_KEYS = {"about", "covers", "needs", "setup", "server", "cases", "steps"}


@dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    steps: list[dict[str, Any]]
    covers: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)
    setup: dict[str, Any] = field(default_factory=dict)
    server: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def read_scenarios() -> list[Scenario]:
    return [scenario for path in sorted((HERE / "scenarios").glob("*.json")) for scenario in _read(path)]


def _read(path: Path) -> list[Scenario]:
    document = json.loads(path.read_text(encoding="utf-8"))
    unknown = set(document) - _KEYS
    assert not unknown, f"{path.name}: unknown keys {unknown}"
    cases = document.pop("cases", None)
    if cases is None:
        return [_scenario(path.stem, document)]
    return [_scenario(f"{path.stem}: {case['name']}", _substitute(document, case)) for case in cases]


def _scenario(name: str, document: dict[str, Any]) -> Scenario:
    unknown = set(document.get("needs", ())) - ABILITIES
    assert not unknown, f"{name}: unknown abilities {unknown}"
    return Scenario(name=name, **document)


def _substitute(value: Any, case: dict[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("$"):
        return case[value]
    if isinstance(value, list):
        return [_substitute(item, case) for item in value]
    if isinstance(value, dict):
        return {key: _substitute(item, case) for key, item in value.items()}
    return value
