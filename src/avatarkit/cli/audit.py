"""`avatarkit audit`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from avatarkit.cli.managing import Server, managing
from avatarkit.cli.output import show_table, shown_time


@managing
def audit(
    server: Server,
    *,
    target: Annotated[str | None, typer.Option("--target", help="Of this app, key or avatar only.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="Most entries.")] = 50,
) -> None:
    """Show who changed what, newest first.

    Examples:

        avatarkit audit

        avatarkit audit --target app_0123456789abcdef --json
    """
    entries = server.do(lambda work: work.list_audit(target=target, count=count))
    if server.shows_json(entries):
        return
    rows = [
        (shown_time(one["at"]), one["actor"], one["action"], one["target"], json.dumps(one["detail"]))
        for one in entries
    ]
    show_table(("When", "Who", "What", "Target", "Detail"), rows, empty="Nothing was changed yet.")
