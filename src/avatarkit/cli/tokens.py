"""`avatarkit tokens`."""

from __future__ import annotations

from typing import Annotated

import typer

from avatarkit.cli.managing import Server, managing, managing_silently
from avatarkit.cli.output import show_json, show_table, shown_time
from avatarkit.cli.token import ForAvatar, Lifetime, MaxSeconds, SingleUse, show_token, token_options

app = typer.Typer(no_args_is_help=True, help="Make and revoke session tokens, and rotate the key that signs them.")


@app.command("create")
@managing
def create(
    server: Server,
    app_id: Annotated[str, typer.Argument(help="App ID.", metavar="APP_ID")],
    *,
    lifetime_s: Lifetime = 3600,
    single_use: SingleUse = False,
    avatar_id: ForAvatar = None,
    max_seconds: MaxSeconds = None,
) -> None:
    """Make a session token for an app as its administrator, without an API key; it is printed alone.

    Examples:

        avatarkit tokens create app_0123456789abcdef

        avatarkit tokens create app_0123456789abcdef --single-use --avatar default --max-seconds 600 --json
    """
    options = token_options(single_use=single_use, avatar_id=avatar_id, max_seconds=max_seconds)
    made = server.do(lambda work: work.create_token(app_id, lifetime_s=lifetime_s, options=options))
    show_token(made, as_json=server.as_json)


@app.command("revoke")
@managing_silently
def revoke(
    server: Server,
    token: Annotated[str | None, typer.Argument(help="A session token.", metavar="[TOKEN]")] = None,
    *,
    app_id: Annotated[str | None, typer.Option("--app", help="Revoke every token of this app instead.")] = None,
    end_sessions: Annotated[
        bool, typer.Option("--end-sessions", help="End its open sessions too, within a second.")
    ] = False,
) -> None:
    """Make one session token void, or all that an app got until now. Open sessions go on unless you say otherwise.

    Examples:

        avatarkit tokens revoke eyJhbGciOi... --end-sessions

        avatarkit tokens revoke --app app_0123456789abcdef
    """
    if (token is None) == (app_id is None):
        raise typer.BadParameter("give a token or --app")
    if app_id is not None:
        server.do(lambda work: work.revoke_tokens(app_id, end_sessions=end_sessions))
        typer.echo(f"Revoked every token of {app_id}.")
    elif token is not None:
        revoked = server.do(lambda work: work.revoke_token(token, end_sessions=end_sessions))
        typer.echo(f"Revoked the token {revoked['id']} of {revoked['appId']}.")


@app.command("keys")
@managing
def keys(server: Server) -> None:
    """List the keys that sign or still verify session tokens.

    Examples:

        avatarkit tokens keys

        avatarkit tokens keys --json
    """
    _show_keys(server.do(lambda work: work.list_signing_keys()), as_json=server.as_json)


@app.command("rotate")
@managing
def rotate(
    server: Server,
    *,
    drop_old: Annotated[
        bool, typer.Option("--drop-old", help="Make every token so far void at once, as after a leak.")
    ] = False,
) -> None:
    """Sign session tokens with a new key; what the old one signed stays valid until it expires.

    Examples:

        avatarkit tokens rotate

        avatarkit tokens rotate --drop-old --json
    """
    work = server.do(lambda work: work.rotate_signing_key(drop_old=drop_old))
    _show_keys(work, as_json=server.as_json)


def _show_keys(found: list[dict[str, object]], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    rows = [(str(key["id"]), shown_time(_time(key["created_at"])), _state(key["retired_at"])) for key in found]
    show_table(("Key", "Made", "State"), rows, empty="There is no signing key yet.")


def _state(retired_at: object) -> str:
    time = _time(retired_at)
    return "signs" if time is None else f"verifies since {shown_time(time)}"


def _time(value: object) -> float | None:
    return value if isinstance(value, int | float) else None
