"""`avatarkit serve`."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated

import typer

from avatarkit.cli.options import Data, Json
from avatarkit.cli.output import show_fields, show_json

if TYPE_CHECKING:
    from avatarkit.server.first_start import StartReport


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="TCP port; 0 takes a free one.", min=0, max=65535, show_default="8700")
    ] = None,
    data: Data = None,
    engine: Annotated[str | None, typer.Option(help="Motion engine.", show_default="envelope")] = None,
    as_json: Json = False,
) -> None:
    """Run the server: Console, Motion Server and avatar library in one process.

    The first start makes a demo app and shows its App ID, its API key and the admin key, once. Every setting can
    also be given in the environment, as AVATARKIT_ and its name.

    Examples:

        avatarkit serve

        avatarkit serve --port 0 --data ./data

        avatarkit serve --host 0.0.0.0 --json
    """
    from avatarkit.server.run import serve as serve_until_stopped  # noqa: PLC0415 - loads the web framework
    from avatarkit.server.settings import load_settings  # noqa: PLC0415

    settings = load_settings(data=data, host=host, port=port, engine=engine)
    _log_to_stderr()

    def announce(url: str, report: StartReport) -> None:
        for notice in report.notices:
            logging.getLogger("avatarkit.server").warning(notice)
        if as_json:
            _announce_to_program(url, report)
        else:
            _announce_to_person(url, report, data=str(settings.data))
        sys.stdout.flush()

    serve_until_stopped(settings, on_ready=announce)


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("avatarkit").setLevel(logging.INFO)


def _announce_to_program(url: str, report: StartReport) -> None:
    event: dict[str, object] = {"event": "ready", "url": url, "version": version("pyavatarkit")}
    if report.credentials is not None:
        event |= {
            "app_id": report.credentials.app_id,
            "api_key": report.credentials.api_key,
            "admin_key": report.credentials.admin_key,
        }
    show_json(event)


def _announce_to_person(url: str, report: StartReport, *, data: str) -> None:
    typer.echo(f"AvatarKit {version('pyavatarkit')} is ready at {url}")
    show_fields({"Data": data})
    if report.credentials is not None:
        typer.echo("\nFirst start: keep these. They are shown once and stored as hashes only.")
        show_fields(
            {
                "App ID": report.credentials.app_id,
                "API key": report.credentials.api_key,
                "Admin key": report.credentials.admin_key,
            }
        )
    typer.echo("\nStop with Ctrl+C.")
