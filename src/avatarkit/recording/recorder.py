"""Recording: from the moment it begins until it is closed."""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from avatarkit.errors import ErrorCode, error
from avatarkit.frames import Pose
from avatarkit.playback import snapshot
from avatarkit.playback.player import Frame, Player
from avatarkit.recording.calls import pack_call
from avatarkit.recording.tape import Kind, TapeWriter

VERSION: Final = 2
SHOWN: Final = struct.Struct("<qdI")
"""Number of the frame, its time on the surface in seconds, and the check of its pose."""


class Recorder:
    """Writes what a player is called with, and what is shown and told. ``with`` closes it.

    No token, key or address is written; the voice is.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        player: Player,
        about: dict[str, Any],
        *,
        on_close: Callable[[], None] | None = None,
    ) -> None:
        """Begin.

        Args:
            path: The file; it is replaced.
            player: To be recorded, from between two of its calls on; it must have no other recorder.
            about: Part of the header: ``seed``, ``avatar``, ``surface``, as the view knows them.
            on_close: Called when it ends.

        Raises:
            AvatarError: ``illegalState`` while another recording runs, ``configurationInvalid`` when the file
                cannot be written.
        """
        if player.tap is not None:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                "record() is not legal now: a recording runs already. Legal now: closing it first.",
            )
        state, blobs = snapshot.take(player)
        try:
            self._tape = TapeWriter(Path(path))
        except OSError as exc:
            raise error(
                ErrorCode.CONFIGURATION_INVALID, f"The recording '{path}' cannot be written: {exc.strerror}."
            ) from exc
        self._player = player
        self._on_close = on_close
        self._closed = False
        self._first_frame = state["frames"]
        self._put_json(Kind.HEADER, {"version": VERSION, **about, "player": state, "blobs": len(blobs)})
        for blob in blobs:
            self._tape.put(Kind.BLOB, blob)
        player.tap = self._tap

    @property
    def failure(self) -> str | None:
        """Why nothing more is written, such as a full disk; ``None`` while all is well."""
        return self._tape.failure

    def shown(self, frame: Frame, time_s: float) -> None:
        """A frame was handed to the surface, for a time on it; one that was made before the recording is left out."""
        if frame.number < self._first_frame:
            return
        self._tape.put(Kind.SHOWN, SHOWN.pack(frame.number, time_s, check(frame.pose)))

    def event(self, now_s: float, event: dict[str, Any]) -> None:
        """The app was told of something, at a clock time."""
        self._put_json(Kind.EVENT, {"at": now_s, **event})

    def close(self) -> None:
        """End the recording; the file is complete then. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._player.tap = None
        if self._on_close is not None:
            self._on_close()
        self._tape.close()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, reason: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tap(self, call: str, now_s: float, heard: float, arguments: tuple[Any, ...]) -> None:
        self._tape.put(Kind.CALL, pack_call(call, now_s, heard, arguments))

    def _put_json(self, kind: Kind, value: dict[str, Any]) -> None:
        self._tape.put(kind, json.dumps(value, separators=(",", ":")).encode())


def check(pose: Pose) -> int:
    """CRC-32 of a pose's 58 float32 numbers, little endian: weights, then head."""
    return zlib.crc32(pose.head.astype("<f4").tobytes(), zlib.crc32(pose.weights.astype("<f4").tobytes()))
