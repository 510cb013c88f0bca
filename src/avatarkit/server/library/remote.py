"""Assets in a storage that several servers share: S3 and whatever else fsspec speaks."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import fsspec

from avatarkit.errors import ErrorCode, error

_log: Final = logging.getLogger(__name__)

_WITH_FOLDERS: Final = frozenset(("file", "local", "memory", "sftp", "ssh", "smb"))
"""Protocols of fsspec whose folders must be made before files can lie in them."""


class RemoteAssets:
    """Files by name in a folder of a remote storage. Blocking; thread safe as far as fsspec is.

    Every method raises ``AvatarError`` (``serverError``) when the storage does not do what it was asked for.

    Credentials come from the storage's own sources, such as ``AWS_ACCESS_KEY_ID`` or an instance's role.

    Args:
        url: Such as ``s3://bucket/avatars``; the URL's protocol needs its own library (``s3fs`` for S3).

    Raises:
        AvatarError: ``missingDependency`` or ``configurationInvalid`` when the URL cannot be used.
    """

    def __init__(self, url: str) -> None:
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except ImportError as exc:
            raise error(ErrorCode.MISSING_DEPENDENCY, f"The asset storage needs a library: {exc}") from exc
        except ValueError as exc:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"The asset storage cannot be used: {exc}.") from exc
        self._root = root.rstrip("/")
        protocols = {self._files.protocol} if isinstance(self._files.protocol, str) else set(self._files.protocol)
        self._has_folders = bool(protocols & _WITH_FOLDERS)

    def put(self, source: Path, name: str) -> None:
        """Store a file. One that is there has the same content, and stays."""
        place = self._place(name)
        with _told():
            if not self._files.exists(place):
                if self._has_folders:  # elsewhere there are buckets only, and those are the operator's to make
                    self._files.makedirs(self._files._parent(place), exist_ok=True)
                self._files.put_file(str(source), place)

    def get(self, name: str, target: Path) -> bool:
        """Fetch a file; whether it was there."""
        with _told():
            try:
                self._files.get_file(self._place(name), str(target))
            except FileNotFoundError:
                return False
            return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        place = self._place(name)
        with _told():
            if self._files.exists(place):
                self._files.rm_file(place)

    def check(self) -> None:
        """Ask the storage whether its bucket is there; raises when it is not. Folders are made when needed."""
        with _told():
            if not self._has_folders and not self._files.exists(self._root.partition("/")[0]):
                raise FileNotFoundError("there is no such bucket, or it may not be looked at")

    def _place(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}"


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Log what a storage's library raises, of whatever kind that is, and say so in words of ours."""
    try:
        yield
    except Exception as exc:
        _log.error("the asset storage failed: %s: %s", type(exc).__name__, exc)
        raise error(
            ErrorCode.SERVER_ERROR,
            "The asset storage does not answer, or does not let the server in.",
            hint="The server's log has the reason; is the bucket there, and are the credentials right?",
        ) from exc
