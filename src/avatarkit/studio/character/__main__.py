"""``python -m avatarkit.studio.character``: build the characters that come with the package."""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from avatarkit.avatars import builtin
from avatarkit.errors import AvatarError
from avatarkit.studio.character import BUILT_IN
from avatarkit.studio.character.builtins import build_one
from avatarkit.studio.character.source import DATA_VERSION, data_folder

_SOURCES = ("studio/character/*.py", "studio/character/people/*.toml", "avatars/*.py")


def main(arguments: list[str] | None = None) -> int:
    """Build what is not up to date; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m avatarkit.studio.character", description="Build the characters that come with the package."
    )
    parser.add_argument("--output", type=Path, default=None, help="folder to write to; default: inside the package")
    parser.add_argument("--only", choices=sorted(BUILT_IN), default=None, help="build this one alone")
    parser.add_argument("--force", action="store_true", help="build even what is up to date")
    options = parser.parse_args(arguments)
    folder: Path = options.output if options.output is not None else builtin.folder()
    key = source_key()
    wanted = []
    for avatar_id in BUILT_IN if options.only is None else (options.only,):
        stamp = folder / f"{avatar_id}.key"
        current = (folder / f"{avatar_id}.glb").is_file() and stamp.is_file() and stamp.read_text() == key
        if current and not options.force:
            _say(f"{folder / avatar_id}.glb is up to date.")
        else:
            wanted.append(avatar_id)
    try:
        if wanted:
            data_folder()  # a missing package is told once, and here
        _build_all(wanted, folder, key)
    except AvatarError as reason:
        print(str(reason), file=sys.stderr)  # noqa: T201 - a command talks
        return 1
    return 0


def source_key() -> str:
    """Changes whenever the code that builds, or the data that it builds from, does."""
    digest = hashlib.sha256(DATA_VERSION.encode())
    root = Path(__file__).parents[2]
    for pattern in _SOURCES:
        for path in sorted(root.glob(pattern)):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _build_all(wanted: list[str], folder: Path, key: str) -> None:
    """Build several at once, as many as there are processors."""
    folder.mkdir(parents=True, exist_ok=True)
    workers = min(len(wanted), os.cpu_count() or 1)
    if workers <= 1:
        for avatar_id in wanted:
            _say(build_one(avatar_id, folder, key))
        return
    _say(f"Building {', '.join(wanted)} ...")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for done in as_completed([pool.submit(build_one, avatar_id, folder, key) for avatar_id in wanted]):
            _say(done.result())


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command talks


if __name__ == "__main__":
    sys.exit(main())
