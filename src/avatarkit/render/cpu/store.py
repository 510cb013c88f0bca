"""Machine code on disk: found only where everything is as it was when it was made.

It lies in ``NUMBA_CACHE_DIR`` where that is set; else beside this package, or, where that cannot be written, in the
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

_MAGIC: Final = b"avatarkit kernels 1\n"
_MOST_BYTES: Final = 2**24
_KEPT: Final = 8
"""Files that a folder keeps: of other versions, and of other processors that share it."""

_PLAIN: Final = {"__init__.py", "lights.py", "renderer.py", "scene.py", "store.py", "tangents.py", "workers.py"}
"""Files that hold neither kernels nor anything that kernels or their machine code are made of."""


def key(processor: tuple[str, str]) -> str:
    """A digest of all that machine code depends on: our sources, numba, llvmlite, Python, system and processor.

    ``processor``: name and features, as :func:`.machine.processor` gives them.
    """
    digest = hashlib.sha256()
    sources = [path for path in sorted(Path(__file__).parent.glob("*.py")) if path.name not in _PLAIN]
    for path in sources:
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


def read(name: str) -> bytes | None:
    """The machine code kept under a key; ``None`` when there is none, or it is damaged."""
    for folder in _folders():
        try:
            with _file(folder, name).open("rb") as file:
                data = file.read(_MOST_BYTES)
        except OSError:
            continue
        code = data[len(_MAGIC) + len(name) + 64 :]
        if code and data == _sealed(name, code):
            return code
    return None


def write(name: str, code: bytes) -> Path | None:
    """Keep machine code, whole or not at all; gives the file, or ``None`` when no folder can be written."""
    for folder in _folders():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, part = tempfile.mkstemp(dir=folder, prefix=".kernels-")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_sealed(name, code))
                os.chmod(part, 0o644)
                os.replace(part, _file(folder, name))
            except BaseException:
                Path(part).unlink(missing_ok=True)
                raise
        except OSError:
            continue
        _tidy(folder)
        return _file(folder, name)
    return None


def _sealed(name: str, code: bytes) -> bytes:
    return _MAGIC + name.encode() + hashlib.sha256(code).hexdigest().encode() + code


def _file(folder: Path, name: str) -> Path:
    return folder / f"kernels-{name[:32]}.bin"


def _folders() -> list[Path]:
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return [Path(chosen) / "avatarkit"]
    return [Path(__file__).parent / "__pycache__", _user_folder()]


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
