"""How the command speaks: tables for people, JSON for programs, one line for an error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import typer

_UNBROKEN: Final = 10_000
"""Characters of a line."""


def show_json(value: Any) -> None:
    """One JSON document on one line of the standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def show_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
    """A table, or the sentence ``empty`` when there is no row.

    The first column, which names things, is never broken, so that it can be copied; where no terminal sets a width,
    nothing is.
    """
    if not rows:
        typer.echo(empty)
        return
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - loads when it is needed
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    table = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _UNBROKEN
    Console(markup=False, highlight=False, emoji=False, width=width).print(table)


def show_fields(fields: Mapping[str, str]) -> None:
    """Names and values, one a line, values aligned and never wrapped, so that they can be copied."""
    width = max(map(len, fields), default=0)
    for name, value in fields.items():
        typer.echo(f"  {name:<{width}}  {value}")


def shown_time(unix_s: float | None) -> str:
    """A time for people; a dash for none."""
    return "–" if unix_s is None else f"{datetime.fromtimestamp(unix_s, UTC):%Y-%m-%d %H:%M:%S} UTC"


def shown_duration(seconds: float) -> str:
    """Hours, minutes and seconds for people."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def fail(message: str, hint: str = "") -> int:
    """Say what went wrong on the standard error and return the exit status 1."""
    typer.secho(f"error: {message}", fg="red", err=True)
    if hint:
        typer.echo(f"hint: {hint}", err=True)
    return 1
