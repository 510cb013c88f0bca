"""`avatarkit avatars add`: bundles of ours and anybody's GLB with ARKit shapes or visemes."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from avatarkit.cli.avatars_output import show_avatar
from avatarkit.cli.managing import Server, managing


@managing
def add(
    server: Server,
    file: Annotated[Path, typer.Argument(help="The avatar, binary glTF (.glb).", exists=True, dir_okay=False)],
    *,
    avatar_id: Annotated[str | None, typer.Option("--id", help="Avatar id.", show_default="the file's name")] = None,
    name: Annotated[str | None, typer.Option(help="For people.", show_default="what the file says")] = None,
    license_text: Annotated[
        str | None, typer.Option("--license", help="Its licence.", show_default="what the file says")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Who made it.", show_default="what the file says")] = None,
) -> None:
    """Check a bundle and take it into the library, as a new avatar or as the next version of one.

    Any GLB with ARKit shapes, or with the fifteen Oculus visemes, is made into a bundle; what it lacks is said, with
    what that costs.

    Examples:

        avatarkit avatars add ada.glb

        avatarkit avatars add friend.glb --id host --license CC-BY-4.0 --author "Mx Other"
    """
    from avatarkit.avatars import adopt_file, write_bundle  # noqa: PLC0415 - quick start of other commands

    adopted = adopt_file(file)
    own = adopted.bundle.info
    info = replace(own, name=name or own.name, license=license_text or own.license, author=author or own.author)
    notes = [note for note in adopted.notes if not (license_text and "its licence" in note)]
    with tempfile.TemporaryDirectory(prefix="avatarkit-add-") as folder:
        source = file
        if info != own or not adopted.ours:
            source = Path(folder) / "avatar.glb"
            write_bundle(replace(adopted.bundle, info=info), source)
        made = server.do(lambda work: work.add_avatar(avatar_id or file.stem, source))
    if server.shows_json(made | {"notes": notes}):
        return
    typer.echo("In the library:")
    show_avatar(made)
    for note in notes:
        typer.echo(f"  - {note}")
