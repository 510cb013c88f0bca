"""`avatarkit audit`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from avatarkit.cli.management import manage
from avatarkit.cli.options import AdminKey, Data, Json, Url
from avatarkit.cli.output import show_json, show_table, shown_time


def audit(
    *,
    target: Annotated[str | None, typer.Option("--target", help="Of this app, key or avatar only.")] = None,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="Most entries.")] = 50,
    data: Data = None,
    url: Url = None,
    admin_key: AdminKey = None,
    as_json: Json = False,
) -> None:
    """Show who changed what, newest first.

    Examples:

        avatarkit audit

        avatarkit audit --target app_0123456789abcdef --json
    """
    entries = manage(data, url, admin_key, lambda work: work.list_audit(target=target, count=count))
    if as_json:
        show_json(entries)
        return
    rows = [
        (shown_time(one["at"]), one["actor"], one["action"], one["target"], json.dumps(one["detail"]))
        for one in entries
    ]
    show_table(("When", "Who", "What", "Target", "Detail"), rows, empty="Nothing was changed yet.")
