"""The `avatarkit` command."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 when it worked, 1 when it failed, 2 when it was called wrongly.

    Args:
        arguments: What follows the command's name; default: those of this process.
    """
    try:
        from avatarkit.cli.app import run  # noqa: PLC0415 - so that a missing extra is told in one line
    except ModuleNotFoundError as exc:
        if exc.name not in ("typer", "rich", "click"):
            raise
        print(
            f"The command needs the library '{exc.name}'. Install it with: pip install 'pyavatarkit[cli]'",
            file=sys.stderr,
        )
        sys.exit(1)
    sys.exit(run(arguments))
