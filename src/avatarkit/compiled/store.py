"""Machine code on disk: found only where everything is as it was when it was made.

It lies in ``NUMBA_CACHE_DIR`` where that is set; else beside the kernels, or, where that cannot be written, in the
user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Final

from avatarkit.compiled.entries import KernelSet

_MAGIC: Final = b"avatarkit kernels 1\n"
_MOST_BYTES: Final = 2**24
_KEPT: Final = 16
"""Files that a folder keeps: of other versions, and of other processors that share it."""

_OWN: Final = Path(__file__).parent


class Store:
    """Where the machine code of a set of kernels is kept."""

    def __init__(self, kernels: KernelSet) -> None:
        self._kernels = kernels

    def key(self, processor: tuple[str, str]) -> str:
        """A digest of all that machine code depends on: our sources, numba, llvmlite, Python, system and processor.

        ``processor``: name and features, as :func:`.machine.processor` gives them.
        """
        digest = hashlib.sha256()
        sources = [path for path in sorted(self._kernels.folder.glob("*.py")) if path.name not in self._kernels.plain]
        for path in (*sources, *self._kernels.used, *sorted(_OWN.glob("*.py"))):
            with contextlib.suppress(OSError):
                digest.update(path.read_bytes())
        if not sources:  # all is packed into one program
            program = os.stat(sys.executable)
            digest.update(repr((program.st_size, program.st_mtime_ns)).encode())
        for library in ("numba", "llvmlite"):
            found = importlib.util.find_spec(library)
            if found is not None and found.origin is not None:
                with contextlib.suppress(OSError):
                    digest.update(Path(found.origin).with_name("_version.py").read_bytes())
        digest.update(repr((sys.version, sys.platform, platform.machine(), processor)).encode())
        return digest.hexdigest()

    def read(self, name: str) -> bytes | None:
        """The machine code kept under a key; ``None`` when there is none, or it is damaged."""
        for folder in self._folders():
            try:
                with file_in(folder, name).open("rb") as file:
                    data = file.read(_MOST_BYTES)
            except OSError:
                continue
            code = data[len(_MAGIC) + len(name) + 64 :]
            if code and data == _sealed(name, code):
                return code
        return None

    def write(self, name: str, code: bytes) -> Path | None:
        """Keep machine code, whole or not at all; gives the file, or ``None`` when no folder can be written."""
        for folder in self._folders():
            try:
                folder.mkdir(parents=True, exist_ok=True)
                handle, part = tempfile.mkstemp(dir=folder, prefix=".kernels-")
                try:
                    with os.fdopen(handle, "wb") as file:
                        file.write(_sealed(name, code))
                    os.chmod(part, 0o644)
                    os.replace(part, file_in(folder, name))
                except BaseException:
                    Path(part).unlink(missing_ok=True)
                    raise
            except OSError:
                continue
            _tidy(folder)
            return file_in(folder, name)
        return None

    def _folders(self) -> list[Path]:
        chosen = os.environ.get("NUMBA_CACHE_DIR")
        if chosen:
            return [Path(chosen) / "avatarkit"]
        return [self._kernels.folder / "__pycache__", _user_folder()]


def file_in(folder: Path, name: str) -> Path:
    """Where a folder keeps the machine code of a key."""
    return folder / f"kernels-{name[:32]}.bin"


def _sealed(name: str, code: bytes) -> bytes:
    return _MAGIC + name.encode() + hashlib.sha256(code).hexdigest().encode() + code


def _user_folder() -> Path:
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(base)) / "avatarkit" / "kernels"


def _tidy(folder: Path) -> None:
    """Remove the oldest files beyond those that are kept."""
    with contextlib.suppress(OSError):
        files = sorted(folder.glob("kernels-*.bin"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_KEPT]:
            path.unlink(missing_ok=True)
