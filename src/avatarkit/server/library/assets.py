"""Bundles and their pictures on disk, named by the bundle's content."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from avatarkit.errors import missing_dependency

if TYPE_CHECKING:
    from avatarkit.server.library.remote import RemoteAssets

BUNDLE: Final = ".glb"
COMPRESSED: Final = ".glb.gz"
COVER: Final = ".png"
_KINDS: Final = (BUNDLE, COMPRESSED, COVER)
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_WORTHWHILE: Final = 0.9
"""A compressed bundle is kept when it has at most that share of the size."""
_GZIP_LEVEL: Final = 6
_READ_AT_ONCE: Final = 2
_LEFT_S: Final = 3600


class AssetFolder:
    """Content-addressed files: what is there is whole and never changes.

    Its methods read and write files, with a remote storage over the network: call them on a worker thread.

    Args:
        folder: Made on first use.
        remote: A storage that servers share; the folder is then a copy of what was asked for here.
    """

    def __init__(self, folder: Path, remote: RemoteAssets | None = None) -> None:
        self._folder = folder
        self._remote = remote
        self.reading: Final = asyncio.Semaphore(_READ_AT_ONCE)
        """Held while a bundle from outside is read, so that many uploads do not take many times the memory."""

    def path(self, sha256: str, kind: str = BUNDLE) -> Path | None:
        """Where a file lies; ``None`` when it is absent or the name is no SHA-256 in lower-case hex.

        Args:
            sha256: Hash of the bundle.
            kind: :data:`BUNDLE`, :data:`COMPRESSED` (gzip of the bundle, where that helps) or :data:`COVER`.
        """
        if _SHA256.fullmatch(sha256) is None or kind not in _KINDS:
            return None
        path = self._place(sha256, kind)
        if path.is_file():
            return path
        return path if self._remote is not None and self._fetch(self._remote, sha256, kind, path) else None

    def add(self, source: Path) -> tuple[str, int]:
        """Copy a bundle in and return its SHA-256 and its size in bytes. Adding it again changes nothing."""
        temporary = self._temporary()
        try:
            with temporary.open("wb") as target, source.open("rb") as file:
                shutil.copyfileobj(file, target)
            with temporary.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = temporary.stat().st_size
            self._keep(temporary, sha256, BUNDLE)
        finally:
            temporary.unlink(missing_ok=True)
        if self.path(sha256, COMPRESSED) is None:
            self._compress(sha256, size)
        return sha256, size

    def add_cover(self, sha256: str, picture: bytes) -> None:
        """Keep the picture (PNG) of a bundle."""
        temporary = self._temporary()
        try:
            temporary.write_bytes(picture)
            self._keep(temporary, sha256, COVER)
        finally:
            temporary.unlink(missing_ok=True)

    def remove(self, sha256: str) -> None:
        """Remove a bundle and what was made from it."""
        if _SHA256.fullmatch(sha256) is None:
            return
        for kind in _KINDS:
            self._place(sha256, kind).unlink(missing_ok=True)
            if self._remote is not None:
                self._remote.remove(sha256 + kind)

    def incoming(self) -> Path:
        """Folder for files on their way in, on the same disk."""
        folder = self._folder / "incoming"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def sweep(self, now: float) -> None:
        """Remove what has lain in :meth:`incoming` for more than an hour: servers that were killed left it.

        Args:
            now: Unix seconds, as the file system counts them.
        """
        for entry in self.incoming().iterdir():
            with contextlib.suppress(OSError):  # gone meanwhile, or not ours
                if max(each.stat().st_mtime for each in (entry, *entry.rglob("*"))) > now - _LEFT_S:
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()

    def _place(self, sha256: str, kind: str) -> Path:
        return self._folder / sha256[:2] / f"{sha256}{kind}"

    def _temporary(self) -> Path:
        handle, name = tempfile.mkstemp(dir=self.incoming())
        os.close(handle)
        return Path(name)

    def _compress(self, sha256: str, size: int) -> None:
        temporary = self._temporary()
        try:
            with (
                self._place(sha256, BUNDLE).open("rb") as file,
                temporary.open("wb") as target,
                gzip.GzipFile("", "wb", _GZIP_LEVEL, target, mtime=0) as packed,
            ):
                shutil.copyfileobj(file, packed)
            if temporary.stat().st_size <= size * _WORTHWHILE:
                self._keep(temporary, sha256, COMPRESSED)
        finally:
            temporary.unlink(missing_ok=True)

    def _keep(self, temporary: Path, sha256: str, kind: str) -> None:
        """Move a whole file to its place, here and in the remote storage."""
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if self._remote is not None:
            self._remote.put(temporary, sha256 + kind)
        place = self._place(sha256, kind)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.replace(place)

    def _fetch(self, remote: RemoteAssets, sha256: str, kind: str, place: Path) -> bool:
        temporary = self._temporary()
        try:
            if not remote.get(sha256 + kind, temporary):
                return False
            if kind == BUNDLE:
                with temporary.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                        return False
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.replace(place)
        finally:
            temporary.unlink(missing_ok=True)
        return True


def open_assets(data: Path, storage: str) -> AssetFolder:
    """The assets of a server.

    Args:
        data: Its data folder.
        storage: An fsspec URL of a storage that servers share; empty is the folder alone.

    Raises:
        AvatarError: ``missingDependency`` or ``configurationInvalid`` when the storage cannot be used.
    """
    folder = data / "assets"
    if not storage:
        return AssetFolder(folder)
    try:
        from avatarkit.server.library.remote import RemoteAssets  # noqa: PLC0415 - optional
    except ModuleNotFoundError:
        raise missing_dependency("fsspec", "storage") from None
    return AssetFolder(folder, RemoteAssets(storage))
