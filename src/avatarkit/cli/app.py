"""The command's tree. A new command is one line here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from avatarkit.cli import apps, audit, avatars, keys, sessions, tokens
from avatarkit.cli.demo import demo
from avatarkit.cli.doctor import doctor
from avatarkit.cli.output import fail
from avatarkit.cli.record import record
from avatarkit.cli.render import render
from avatarkit.cli.replay import replay
from avatarkit.cli.serve import serve
from avatarkit.cli.token import token
from avatarkit.errors import AvatarError

app = typer.Typer(
    name="avatarkit",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"avatarkit {version('pyavatarkit')}")
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Real-time talking avatars: run the server, manage apps, keys, tokens, avatars
    and sessions.

    Start with:

        avatarkit serve
    """
    del show_version


app.command("serve")(serve)
app.command("token")(token)
app.command("demo")(demo)
app.command("doctor")(doctor)
app.command("record")(record)
app.command("replay")(replay)
app.command("render")(render)
app.add_typer(apps.app, name="apps")
app.add_typer(keys.app, name="keys")
app.add_typer(tokens.app, name="tokens")
app.add_typer(avatars.app, name="avatars")
app.add_typer(sessions.app, name="sessions")
app.command("audit")(audit.audit)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; failures become one line on the standard error."""
    try:
        app(list(sys.argv[1:] if arguments is None else arguments), prog_name="avatarkit")
    except AvatarError as exc:
        return fail(f"{exc.message} [{exc.code.value}]", exc.hint)
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        return fail(f"{where}{exc.strerror or exc}")
    except ModuleNotFoundError as exc:
        return fail(
            f"This command needs the library '{exc.name}'.", "Install it with: pip install 'pyavatarkit[all]'"
        )
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else 1
    return 0
