"""`avatarkit keys`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from avatarkit.cli.management import open_management
from avatarkit.cli.options import AdminKey, Data, Json, Url
from avatarkit.cli.output import show_fields, show_json

app = typer.Typer(no_args_is_help=True, help="Make API keys. A key belongs on your backend, never in a client.")


@app.callback()
def _group() -> None:
    """Keep `create` a subcommand while it is the only one."""


@app.command("create")
def create(
    app_id: Annotated[str, typer.Argument(help="App ID that the key belongs to.")],
    data: Data = None,
    url: Url = None,
    admin_key: AdminKey = None,
    as_json: Json = False,
) -> None:
    """Make an API key for an app. It is shown this once; the server keeps a hash.

    Examples:

        avatarkit keys create app_0123456789abcdef

        avatarkit keys create app_0123456789abcdef --json
    """
    made = asyncio.run(open_management(data, url, admin_key).create_key(app_id))
    if as_json:
        show_json(made)
        return
    typer.echo("Made an API key. Keep it: it is not shown again.")
    show_fields({"App ID": made["app_id"], "API key": made["api_key"]})
