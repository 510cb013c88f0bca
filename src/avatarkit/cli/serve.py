"""`avatarkit serve`."""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avatarkit.cli.options import Json
from avatarkit.cli.output import show_fields, show_json
from avatarkit.cli.setting_flags import given_settings, setting_parameters
from avatarkit.server.observe.logs import configure_logging
from avatarkit.server.settings_sources import FILE_VARIABLE, load_settings

if TYPE_CHECKING:
    from avatarkit.server.first_start import StartReport


def serve(
    *,
    config: Annotated[
        Path | None,
        typer.Option("--config", envvar=FILE_VARIABLE, help="Settings file, TOML.", dir_okay=False),
    ] = None,
    as_json: Json = False,
    **options: Any,
) -> None:
    """Run the server: Console, Motion Server and avatar library in one process.

    The first start makes a demo app and shows its App ID, its API key and the admin key, once.

    Every setting is a flag, an environment variable (AVATARKIT_ and its name in capitals) and a key of the
    settings file; a flag wins over the environment, and that over the file. AVATARKIT_X_FILE names a file that
    holds the value of AVATARKIT_X. Secrets have no flag.

    Examples:

        avatarkit serve

        avatarkit serve --port 0 --data ./data

        avatarkit serve --config avatarkit.toml --host 0.0.0.0 --json
    """
    from avatarkit.server.run import serve as serve_until_stopped  # noqa: PLC0415 - loads the web framework

    settings = load_settings(config=config, **given_settings(options))
    configure_logging(settings.log_format, settings.log_level)

    def announce(url: str, report: StartReport) -> None:
        for notice in report.notices:
            logging.getLogger("avatarkit.server").warning(notice)
        if as_json:
            _announce_to_program(url, report)
        else:
            _announce_to_person(url, report, data=str(settings.data))
        sys.stdout.flush()

    serve_until_stopped(settings, on_ready=announce)


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


def _with_flags() -> Signature:
    own = [item for item in signature(serve, eval_str=True).parameters.values() if item.name != "options"]
    return Signature([*own, *setting_parameters()])


# Typer reads the flags from these.
_SIGNATURE = _with_flags()
serve.__signature__ = _SIGNATURE  # type: ignore[attr-defined]
serve.__annotations__ = {item.name: item.annotation for item in _SIGNATURE.parameters.values()}
