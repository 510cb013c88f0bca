"""A surface that writes a video file."""

from __future__ import annotations

import contextlib
import math
import os
import queue
import threading
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import ErrorCode, error
from avatarkit.render.background import Background, BackgroundLike
from avatarkit.render.contract import Image
from avatarkit.render.film import MP4, WEBM, WEBM_ALPHA, FilmFormat, FilmWriter
from avatarkit.render.offscreen import check_surface
from avatarkit.render.slots import Held, Slots

_QUEUED: Final = 16

_Sound = tuple[npt.NDArray[np.int16], int, float]
_Job = Held | _Sound | None


class VideoSurface:
    """Writes what is presented to a video file at a constant rate, by the name's ending.

    ``.webm``: VP9 and Opus, with alpha when the background is ``transparent``; every other: MP4, H.264 and AAC.

    Slot k of the video shows the latest frame presented with ``time_s <= k / frame_rate``; a slot for which there
    is no new frame repeats the one before. Sound lies at its time with silence in the gaps. Encoding runs on its
    own thread behind a short queue; ``present`` waits only when the queue is full. The file appears under its
    name when :meth:`close` has succeeded; until then a ``.part`` file beside it holds what there is.
    """

    places_by_time = True

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int] = (512, 512),
        frame_rate: float = 25.0,
        background: BackgroundLike = None,
        provenance: str = "",
    ) -> None:
        """``background``: see :data:`avatarkit.render.background.BackgroundLike`. ``provenance`` (as in
        :class:`avatarkit.avatars.bundle.BundleInfo`) is kept in the file's metadata as its comment.

        Raises ``AvatarError``: configurationInvalid for a size that is not even or out of range, a frame rate
        out of range, a background that is none, transparency in an MP4, or a path that cannot be written;
        missingDependency without PyAV or numba.
        """
        check_surface(size, frame_rate)
        if size[0] % 2 or size[1] % 2:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"A video has an even width and height, not {size}.")
        self._size, self._frame_rate = size, frame_rate
        behind = Background(background, size)
        self._path = Path(path)
        kind = _kind_of(self._path, transparent=behind.is_transparent)
        self._part = self._path.with_name(self._path.name + ".part")
        try:
            self._writer = FilmWriter(self._part, behind, frame_rate, kind, provenance)
        except OSError as failure:
            raise error(
                ErrorCode.CONFIGURATION_INVALID, f"The video file '{self._path}' cannot be written: {failure}"
            ) from failure
        self._slots = Slots(size, frame_rate)
        self._jobs: queue.Queue[_Job] = queue.Queue(_QUEUED)
        self._failure: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._encode, name="avatarkit-video", daemon=True)
        self._thread.start()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second of the video."""
        return self._frame_rate

    def present(self, image: Image, time_s: float) -> None:
        """See :meth:`Surface.present`.

        Raises ``ValueError`` for an image of another size, a time that goes back, or a jump of over ten minutes.
        """
        if self._closed:
            return
        if (settled := self._slots.add(image, time_s)) is not None:
            self._jobs.put(settled)

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """See :meth:`Surface.present_audio`."""
        if self._closed or not len(pcm):
            return
        if not (math.isfinite(time_s) and time_s >= 0.0 and 8000 <= sample_rate <= 192_000):
            raise ValueError(f"sound at {time_s} s with {sample_rate} Hz cannot be written")
        self._jobs.put((np.array(pcm, np.int16).reshape(-1), sample_rate, time_s))

    def close(self) -> None:
        """Write the rest and the index, and give the file its name. Idempotent.

        Raises ``AvatarError`` (playbackStartFailed) when encoding failed at any time; the ``.part`` file is
        removed then, as it is when nothing was ever presented.
        """
        if self._closed:
            return
        if (last := self._slots.finish()) is not None:
            self._jobs.put(last)
        self._closed = True
        self._jobs.put(None)
        self._thread.join()
        if self._failure is None and self._slots.filled:
            os.replace(self._part, self._path)
            return
        with contextlib.suppress(FileNotFoundError):
            self._part.unlink()
        if self._failure is not None:
            raise error(
                ErrorCode.PLAYBACK_START_FAILED, f"The video '{self._path}' could not be encoded: {self._failure}"
            ) from self._failure

    def abandon(self) -> None:
        """Write no more, and leave no file behind. Idempotent; does nothing after :meth:`close`."""
        if not self._closed:
            self._closed = True
            self._failure = self._failure or RuntimeError("given up")
            self._jobs.put(None)
            self._thread.join()
            with contextlib.suppress(FileNotFoundError):
                self._part.unlink()

    def _encode(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._failure is None:
                try:
                    self._do(job)
                except Exception as failure:
                    self._failure = failure
        try:
            if self._failure is None and self._writer.frames:
                self._writer.finish()
            else:
                self._writer.abandon()
        except Exception as failure:
            self._failure = self._failure or failure

    def _do(self, job: Held | _Sound) -> None:
        if isinstance(job, Held):
            self._writer.add_picture(*job)
        else:
            self._writer.add_sound(*job)


def _kind_of(path: Path, *, transparent: bool) -> FilmFormat:
    if path.suffix.lower() == ".webm":
        return WEBM_ALPHA if transparent else WEBM
    if transparent:
        raise error(
            ErrorCode.CONFIGURATION_INVALID, "An MP4 file holds no transparency; name a file that ends in '.webm'."
        )
    return MP4
