"""Bundles on disk, named by their content."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class AssetFolder:
    """Content-addressed files: what is there is whole and never changes.

    Args:
        folder: Made on first use.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path | None:
        """Where a bundle lies; ``None`` when it is absent or the name is no SHA-256 in lower-case hex."""
        if _SHA256.fullmatch(sha256) is None:
            return None
        path = self._place(sha256)
        return path if path.is_file() else None

    def add(self, source: Path) -> tuple[str, int]:
        """Copy a file in and return its SHA-256 and its size in bytes. Adding it again changes nothing."""
        handle, name = tempfile.mkstemp(dir=self.incoming())
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as target, source.open("rb") as file:
                shutil.copyfileobj(file, target)
                target.flush()
                os.fsync(target.fileno())
            with temporary.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            place = self._place(sha256)
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = temporary.stat().st_size
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
        return sha256, size

    def incoming(self) -> Path:
        """Folder for files on their way in, on the same disk."""
        folder = self._folder / "incoming"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _place(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}.glb"
