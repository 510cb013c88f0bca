"""`avatarkit keys`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from avatarkit.cli.managing import Server, managing, managing_silently
from avatarkit.cli.options import Data, Json
from avatarkit.cli.output import show_fields, show_json, show_table, shown_time

app = typer.Typer(no_args_is_help=True, help="Make and revoke API keys. A key belongs on your backend only.")

_AppId = Annotated[str, typer.Argument(help="App ID that the key belongs to.", metavar="APP_ID")]


@app.command("create")
@managing
def create(
    server: Server,
    app_id: _AppId,
    *,
    name: Annotated[str, typer.Option("--name", help="A name for people.")] = "",
    scopes: Annotated[
        list[str] | None,
        typer.Option("--scope", help="What it may do: tokens, avatars:read, avatars:write.", show_default="all"),
    ] = None,
) -> None:
    """Make an API key for an app. It is shown this once; the server keeps a hash.

    Examples:

        avatarkit keys create app_0123456789abcdef

        avatarkit keys create app_0123456789abcdef --name ci --scope tokens --json
    """
    from avatarkit.server.store.records import ALL_SCOPES, Scope  # noqa: PLC0415 - loads with the first use

    try:
        chosen = [Scope(scope) for scope in scopes] if scopes else list(ALL_SCOPES)
    except ValueError:
        raise typer.BadParameter(f"must be one of {', '.join(ALL_SCOPES)}", param_hint="--scope") from None
    made = server.do(lambda work: work.create_key(app_id, name, chosen))
    if server.shows_json(made):
        return
    typer.echo("Made an API key. Keep it: it is not shown again.")
    show_fields({"App ID": made["app_id"], "API key": made["api_key"]})


@app.command("list")
@managing
def list_all(server: Server, app_id: _AppId) -> None:
    """List the API keys of an app by their prefixes.

    Examples:

        avatarkit keys list app_0123456789abcdef

        avatarkit keys list app_0123456789abcdef --json
    """
    keys = server.do(lambda work: work.list_keys(app_id))
    if server.shows_json(keys):
        return
    rows = [
        (
            key["prefix"],
            key["name"],
            " ".join(key["scopes"]),
            shown_time(key["last_used_at"]),
            "live" if key["revoked_at"] is None else f"revoked {shown_time(key['revoked_at'])}",
        )
        for key in keys
    ]
    hint = "The app has no key. Make one with: avatarkit keys create APP_ID"
    show_table(("Prefix", "Name", "Scopes", "Last used", "State"), rows, empty=hint)


@app.command("revoke")
@managing_silently
def revoke(
    server: Server,
    prefix: Annotated[str, typer.Argument(help="The key's prefix, such as ak_01234567.", metavar="PREFIX")],
) -> None:
    """Make an API key useless, and the session tokens that it bought. Open sessions go on.

    Examples:

        avatarkit keys revoke ak_01234567
    """
    server.do(lambda work: work.revoke_key(prefix))
    typer.echo(f"Revoked {prefix}.")


@app.command("admin")
def admin(*, data: Data = None, as_json: Json = False) -> None:
    """Make another admin key, on the server's own machine; the one before is void at once. It is shown this once.

    Examples:

        avatarkit keys admin

        avatarkit keys admin --data data --json
    """
    from avatarkit.cli.local import manage_here  # noqa: PLC0415 - loads SQLAlchemy

    made = asyncio.run(manage_here(data, lambda work: work.replace_admin_key()))
    if as_json:
        show_json(made)
        return
    typer.echo("Made an admin key. Keep it: it is not shown again.")
    show_fields({"Admin key": made["admin_key"]})
