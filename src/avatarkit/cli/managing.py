"""Commands that manage a server: the options that say where it is and how to answer, once for all of them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from avatarkit.cli.management import Management, manage
from avatarkit.cli.options import AdminKey, Data, Json, Url
from avatarkit.cli.output import show_json

Done = TypeVar("Done")
_OPTIONS = {"data": (Data, None), "url": (Url, None), "admin_key": (AdminKey, None)}
_JSON = {"as_json": (Json, False)}


class Server:
    """The server that a command manages, and for whom the command prints."""

    def __init__(self, *, data: Path | None, url: str | None, admin_key: str | None, as_json: bool = False) -> None:
        self._data, self._url, self._admin_key = data, url, admin_key
        self.as_json = as_json

    def do(self, work: Callable[[Management], Awaitable[Done]]) -> Done:
        """See :func:`avatarkit.cli.management.manage`."""
        return manage(self._data, self._url, self._admin_key, work)

    def shows_json(self, value: Any) -> bool:
        """Print the value for programs if that is wanted; whether it was."""
        if self.as_json:
            show_json(value)
        return self.as_json


def managing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options ``--data``, ``--url``, ``--admin-key`` and ``--json`` in place of its ``server``."""
    return _with_options(command, _OPTIONS | _JSON)


def managing_silently(command: Callable[..., None]) -> Callable[..., None]:
    """The same without ``--json``, for commands that have nothing to print."""
    return _with_options(command, _OPTIONS)


def _with_options(command: Callable[..., None], options: dict[str, tuple[Any, Any]]) -> Callable[..., None]:
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "server"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in options.items()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        server = Server(**{name: given.pop(name) for name in options})
        command(server=server, **given)

    run.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    return run
