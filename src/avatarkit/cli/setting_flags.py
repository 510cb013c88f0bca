"""The flags of `avatarkit serve`, made from the list of settings."""

from __future__ import annotations

from dataclasses import fields
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from avatarkit.server.settings import Settings, catalogue, kinds, variable


def setting_parameters() -> list[Parameter]:
    """One keyword parameter for each setting that may be shown on a command line; ``None`` when it is not given."""
    known, defaults = kinds(), {item.name: item.default for item in fields(Settings)}
    parameters = []
    for name, info in catalogue().items():
        if info.secret:
            continue
        option = typer.Option(
            f"{flag(name)}/{flag('no_' + name)}" if known[name] is bool else flag(name),
            help=info.help,
            rich_help_panel=info.group,
            metavar="|".join(info.choices) or None,
            show_default=_shown(defaults[name]),
        )
        kind = _option_type(known[name])
        parameters.append(
            Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind | None, option])
        )
    return parameters


def given_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Settings by name from what the command line gave."""
    lists = {name for name, kind in kinds().items() if kind == tuple[str, ...]}
    return {name: (tuple(value) or None) if name in lists and value else value for name, value in options.items()}


def secret_variables() -> list[str]:
    """The environment variables of the settings that have no flag."""
    return [variable(name) for name, info in catalogue().items() if info.secret]


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def _option_type(kind: Any) -> Any:
    if kind == tuple[str, ...]:
        return list[str]
    return kind if kind in (str, int, float, bool) else Path


def _shown(default: object) -> str | bool:
    if isinstance(default, tuple):
        return ", ".join(default) or False
    return str(default) if isinstance(default, str | int | float) and default != "" else False
