"""`avatarkit doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from avatarkit.cli.options import Data, Json
from avatarkit.cli.output import show_json
from avatarkit.server.settings_sources import FILE_VARIABLE

if TYPE_CHECKING:
    from avatarkit.cli.doctor.finding import Finding
    from avatarkit.server.settings import Settings

_MARKS: Final = {"ok": ("ok", "green"), "advice": ("!", "yellow"), "failed": ("FAILED", "red")}


def doctor(
    config: Annotated[
        Path | None,
        typer.Option("--config", envvar=FILE_VARIABLE, help="Settings file of the server, TOML.", dir_okay=False),
    ] = None,
    data: Data = None,
    url: Annotated[str | None, typer.Option("--url", help="Also look at the running server there.")] = None,
    as_json: Json = False,
) -> None:
    """Look at a set-up and say what to do about what is wrong.

    It reads the settings as `avatarkit serve` does and changes nothing. The exit status is 1 when something does
    not work, and 0 otherwise, advice or not.

    Examples:

        avatarkit doctor --data data

        AVATARKIT_HOST=0.0.0.0 avatarkit doctor --config avatarkit.toml

        avatarkit doctor --url http://127.0.0.1:8700 --json
    """
    from avatarkit.server.settings_sources import load_settings  # noqa: PLC0415

    findings = list(_examine(load_settings(config=config, data=data), url))
    if as_json:
        show_json([{"about": f.about, "level": f.level.value, "found": f.found, "todo": f.todo} for f in findings])
    else:
        _show(findings)
    if any(finding.level.value == "failed" for finding in findings):
        raise typer.Exit(1)


def _examine(settings: Settings, url: str | None) -> Iterator[Finding]:
    from avatarkit.cli.doctor import installation  # noqa: PLC0415 - loads only when asked for

    yield from installation.check_python()
    for finding in installation.check_extras():
        yield finding
        if finding.level.value == "failed":
            return  # the rest needs those libraries
    from avatarkit.cli.doctor import serving, working  # noqa: PLC0415
    from avatarkit.cli.doctor.database import check_database  # noqa: PLC0415

    yield from installation.check_character()
    yield from installation.check_speaker()
    yield from serving.check_data(settings)
    yield from serving.check_asset_storage(settings)
    yield from check_database(settings)
    yield from working.check_engine(settings)
    yield from serving.check_address(settings)
    yield from serving.check_tls_files(settings)
    yield from serving.check_exposure(settings)
    yield from serving.check_observation(settings)
    yield from serving.check_limits()
    if url is not None:
        yield from working.check_running(url)


def _show(findings: list[Finding]) -> None:
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        mark, colour = _MARKS[finding.level.value]
        typer.secho(f"{mark:>6}", fg=colour, nl=False)
        typer.echo(f"  {finding.about:<{width}}  {finding.found}")
        if finding.todo:
            typer.echo(f"{'':>8}{'':<{width}}  -> {finding.todo}")
    failures = sum(finding.level.value == "failed" for finding in findings)
    typer.echo(f"\n{failures} of {len(findings)} checks failed." if failures else "\nNothing is in the way.")
