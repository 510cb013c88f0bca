"""`avatarkit apps`."""

from __future__ import annotations

from typing import Annotated

import typer

from avatarkit.cli.management import Record
from avatarkit.cli.managing import Server, managing, managing_silently
from avatarkit.cli.output import show_fields, show_json, show_table, shown_duration, shown_time

app = typer.Typer(no_args_is_help=True, help="Make and manage apps. An app owns API keys, tokens and sessions.")

AppId = Annotated[str, typer.Argument(help="App ID.", metavar="APP_ID")]
_NAMES = {
    "max_sessions": "Sessions at the same time",
    "max_session_s": "Longest session (s)",
    "credit_limit_s": "Credit seconds",
    "max_creations": "Avatars made",
}


@app.command("create")
@managing
def create(
    server: Server, name: Annotated[str, typer.Argument(help="A name for people, 1 to 128 characters.")]
) -> None:
    """Make an app and its first API key, which is shown this once.

    Examples:

        avatarkit apps create "My shop"

        avatarkit apps create "My shop" --url http://127.0.0.1:8700 --json
    """
    made = server.do(lambda work: work.create_app(name))
    if server.shows_json(made):
        return
    typer.echo(f"Made the app “{made['name']}”. Keep the key: it is not shown again.")
    show_fields({"App ID": made["id"], "API key": made["api_key"]})


@app.command("list")
@managing
def list_all(server: Server) -> None:
    """List all apps.

    Examples:

        avatarkit apps list

        avatarkit apps list --json
    """
    apps = server.do(lambda work: work.list_apps())
    if server.shows_json(apps):
        return
    rows = [(a["id"], a["name"], shown_time(a["created_at"]), _state(a)) for a in apps]
    hint = "There is no app yet. Make one with: avatarkit apps create NAME"
    show_table(("App ID", "Name", "Made", "State"), rows, empty=hint)


@app.command("show")
@managing
def show(server: Server, app_id: AppId) -> None:
    """Show an app, its quotas and what it has used.

    Examples:

        avatarkit apps show app_0123456789abcdef

        avatarkit apps show app_0123456789abcdef --json
    """
    _show(server.do(lambda work: work.show_app(app_id)), as_json=server.as_json)


@app.command("quota")
@managing
def quota(
    server: Server,
    app_id: AppId,
    *,
    max_sessions: Annotated[int | None, typer.Option(min=-1, help="Sessions open at the same time.")] = None,
    max_session_s: Annotated[int | None, typer.Option(min=-1, help="Longest session, in seconds.")] = None,
    credit_limit_s: Annotated[int | None, typer.Option(min=-1, help="Seconds of sessions in all.")] = None,
    max_creations: Annotated[int | None, typer.Option(min=-1, help="Avatars made in all.")] = None,
) -> None:
    """Change what an app may use; -1 is no limit but the server's own.

    Examples:

        avatarkit apps quota app_0123456789abcdef --max-sessions 5 --credit-limit-s 36000

        avatarkit apps quota app_0123456789abcdef --credit-limit-s -1 --json
    """
    given = {
        "max_sessions": max_sessions,
        "max_session_s": max_session_s,
        "credit_limit_s": credit_limit_s,
        "max_creations": max_creations,
    }
    changes = {name: None if value < 0 else value for name, value in given.items() if value is not None}
    if not changes:
        raise typer.BadParameter("give at least one quota")
    _show(server.do(lambda work: work.change_app(app_id, quotas=changes)), as_json=server.as_json)


@app.command("rename")
@managing
def rename(
    server: Server,
    app_id: AppId,
    name: Annotated[str, typer.Argument(help="A name for people, 1 to 128 characters.")],
) -> None:
    """Give an app another name.

    Examples:

        avatarkit apps rename app_0123456789abcdef "Their shop"
    """
    _show(server.do(lambda work: work.change_app(app_id, name=name)), as_json=server.as_json)


@app.command("disable")
@managing
def disable(server: Server, app_id: AppId) -> None:
    """Refuse an app's keys and tokens from now on, and end its sessions.

    Examples:

        avatarkit apps disable app_0123456789abcdef
    """
    _show(server.do(lambda work: work.change_app(app_id, disabled=True)), as_json=server.as_json)


@app.command("enable")
@managing
def enable(server: Server, app_id: AppId) -> None:
    """Let a disabled app work again.

    Examples:

        avatarkit apps enable app_0123456789abcdef
    """
    _show(server.do(lambda work: work.change_app(app_id, disabled=False)), as_json=server.as_json)


@app.command("delete")
@managing_silently
def delete(server: Server, app_id: AppId) -> None:
    """Remove an app that has no avatars and no open sessions, with its keys and records.

    Examples:

        avatarkit apps delete app_0123456789abcdef
    """
    server.do(lambda work: work.delete_app(app_id))
    typer.echo(f"Removed {app_id}.")


def _show(found: Record, *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    used = found["usage"]
    shown = {
        "max_sessions": str(used["open_sessions"]),
        "credit_limit_s": f"{used['credit_used_s']:.1f} ({shown_duration(used['credit_used_s'])})",
        "max_creations": str(used["creations"]),
    }
    show_fields(
        {
            "App ID": found["id"],
            "Name": found["name"],
            "Made": shown_time(found["created_at"]),
            "State": _state(found),
        }
    )
    limits = {name: "–" if value is None else str(value) for name, value in found["quotas"].items()}
    rows = [(title, shown.get(name, "–"), limits[name]) for name, title in _NAMES.items()]
    show_table(("Quota", "Used", "Limit"), rows, empty="")


def _state(found: Record) -> str:
    return "enabled" if found["disabled_at"] is None else f"disabled since {shown_time(found['disabled_at'])}"
