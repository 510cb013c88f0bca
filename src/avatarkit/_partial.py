"""Files that are being downloaded: kept when a download breaks off, and never written by two at once."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(slots=True)
class Partial:
    """A file on its way, open for reading and writing."""

    file: BinaryIO
    path: Path
    is_kept: bool
    """Whether a later download may go on with it; false for the private file of one that came second."""

    def become(self, path: Path) -> None:
        """Take the final name, at once and whole."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.path.replace(path)

    def remove(self) -> None:
        """Throw it away."""
        with suppress(OSError):
            self.path.unlink()


@contextmanager
def open_partial(path: Path) -> Iterator[Partial]:
    """Open the file at ``path``, made if need be. While another download has it, a private file serves instead."""
    file = path.open("a+b")
    try:
        if _lock(file) and _is_still_at(file, path):
            # Opened again: in append mode every write would go to the end.
            with path.open("r+b") as writable:
                yield Partial(writable, path, is_kept=True)
            return
    finally:
        file.close()
    handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
    with os.fdopen(handle, "w+b") as private:
        yield Partial(private, Path(name), is_kept=False)


def _is_still_at(file: BinaryIO, path: Path) -> bool:
    """Whether nobody has renamed or removed the file between opening and locking it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False


def _lock(file: BinaryIO) -> bool:
    """Lock without waiting, until the file is closed; false when another has it."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - there is no other on that system

            file.seek(2**31 - 2)  # beyond the content, so that reading is not blocked
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - there is no other on these systems

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
