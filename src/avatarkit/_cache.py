"""Downloaded avatars on disk: bundles by content, and one small record for each avatar id."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from avatarkit._partial import open_partial
from avatarkit.transport.metadata import AvatarMetadata
from avatarkit.types import Avatar

_PART_LIFE_S: Final = 7 * 24 * 3600.0
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
        sha256 = metadata.sha256
        record = _Record(self._scope_key(), metadata.name, metadata.version, sha256)
        with self._atomically(self._record_path(metadata.id)) as file:
            file.write(json.dumps(asdict(record)).encode())
        return Avatar(metadata.id, metadata.name, metadata.version, sha256, self.bundle_path(sha256), is_from_cache)

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
        """A file, open for reading and writing, that becomes the bundle when the block ends without an exception.

        After an exception what it holds is kept for the next call, which may be of another process.
        """
        folder = self.folder / "bundles"
        folder.mkdir(parents=True, exist_ok=True)
        self._forget_old_parts()
        with open_partial(folder / f".part-{sha256}") as partial:
            try:
                yield partial.file
            except BaseException:
                partial.file.flush()
                if partial.file.seek(0, os.SEEK_END) == 0 or not partial.is_kept:
                    partial.remove()
                raise
            partial.become(self.bundle_path(sha256))

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
        self._drop_unused_bundles()
        for path in (self.folder / "bundles").glob(".part-*"):
            path.unlink(missing_ok=True)

    def clear_lru(self, keep: int) -> None:
        """Remove all but the ``keep`` avatars of this scope that were loaded last."""
        mine = []
        for path in self._records():
            record = _read_record(path)
            if record is not None and record.scope == self._scope_key():
                mine.append((path.stat().st_mtime_ns, path))
        for _, path in sorted(mine, reverse=True)[keep:]:
            path.unlink(missing_ok=True)
        self._drop_unused_bundles()

    def size_bytes(self, avatar_id: str | None = None) -> int:
        """Bytes of an avatar's bundle, 0 when it is not here; without an id, of all avatars of this scope."""
        if avatar_id is not None:
            known = _read_record(self._record_path(avatar_id))
            hashes = {known.sha256} if known is not None else set()
        else:
            records = map(_read_record, self._records())
            hashes = {r.sha256 for r in records if r is not None and r.scope == self._scope_key()}
        paths = [self.bundle_path(sha256) for sha256 in hashes]
        return sum(path.stat().st_size for path in paths if path.is_file())

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

    def _drop_unused_bundles(self) -> None:
        used = self._used_bundles()
        for path in (self.folder / "bundles").glob("*.glb"):
            if path.stem not in used:
                path.unlink(missing_ok=True)

    def _forget_old_parts(self) -> None:
        """Downloads that nobody has gone on with for a week are given up."""
        for path in (self.folder / "bundles").glob(".part-*"):
            with suppress(OSError):
                if path.stat().st_mtime < time.time() - _PART_LIFE_S:
                    path.unlink()

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
