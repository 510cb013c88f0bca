"""The file of a recording: a signature, then entries, deflated as one stream.

An entry is one byte of kind, four bytes of length (little endian) and the payload. What was written before a crash
can be read: the stream is flushed once a second. The first entry is the header, a JSON object.
"""

from __future__ import annotations

import queue
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from avatarkit.errors import AvatarError, ErrorCode, error

SIGNATURE: Final = b"AVKTAPE1"
MAX_ENTRY_BYTES: Final = 128 * 1024 * 1024
MAX_WAITING_BYTES: Final = 256 * 1024 * 1024
"""Entries that may wait for a slow disk; more ends the recording."""

_HEAD: Final = struct.Struct("<BI")
_READ_BYTES: Final = 64 * 1024
_FLUSH_S: Final = 1.0


class Kind(IntEnum):
    """What an entry is."""

    HEADER = 0
    CALL = 1
    SHOWN = 2
    EVENT = 3
    BLOB = 4
    """Bytes that the header speaks of; right behind it."""


class Entry(NamedTuple):
    """One entry."""

    kind: int
    payload: bytes


class TapeWriter:
    """Writes entries in a thread of its own, so that no disk holds up a voice."""

    def __init__(self, path: Path) -> None:
        """Begin a file. Raises ``OSError``."""
        self._file: BinaryIO = path.open("wb")
        self._jobs: queue.SimpleQueue[Entry | None] = queue.SimpleQueue()
        self._waiting = 0
        self._lock = threading.Lock()
        self._closed = False
        self.failure: str | None = None
        """Why nothing more is written, once that is so."""
        self._thread = threading.Thread(target=self._run, name="avatarkit-tape", daemon=True)
        self._thread.start()

    def put(self, kind: Kind, payload: bytes) -> None:
        """Append an entry; ignored after a failure and after :meth:`close`."""
        if self._closed or self.failure is not None:
            return
        with self._lock:
            self._waiting += len(payload) + _HEAD.size
            if self._waiting > MAX_WAITING_BYTES:
                self.failure = "the disk is too slow"
                return
        self._jobs.put(Entry(kind, payload))

    def close(self) -> None:
        """Write what waits, and close the file. Idempotent."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        packer = zlib.compressobj(6)
        flushed_s = time.monotonic()
        try:
            with self._file as file:
                file.write(SIGNATURE)
                while (entry := self._jobs.get()) is not None:
                    with self._lock:
                        self._waiting -= len(entry.payload) + _HEAD.size
                    file.write(packer.compress(_HEAD.pack(entry.kind, len(entry.payload)) + entry.payload))
                    if time.monotonic() - flushed_s > _FLUSH_S:
                        flushed_s = time.monotonic()
                        file.write(packer.flush(zlib.Z_SYNC_FLUSH))
                        file.flush()
                file.write(packer.flush())
        except OSError as exc:
            self.failure = exc.strerror or type(exc).__name__


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a file, in order; one that a crash cut off is left out.

    Raises ``AvatarError`` (``configurationInvalid``) for what is no recording, ``OSError`` for what cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            raise broken("it does not begin like one")
        unpacker = zlib.decompressobj()
        waiting = bytearray()
        while data := file.read(_READ_BYTES):
            while data:
                try:
                    waiting += unpacker.decompress(data, _READ_BYTES * 16)
                except zlib.error:
                    raise broken("it is damaged") from None
                data = unpacker.unconsumed_tail
                yield from _split(waiting)


def _split(waiting: bytearray) -> Iterator[Entry]:
    start = 0
    while len(waiting) - start >= _HEAD.size:
        kind, size = _HEAD.unpack_from(waiting, start)
        if size > MAX_ENTRY_BYTES:
            raise broken("an entry is too long")
        end = start + _HEAD.size + size
        if end > len(waiting):
            break
        yield Entry(kind, bytes(waiting[start + _HEAD.size : end]))
        start = end
    del waiting[:start]


def broken(reason: str) -> AvatarError:
    """The error for a file that cannot be replayed."""
    return error(ErrorCode.CONFIGURATION_INVALID, f"This is no recording that can be replayed: {reason}.")
