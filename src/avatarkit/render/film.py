"""Writing a video file: pictures at a constant rate, and sound. MP4 with H.264 and AAC, WebM with VP9 and Opus."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import missing_dependency
from avatarkit.render.background import Background
from avatarkit.render.contract import Image
from avatarkit.render.planes.frames import Frames
from avatarkit.render.sound_track import SoundTrack

AUDIO_RATE_HZ: Final = 48000

_SOUND_AT_ONCE: Final = AUDIO_RATE_HZ // 2
"""Samples that the sound's encoder is given together. Given a picture's worth at a time, it takes longer: what it
works with has left the processor's cache by then."""


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """A kind of file and how it is encoded."""

    container: str
    video: str
    audio: str
    audio_bit_rate: int
    video_options: dict[str, str]
    audio_options: dict[str, str] = field(default_factory=dict)
    file_options: dict[str, str] = field(default_factory=dict)


_LITTLE_SEARCH: Final = (
    "subme=1:me=dia:partitions=i4x4,i8x8:ref=1:trellis=0:weightp=0:b-adapt=0:scenecut=0:rc-lookahead=10"
)
"""A face before a still background moves little, so that much less search costs few bytes. There are no cuts."""

# Thread counts are fixed: what x264 and libvpx write depends on them, and the same film shall give the same file.
MP4: Final = FilmFormat(
    "mp4", "libx264", "aac", 128_000,
    {"crf": "18", "preset": "veryfast", "tune": "animation", "threads": "1", "x264-params": _LITTLE_SEARCH},
    {"aac_coder": "fast"},
    {"movflags": "+faststart"},
)  # fmt: skip
_VP9: Final = {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "7", "row-mt": "1", "threads": "2"}
WEBM: Final = FilmFormat("webm", "libvpx-vp9", "libopus", 96_000, _VP9)
WEBM_ALPHA: Final = FilmFormat(
    "webm", "libvpx-vp9", "libopus", 96_000, {**_VP9, "auto-alt-ref": "0", "lag-in-frames": "0"}
)  # fmt: skip
"""VP9 carries alpha as a second stream beside each picture, for which no pictures may be held back."""


class FilmWriter:
    """One video file; an MP4 has its index in front, so that it plays while it loads. Not thread safe."""

    def __init__(
        self, path: Path, background: Background, frame_rate: float, kind: FilmFormat = MP4, comment: str = ""
    ) -> None:
        """Create the file; ``comment`` goes into its metadata.

        Pictures have the size of ``background`` and lie over it; when that is transparent, their alpha is kept,
        which ``kind`` must be a format for.

        Raises ``AvatarError`` (missingDependency) without PyAV or numba, ``OSError`` for the path.
        """
        try:
            import av  # noqa: PLC0415 - loaded when it is used
        except ImportError as failure:
            raise missing_dependency("av", "render") from failure
        self._av: Any = av
        self._pictures = Frames(background)
        path.touch()  # FFmpeg opens it with the first picture only, which is late to say that it cannot
        self._rate = Fraction(frame_rate).limit_denominator(1001)
        # Bit exact: no random ids, no version strings.
        options = {**kind.file_options, "fflags": "+bitexact"}
        self._file: Any = av.open(str(path), "w", format=kind.container, options=options)
        if comment:
            self._file.metadata["comment"] = comment
        video: Any = self._file.add_stream(kind.video, rate=self._rate)
        video.width, video.height = self._pictures.size
        video.pix_fmt = self._pictures.pixels
        video.time_base = 1 / self._rate
        video.options = kind.video_options
        context = video.codec_context
        # Say what the numbers mean, or players guess: BT.709, limited range.
        context.color_range, context.colorspace, context.color_primaries, context.color_trc = 1, 1, 1, 1
        self._video = video
        sound: Any = self._file.add_stream(kind.audio, rate=AUDIO_RATE_HZ, layout="mono")
        self._sound = sound
        sound.bit_rate, sound.options = kind.audio_bit_rate, kind.audio_options
        self._track = SoundTrack(AUDIO_RATE_HZ)
        self._sound_at = 0
        self._gathered: list[npt.NDArray[np.int16]] = []
        self._gathered_samples = 0
        self._frames = 0

    @property
    def frames(self) -> int:
        """Pictures written."""
        return self._frames

    def add_picture(self, image: Image, slots: int = 1) -> None:
        """Write a picture, sRGB with straight alpha, for so many of the next slots."""
        frame = self._pictures.frame(image)
        frame.time_base = 1 / self._rate
        for _ in range(slots):
            frame.pts = self._frames
            self._frames += 1
            self._file.mux(self._video.encode(frame))

    def add_sound(self, pcm: npt.NDArray[np.int16], sample_rate: int, time_s: float) -> None:
        """Write mono samples whose first is heard at ``time_s``."""
        self._gather(self._track.place(pcm, sample_rate, time_s))
        if self._gathered_samples >= _SOUND_AT_ONCE:
            self._write_sound()

    def finish(self) -> None:
        """Pad the sound to the pictures' length, write what the encoders hold, and the index."""
        if self._track.written:
            self._gather(self._track.pad_to(float(self._frames / self._rate)))
            self._write_sound()
        self._file.mux(self._video.encode(None))
        self._file.mux(self._sound.encode(None))
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        self._file.close()

    def _gather(self, pcm: npt.NDArray[np.int16]) -> None:
        self._gathered.append(pcm)
        self._gathered_samples += len(pcm)

    def _write_sound(self) -> None:
        if not self._gathered_samples:
            return
        pcm = np.concatenate(self._gathered)
        self._gathered, self._gathered_samples = [], 0
        frame = self._av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE_HZ, self._sound_at, Fraction(1, AUDIO_RATE_HZ)
        self._sound_at += len(pcm)
        self._file.mux(self._sound.encode(frame))
