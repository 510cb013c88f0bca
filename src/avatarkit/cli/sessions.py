"""`avatarkit sessions`."""

from __future__ import annotations

from typing import Annotated

import typer

from avatarkit.cli.managing import Server, managing, managing_silently
from avatarkit.cli.output import show_fields, show_table, shown_duration, shown_time

app = typer.Typer(no_args_is_help=True, help="List, show and end sessions.")

_SessionId = Annotated[str, typer.Argument(help="Session (connection) id.", metavar="SESSION_ID")]


@app.command("list")
@managing
def list_all(
    server: Server,
    *,
    app_id: Annotated[str | None, typer.Option("--app", help="Of this app only.")] = None,
    only_open: Annotated[bool, typer.Option("--open", help="Open ones only.")] = False,
    count: Annotated[int, typer.Option("--count", min=1, max=1000, help="Most to list.")] = 50,
) -> None:
    """List the newest sessions.

    Examples:

        avatarkit sessions list --open

        avatarkit sessions list --app app_0123456789abcdef --json
    """
    found = server.do(lambda work: work.list_sessions(app_id=app_id, only_open=only_open, count=count))
    if server.shows_json(found):
        return
    rows = [
        (
            one["id"],
            one["app_id"],
            one["avatar_id"],
            shown_time(one["opened_at"]),
            shown_duration(one["charged_s"]),
            one["end_reason"] or "open",
        )
        for one in found
    ]
    show_table(("Session", "App", "Avatar", "Opened", "Charged", "End"), rows, empty="There is no such session.")


@app.command("show")
@managing
def show(server: Server, session_id: _SessionId) -> None:
    """Show a session.

    Examples:

        avatarkit sessions show 20260101000000_0123456789ab
    """
    one = server.do(lambda work: work.show_session(session_id))
    if server.shows_json(one):
        return
    show_fields(
        {
            "Session": one["id"],
            "App": one["app_id"],
            "Avatar": one["avatar_id"],
            "Server": one["server"] or "–",
            "Opened": shown_time(one["opened_at"]),
            "Confirmed": shown_time(one["confirmed_at"]),
            "Ended": shown_time(one["ended_at"]),
            "Charged": f"{one['charged_s']:.1f} s",
            "End": one["end_reason"] or "open",
        }
    )


@app.command("end")
@managing_silently
def end(server: Server, session_id: _SessionId) -> None:
    """End an open session; its server closes it within a second.

    Examples:

        avatarkit sessions end 20260101000000_0123456789ab
    """
    server.do(lambda work: work.end_session(session_id))
    typer.echo(f"{session_id} ends.")
