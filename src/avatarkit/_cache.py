"""Downloaded avatars on disk: bundles by content, and one small record for each avatar id."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from avatarkit.transport.metadata import AvatarMetadata
from avatarkit.types import Avatar

_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AvatarCache:
    """A folder of downloads. Files appear whole or not at all, so several processes may share it.

    ``scope`` separates servers and apps that may use the same avatar ids.
    """

    folder: Path
    scope: str

    def record(self, metadata: AvatarMetadata, *, is_from_cache: bool) -> Avatar:
        """Remember which bundle an avatar has now, and describe it."""
        record = _Record(self._scope_key(), metadata.name, metadata.version, metadata.sha256)
        with self._atomically(self._record_path(metadata.id)) as file:
            file.write(json.dumps(asdict(record)).encode())
        return Avatar(
            metadata.id,
            metadata.name,
            metadata.version,
            metadata.sha256,
            self.bundle_path(metadata.sha256),
            is_from_cache,
        )

    def find(self, avatar_id: str) -> Avatar | None:
        """A downloaded avatar, or ``None``; its bundle is there, but is not read."""
        record = _read_record(self._record_path(avatar_id))
        if record is None or not self.bundle_path(record.sha256).is_file():
            return None
        path = self.bundle_path(record.sha256)
        return Avatar(avatar_id, record.name, record.version, record.sha256, path, is_from_cache=True)

    def has_bundle(self, sha256: str) -> bool:
        """Whether a bundle is here and whole; a damaged one is removed."""
        path = self.bundle_path(sha256)
        if not path.is_file():
            return False
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return True
        path.unlink(missing_ok=True)
        return False

    @contextmanager
    def new_bundle(self, sha256: str) -> Iterator[BinaryIO]:
        """A file that becomes the bundle when the block ends without an exception."""
        with self._atomically(self.bundle_path(sha256)) as file:
            yield file

    def clear(self, avatar_id: str) -> None:
        """Remove an avatar, and its bundle unless another avatar has the same."""
        path = self._record_path(avatar_id)
        record = _read_record(path)
        path.unlink(missing_ok=True)
        if record is not None and record.sha256 not in self._used_bundles():
            self.bundle_path(record.sha256).unlink(missing_ok=True)

    def clear_all(self) -> None:
        """Remove every avatar of this scope, and the bundles that no other scope has."""
        for path in self._records():
            record = _read_record(path)
            if record is None or record.scope == self._scope_key():
                path.unlink(missing_ok=True)
        used = self._used_bundles()
        for path in (self.folder / "bundles").glob("*.glb"):
            if path.stem not in used:
                path.unlink(missing_ok=True)

    def bundle_path(self, sha256: str) -> Path:
        """Where a bundle lies."""
        return self.folder / "bundles" / f"{sha256}.glb"

    def _record_path(self, avatar_id: str) -> Path:
        # Ids come from outside; a hash of them is always a safe name.
        key = hashlib.sha256(f"{self.scope}\0{avatar_id}".encode()).hexdigest()[:32]
        return self.folder / "avatars" / f"{key}.json"

    def _scope_key(self) -> str:
        return hashlib.sha256(self.scope.encode()).hexdigest()[:32]

    def _records(self) -> list[Path]:
        return list((self.folder / "avatars").glob("*.json"))

    def _used_bundles(self) -> set[str]:
        return {record.sha256 for path in self._records() if (record := _read_record(path)) is not None}

    @staticmethod
    @contextmanager
    def _atomically(path: Path) -> Iterator[BinaryIO]:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".part-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
            Path(name).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise


@dataclass(frozen=True, slots=True)
class _Record:
    scope: str
    name: str
    version: int
    sha256: str


def _read_record(path: Path) -> _Record | None:
    """A record file, or ``None`` when it is absent or damaged."""
    try:
        fields = json.loads(path.read_bytes())
        record = _Record(fields["scope"], fields["name"], fields["version"], fields["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    sound = isinstance(record.name, str) and isinstance(record.version, int) and isinstance(record.sha256, str)
    return record if sound and _SHA256.fullmatch(record.sha256) else None
