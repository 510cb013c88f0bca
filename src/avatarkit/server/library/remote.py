"""Assets in a storage that several servers share: S3 and whatever else fsspec speaks."""

from __future__ import annotations

from pathlib import Path

import fsspec

from avatarkit.errors import ErrorCode, error


class RemoteAssets:
    """Files by name in a folder of a remote storage. Blocking; thread safe as far as fsspec is.

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

    def put(self, source: Path, name: str) -> None:
        """Store a file. One that is there has the same content, and stays."""
        place = self._place(name)
        if not self._files.exists(place):
            self._files.makedirs(self._files._parent(place), exist_ok=True)
            self._files.put_file(str(source), place)

    def get(self, name: str, target: Path) -> bool:
        """Fetch a file; whether it was there."""
        try:
            self._files.get_file(self._place(name), str(target))
        except FileNotFoundError:
            return False
        return True

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        place = self._place(name)
        if self._files.exists(place):
            self._files.rm_file(place)

    def _place(self, name: str) -> str:
        return f"{self._root}/{name[:2]}/{name}"
