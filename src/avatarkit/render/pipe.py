"""A surface that hands raw frames to another program: an encoder, a stream, a virtual camera."""

from __future__ import annotations

import contextlib
import queue
import subprocess
import threading
from collections.abc import Sequence
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import ErrorCode, Phase, error
from avatarkit.render.background import Background, BackgroundLike
from avatarkit.render.contract import Image
from avatarkit.render.offscreen import check_surface
from avatarkit.render.slots import Held, Slots

_CHANNELS: Final = {"rgb24": [0, 1, 2], "bgr24": [2, 1, 0], "rgba": [0, 1, 2, 3], "bgra": [2, 1, 0, 3]}
_QUEUED: Final = 8
_END_S: Final = 10.0


class PipeSurface:
    """Writes frames, one after the other and without any header, at a constant rate.

    Slots are filled as by ``VideoSurface``. Writing runs on its own thread behind a short queue; ``present`` waits
    while the reader is slower. Sound is not written.
    """

    def __init__(
        self,
        target: Sequence[str] | BinaryIO,
        size: tuple[int, int] = (512, 512),
        frame_rate: float = 25.0,
        *,
        pixel_format: str = "rgb24",
        background: BackgroundLike = None,
    ) -> None:
        """Start writing.

        Args:
            target: A command, which is started without a shell and gets frames on its standard input; or a binary
                file that is open for writing, which stays open.
            size: Width and height in pixels.
            frame_rate: Frames a second.
            pixel_format: ``rgb24``, ``bgr24``, ``rgba`` or ``bgra``: bytes in this order, sRGB, straight alpha, top
                row first.
            background: See ``render.background.BackgroundLike``; ``transparent`` needs a format with alpha.

        Raises:
            AvatarError: ``configurationInvalid`` for a size, rate, format or background that is none, or a command
                that cannot be started.
        """
        check_surface(size, frame_rate)
        if pixel_format not in _CHANNELS:
            raise error(
                ErrorCode.CONFIGURATION_INVALID,
                f"There is no pixel format '{pixel_format}'; the choices are: {', '.join(_CHANNELS)}.",
            )
        self._size, self._frame_rate, self._channels = size, frame_rate, _CHANNELS[pixel_format]
        self._background = Background(background, size)
        if self._background.is_transparent and len(self._channels) == 3:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"'{pixel_format}' holds no transparency; take 'rgba'.")
        self._process: subprocess.Popen[bytes] | None = None
        if isinstance(target, Sequence):
            self._process = _start(target)
            assert self._process.stdin is not None
            self._target: BinaryIO = self._process.stdin  # type: ignore[assignment]
        else:
            self._target = target
        self._slots = Slots(size, frame_rate)
        self._jobs: queue.Queue[Held | None] = queue.Queue(_QUEUED)
        self._failure: Exception | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._write, name="avatarkit-pipe", daemon=True)
        self._thread.start()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self._size

    @property
    def frame_rate(self) -> float:
        """Frames a second."""
        return self._frame_rate

    def present(self, image: Image, time_s: float) -> None:
        """See :meth:`Surface.present`.

        Raises ``ValueError`` for an image of another size or a time that goes back, and ``AvatarError``
        (playbackStartFailed) when the reader is gone.
        """
        if self._closed:
            return
        if self._failure is not None:
            raise self._gone()
        if (settled := self._slots.add(image, time_s)) is not None:
            self._jobs.put(settled)

    def present_audio(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Does nothing: raw frames have no place for sound."""

    def close(self) -> None:
        """Write the last frame and let the command end, for at most ten seconds. Idempotent.

        Raises ``AvatarError`` (playbackStartFailed) when not everything could be written or the command failed.
        """
        if self._closed:
            return
        self._closed = True
        if (last := self._slots.finish()) is not None:
            self._jobs.put(last)
        self._jobs.put(None)
        self._thread.join()
        if self._process is not None:
            self._end(self._process)
        if self._failure is not None:
            raise self._gone() from self._failure

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        try:
            status = process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            status = process.wait()
        if status and self._failure is None:
            self._failure = RuntimeError(f"the command ended with status {status}")

    def _gone(self) -> Exception:
        return error(
            ErrorCode.PLAYBACK_START_FAILED, f"Frames could not be handed on: {self._failure}.", phase=Phase.RENDER
        )

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._failure is not None:
                continue  # empty the queue, so that nobody waits
            try:
                frame = np.ascontiguousarray(self._background.behind(job.image)[..., self._channels])
                for _ in range(job.slots):
                    self._target.write(frame.data)
                self._target.flush()
            except (OSError, ValueError) as failure:
                self._failure = failure


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(list(command), stdin=subprocess.PIPE)  # noqa: S603 - the caller's own command
    except OSError as failure:
        raise error(
            ErrorCode.CONFIGURATION_INVALID, f"The command '{command[0]}' cannot be started: {failure}"
        ) from failure
