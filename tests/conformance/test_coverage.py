"""The scenarios cover what they are there for, and README.md says truly which covers what."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from coverage_table import README, ROWS, documents, in_readme, tables
from scenario_file import ABILITIES, LACKING, read_scenarios

from avatarkit import ErrorCode

SCENARIOS = Path(__file__).parent / "scenarios"


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_scenario(row: str) -> None:
    assert [scenario for scenario in read_scenarios() if row in scenario.covers]


def test_no_scenario_covers_what_is_no_row() -> None:
    assert {row for scenario in read_scenarios() for row in scenario.covers} <= set(ROWS)


def test_every_published_error_is_a_row() -> None:
    """Codes of ours, which the published clients leave to the language, begin behind the last of theirs."""
    codes = [code.value for code in ErrorCode]
    published = codes[: codes.index(ErrorCode.CONFIGURATION_INVALID.value)]
    assert {f"error {code}" for code in published} == {row for row in ROWS if row.startswith("error ")}


def test_the_table_is_what_the_files_say() -> None:
    assert in_readme(README.read_text(encoding="utf-8")) == tables()


def test_every_ability_is_explained() -> None:
    text = README.read_text(encoding="utf-8")
    assert [ability for ability in ABILITIES if f"| `{ability}` |" not in text] == []


def test_the_python_client_skips_only_what_it_cannot_have() -> None:
    skipped = {scenario.name for scenario in read_scenarios() if LACKING & set(scenario.needs)}
    assert skipped == {"sound-is-locked"}


@pytest.mark.parametrize("name", sorted(documents()))
def test_scenarios_speak_no_language(name: str) -> None:
    assert documents()[name]["about"].endswith(".")
    text = (SCENARIOS / f"{name}.json").read_text(encoding="utf-8")
    assert not re.search(r"AvatarError|asyncio|Promise|undefined", text)
