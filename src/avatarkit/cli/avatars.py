"""`avatarkit avatars`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from avatarkit.cli.management import Record, open_management
from avatarkit.cli.options import AdminKey, Data, Json, Url
from avatarkit.cli.output import show_fields, show_json, show_table

app = typer.Typer(no_args_is_help=True, help="List, add and describe the avatars in the server's library.")


@app.command("list")
def list_all(data: Data = None, url: Url = None, admin_key: AdminKey = None, as_json: Json = False) -> None:
    """List the avatars in the library.

    Examples:

        avatarkit avatars list

        avatarkit avatars list --url http://127.0.0.1:8700 --json
    """
    avatars = asyncio.run(open_management(data, url, admin_key).list_avatars())
    if as_json:
        show_json(avatars)
        return
    rows = [(a["id"], a["name"], str(a["version"]), _size(a["size"]), a["license"]) for a in avatars]
    show_table(
        ("Avatar", "Name", "Version", "Size", "Licence"),
        rows,
        empty="The library is empty. Add a bundle with: avatarkit avatars add FILE",
    )


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(help="The bundle, binary glTF (.glb).", exists=True, dir_okay=False)],
    *,
    avatar_id: Annotated[str | None, typer.Option("--id", help="Avatar id.", show_default="the file's name")] = None,
    data: Data = None,
    url: Url = None,
    admin_key: AdminKey = None,
    as_json: Json = False,
) -> None:
    """Check a bundle and take it into the library; an avatar of the same id is replaced.

    Examples:

        avatarkit avatars add ada.glb

        avatarkit avatars add ada.glb --id host --json
    """
    made = asyncio.run(open_management(data, url, admin_key).add_avatar(avatar_id or file.stem, file))
    if as_json:
        show_json(made)
        return
    typer.echo("In the library:")
    _show(made)


@app.command("show")
def show(
    avatar_id: Annotated[str, typer.Argument(help="Avatar id.")],
    data: Data = None,
    url: Url = None,
    admin_key: AdminKey = None,
    as_json: Json = False,
) -> None:
    """Describe one avatar.

    Examples:

        avatarkit avatars show default

        avatarkit avatars show default --json
    """
    avatar = asyncio.run(open_management(data, url, admin_key).show_avatar(avatar_id))
    if as_json:
        show_json(avatar)
        return
    _show(avatar)


def _show(avatar: Record) -> None:
    show_fields(
        {
            "Avatar": avatar["id"],
            "Name": avatar["name"],
            "Version": str(avatar["version"]),
            "Size": _size(avatar["size"]),
            "Licence": avatar["license"],
            "Author": avatar["author"],
            "SHA-256": avatar["sha256"],
            "Needs SDK": avatar["minimumSdkVersion"],
        }
    )


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.2f} MB"
