"""`avatarkit avatars`."""

from __future__ import annotations

from typing import Annotated

import typer

from avatarkit.cli import avatars_add, avatars_make, avatars_photo
from avatarkit.cli.avatars_output import seen_by, show_avatar, shown_size
from avatarkit.cli.management import Record
from avatarkit.cli.managing import Server, managing, managing_silently
from avatarkit.cli.output import show_json, show_table

app = typer.Typer(no_args_is_help=True, help="Make avatars, and manage those in the server's library.")

app.command("build")(avatars_make.build)
app.command("random")(avatars_make.random)
app.command("create")(avatars_photo.create)
app.command("sheet")(avatars_make.sheet)
app.command("add")(avatars_add.add)


@app.command("list")
@managing
def list_all(server: Server) -> None:
    """List the avatars in the library.

    Examples:

        avatarkit avatars list

        avatarkit avatars list --url http://127.0.0.1:8700 --json
    """
    avatars = server.do(lambda work: work.list_avatars())
    if server.shows_json(avatars):
        return
    rows = [(a["id"], a["name"], str(a["version"]), shown_size(a["size"]), a["license"], seen_by(a)) for a in avatars]
    show_table(
        ("Avatar", "Name", "Version", "Size", "Licence", "Seen by"),
        rows,
        empty="The library is empty. Add a bundle with: avatarkit avatars add FILE",
    )


@app.command("show")
@managing
def show(server: Server, avatar_id: Annotated[str, typer.Argument(help="Avatar id.")]) -> None:
    """Describe one avatar.

    Examples:

        avatarkit avatars show default

        avatarkit avatars show default --json
    """
    avatar = server.do(lambda work: work.show_avatar(avatar_id))
    if server.shows_json(avatar):
        return
    show_avatar(avatar)


_AvatarId = Annotated[str, typer.Argument(help="Avatar id.", metavar="AVATAR_ID")]
_AppId = Annotated[str, typer.Argument(help="App ID.", metavar="APP_ID")]


@app.command("publish")
@managing
def publish(
    server: Server,
    avatar_id: _AvatarId,
    *,
    version: Annotated[int | None, typer.Option("--version", min=1, help="Show this version.")] = None,
    granted_only: Annotated[
        bool, typer.Option("--granted-only", help="To its owner and the apps it is granted to, not to everyone.")
    ] = False,
) -> None:
    """Show an avatar to all apps, or to those it is granted to; also goes back to an earlier version.

    Examples:

        avatarkit avatars publish host

        avatarkit avatars publish host --version 2 --granted-only --json
    """
    from avatarkit.server.store.records import AvatarState, Visibility  # noqa: PLC0415 - loads with the first use

    visibility = Visibility.GRANTED if granted_only else Visibility.EVERYONE
    changed = server.do(
        lambda work: work.change_avatar(
            avatar_id, state=AvatarState.PUBLISHED, visibility=visibility, version=version
        ),
    )
    _tell(changed, as_json=server.as_json)


@app.command("withdraw")
@managing
def withdraw(server: Server, avatar_id: _AvatarId) -> None:
    """Show an avatar to nobody; its versions stay.

    Examples:

        avatarkit avatars withdraw host
    """
    from avatarkit.server.store.records import AvatarState  # noqa: PLC0415

    changed = server.do(lambda work: work.change_avatar(avatar_id, state=AvatarState.WITHDRAWN))
    _tell(changed, as_json=server.as_json)


@app.command("grant")
@managing
def grant(server: Server, avatar_id: _AvatarId, app_id: _AppId) -> None:
    """Let an app use an avatar that is not for everyone.

    Examples:

        avatarkit avatars grant host app_0123456789abcdef
    """
    _tell(server.do(lambda work: work.grant_avatar(avatar_id, app_id)), as_json=server.as_json)


@app.command("ungrant")
@managing
def ungrant(server: Server, avatar_id: _AvatarId, app_id: _AppId) -> None:
    """Take that back.

    Examples:

        avatarkit avatars ungrant host app_0123456789abcdef
    """
    _tell(server.do(lambda work: work.ungrant_avatar(avatar_id, app_id)), as_json=server.as_json)


@app.command("remove")
@managing_silently
def remove(server: Server, avatar_id: _AvatarId) -> None:
    """Remove an avatar with all its versions.

    Examples:

        avatarkit avatars remove host
    """
    server.do(lambda work: work.delete_avatar(avatar_id))
    typer.echo(f"Removed {avatar_id}.")


def _tell(avatar: Record, *, as_json: bool) -> None:
    if as_json:
        show_json(avatar)
    else:
        show_avatar(avatar)
