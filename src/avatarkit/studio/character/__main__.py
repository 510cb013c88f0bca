"""``python -m avatarkit.studio.character``: build the default character into the package."""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

from avatarkit.avatars import builtin, write_bundle
from avatarkit.errors import AvatarError
from avatarkit.studio.character import build_default
from avatarkit.studio.character.source import DATA_VERSION

_SOURCES = ("studio/character", "avatars")


def main(arguments: list[str] | None = None) -> int:
    """Build unless the file is up to date; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m avatarkit.studio.character", description="Build the default character."
    )
    parser.add_argument("--output", type=Path, default=None, help="file to write; default: inside the package")
    parser.add_argument("--force", action="store_true", help="build even when the file is up to date")
    options = parser.parse_args(arguments)
    target: Path = options.output if options.output is not None else builtin.folder() / "default.glb"
    stamp = target.with_suffix(".key")
    key = source_key()
    if not options.force and target.is_file() and stamp.is_file() and stamp.read_text() == key:
        _say(f"{target} is up to date.")
        return 0
    started = time.monotonic()
    try:
        size = _build(target)
    except AvatarError as reason:
        print(str(reason), file=sys.stderr)  # noqa: T201 - a command talks
        return 1
    stamp.write_text(key)
    _say(f"{target}: {size / 1e6:.2f} MB in {time.monotonic() - started:.1f} s")
    return 0


def source_key() -> str:
    """Changes whenever the code that builds, or the data that it builds from, does."""
    digest = hashlib.sha256(DATA_VERSION.encode())
    root = Path(__file__).parents[2]
    for folder in _SOURCES:
        for path in sorted((root / folder).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _build(target: Path) -> int:
    target.parent.mkdir(parents=True, exist_ok=True)
    with_bar = sys.stderr.isatty()
    try:
        from rich.progress import Progress  # noqa: PLC0415 - the command's extra
    except ImportError:
        with_bar = False
    if not with_bar:
        return write_bundle(build_default(_plain()), target)
    with Progress(transient=True) as bar:
        task = bar.add_task("building", total=1.0)
        return write_bundle(
            build_default(lambda share, what: bar.update(task, completed=share, description=what)), target
        )


def _plain() -> Callable[[float, str], None]:
    return lambda share, what: _say(f"{share:4.0%} {what}")


def _say(text: str) -> None:
    print(text)  # noqa: T201 - a command talks


if __name__ == "__main__":
    sys.exit(main())
