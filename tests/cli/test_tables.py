"""What names a row can be copied from a table, however narrow the terminal."""

from __future__ import annotations

import re
import sys

import pytest

from avatarkit.cli.output import show_table

NAME = "20260101000000_0123456789ab"
ROW = (NAME, "a long story that has no room beside it", "another one that has none either")


def test_names_stay_whole_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show_table(("Session", "First", "Second"), [ROW], empty="")
    lines = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).splitlines()
    assert any(NAME in line for line in lines)
    assert max(map(len, lines)) <= 60
    assert len(lines) > 5  # the stories are folded


def test_nothing_is_broken_where_no_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    show_table(("Session", "First", "Second"), [ROW], empty="")
    assert any(all(text in line for text in ROW) for line in capsys.readouterr().out.splitlines())
