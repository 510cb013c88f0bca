"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        envvar="AVATARKIT_DATA",
        show_default="the user's data folder",
        help="Folder of the server's data.",
        file_okay=False,
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", help="Ask a running server at this address instead of opening its data folder."),
]
AdminKey = Annotated[
    str | None,
    typer.Option("--admin-key", envvar="AVATARKIT_ADMIN_KEY", help="The server's admin key; needed with --url."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
