"""Writing an MP4 file: H.264 pictures at a constant rate and AAC sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import missing_dependency
from avatarkit.render.png import RgbImage
from avatarkit.render.sound_track import SoundTrack

AUDIO_RATE_HZ: Final = 48000
_AUDIO_BIT_RATE: Final = 128_000
_QUALITY: Final = "18"


class Mp4Writer:
    """One MP4 file, its index in front ("fast start") so that it plays while it loads. Not thread safe."""

    def __init__(self, path: Path, size: tuple[int, int], frame_rate: float) -> None:
        """Create the file. Raises ``AvatarError`` (missingDependency) without PyAV, ``OSError`` for the path."""
        try:
            import av  # noqa: PLC0415 - loaded when it is used
        except ImportError as failure:
            raise missing_dependency("av", "render") from failure
        self._av: Any = av
        path.touch()  # FFmpeg opens it with the first picture only, which is late to say that it cannot
        self._rate = Fraction(frame_rate).limit_denominator(1001)
        self._file: Any = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        video = self._file.add_stream("libx264", rate=self._rate)
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.time_base = 1 / self._rate
        video.options = {"crf": _QUALITY, "preset": "veryfast", "tune": "animation"}
        context = video.codec_context
        # Say what the numbers mean, or players guess: BT.709, limited range.
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1
        self._video = video
        self._sound = self._file.add_stream("aac", rate=AUDIO_RATE_HZ, layout="mono")
        self._sound.bit_rate = _AUDIO_BIT_RATE
        self._track = SoundTrack(AUDIO_RATE_HZ)
        self._sound_at = 0
        self._frames = 0

    @property
    def frames(self) -> int:
        """Pictures written."""
        return self._frames

    def add_picture(self, image: RgbImage) -> None:
        """Write the picture of the next slot."""
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        # 1 is BT.709 for what comes out, 5 the plain matrix of RGB that goes in.
        frame = frame.reformat(format="yuv420p", dst_colorspace=1, dst_color_range=1)
        frame.pts, frame.time_base = self._frames, 1 / self._rate
        self._frames += 1
        self._file.mux(self._video.encode(frame))

    def add_sound(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Write mono samples whose first is heard at ``time_s``."""
        self._write(self._track.place(pcm, sample_rate, time_s))

    def finish(self) -> None:
        """Pad the sound to the pictures' length, write what the encoders hold, and the index."""
        if self._track.written:
            self._write(self._track.pad_to(float(self._frames / self._rate)))
        self._file.mux(self._video.encode(None))
        self._file.mux(self._sound.encode(None))
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _write(self, pcm: npt.NDArray[np.int16]) -> None:
        if not len(pcm):
            return
        frame = self._av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE_HZ, self._sound_at, Fraction(1, AUDIO_RATE_HZ)
        self._sound_at += len(pcm)
        self._file.mux(self._sound.encode(frame))
