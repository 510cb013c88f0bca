"""`avatarkit apps`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from avatarkit.cli.management import open_management
from avatarkit.cli.options import AdminKey, Data, Json, Url
from avatarkit.cli.output import show_fields, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Make and list apps. An app owns API keys, tokens and sessions.")


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="A name for people, 1 to 128 characters.")],
    data: Data = None,
    url: Url = None,
    admin_key: AdminKey = None,
    as_json: Json = False,
) -> None:
    """Make an app and its first API key, which is shown this once.

    Examples:

        avatarkit apps create "My shop"

        avatarkit apps create "My shop" --url http://127.0.0.1:8700 --json
    """
    made = asyncio.run(open_management(data, url, admin_key).create_app(name))
    if as_json:
        show_json(made)
        return
    typer.echo(f"Made the app “{made['name']}”. Keep the key: it is not shown again.")
    show_fields({"App ID": made["id"], "API key": made["api_key"]})


@app.command("list")
def list_all(data: Data = None, url: Url = None, admin_key: AdminKey = None, as_json: Json = False) -> None:
    """List all apps.

    Examples:

        avatarkit apps list

        avatarkit apps list --json
    """
    apps = asyncio.run(open_management(data, url, admin_key).list_apps())
    if as_json:
        show_json(apps)
        return
    rows = [(a["id"], a["name"], f"{datetime.fromtimestamp(a['created_at'], UTC):%Y-%m-%d %H:%M} UTC") for a in apps]
    show_table(
        ("App ID", "Name", "Made"), rows, empty="There is no app yet. Make one with: avatarkit apps create NAME"
    )
