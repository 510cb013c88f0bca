"""Drives the speech synthesisers: text in, sound and exact phone times out. Linux with Debian's packages."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from avatarkit.errors import ErrorCode, error
from avatarkit.motion.training import phones
from avatarkit.motion.training.phones import Segment
from avatarkit.motion.training.voices import ESPEAK_OFFSET_S, Voice

_TIMEOUT_S: Final = 900.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound with its labels. ``samples`` is float32 (n,), full scale 1."""

    voice: str
    language: str
    samples: npt.NDArray[np.float32]
    sample_rate: int
    segments: tuple[Segment, ...]


def check_tools() -> None:
    """Raise ``AvatarError`` (missingDependency) that names every synthesiser that is not there."""
    missing = [tool for tool in ("flite", "festival") if shutil.which(tool) is None]
    if ctypes.util.find_library("espeak-ng") is None:
        missing.append("libespeak-ng")
    if missing:
        raise error(
            ErrorCode.MISSING_DEPENDENCY,
            f"Training needs {', '.join(missing)}.",
            hint="On Debian: apt-get install flite festival festlex-cmu festlex-poslex festvox-kallpc16k "
            "festvox-kdlpc16k festvox-us-slt-hts festvox-ru espeak-ng wamerican",
        )


def read_wave(path: Path) -> tuple[npt.NDArray[np.float32], int]:
    """First channel of a 16-bit wave file as float32 in -1..1, and its sample rate in hertz."""
    with wave.open(str(path), "rb") as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")[:: file.getnchannels()]
        return pcm.astype(np.float32) / np.float32(32768.0), file.getframerate()


def _finish(voice: Voice, path: Path, ends: Sequence[tuple[str, float]]) -> Utterance | None:
    samples, rate = read_wave(path)
    if not ends or len(samples) < rate // 5:
        return None
    offset_s = voice.label_offset_s
    segments = phones.segments_from_ends(voice.table, ends)
    moved = [Segment(s.label, max(0.0, s.start_s + offset_s), s.end_s + offset_s) for s in segments]
    return Utterance(f"{voice.engine}:{voice.name}", voice.language, samples, rate, tuple(moved))


def flite(
    voice: Voice, texts: Sequence[str], stretches: Sequence[float], pitches: Sequence[int]
) -> Iterator[Utterance]:
    """Speak each text with a duration stretch and, where not 0, a mean pitch in hertz."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        for text, stretch, pitch in zip(texts, stretches, pitches, strict=True):
            command = ["flite", "-voice", voice.name, "-psdur", "-t", text, "-o", str(path)]
            command += ["--setf", f"duration_stretch={stretch:.2f}"]
            command += ["--setf", f"int_f0_target_mean={pitch}"] if pitch else []
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - no shell
            if done.returncode != 0:
                continue
            pairs = (item.rpartition(":") for item in done.stdout.split())
            spoken = _finish(voice, path, [(phone, float(end)) for phone, _, end in pairs])
            if spoken is not None:
                yield spoken


_FESTIVAL_HEAD: Final = """(voice_{voice})
(define (speak_to text base stretch)
  (Parameter.set 'Duration_Stretch stretch)
  (set! u (utt.synth (eval (list 'Utterance 'Text text))))
  (utt.save.segs u (string-append base ".seg"))
  (utt.save.wave u (string-append base ".wav") 'riff))
"""


def festival(voice: Voice, texts: Sequence[str], stretches: Sequence[float]) -> Iterator[Utterance]:
    """Speak each text; sentences on which the voice breaks are left out."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = [
            f'(unwind-protect (speak_to "{text}" "{folder}/{i:05d}" {stretch:.2f}) t)\n'
            for i, (text, stretch) in enumerate(zip(texts, stretches, strict=True))
        ]
        script = Path(folder) / "jobs.scm"
        script.write_bytes((_FESTIVAL_HEAD.format(voice=voice.name) + "".join(jobs)).encode(voice.encoding, "ignore"))
        command = ["festival", "-b", str(script)]
        subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - no shell
        for i in range(len(texts)):
            path = Path(folder) / f"{i:05d}.wav"
            if path.exists():
                spoken = _finish(voice, path, _read_segments(path.with_suffix(".seg")))
                if spoken is not None:
                    yield spoken


def _read_segments(path: Path) -> list[tuple[str, float]]:
    """Rows of ``end colour phone`` after a ``#`` line, as Festival writes them."""
    rows = [line.split() for line in path.read_text(encoding="latin-1").splitlines()]
    return [(row[2], float(row[0])) for row in rows if len(row) == 3]


class _Identity(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Identity),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
_SYNCHRONOUS, _PHONEME_EVENTS, _PHONEME, _UTF8 = 2, 1, 7, 1
_RATE, _PITCH, _PITCH_RANGE = 1, 3, 4


class Espeak:
    """espeak-ng through its C library, which tells the sample at which every phoneme starts."""

    def __init__(self) -> None:
        self._library: Any = ctypes.CDLL(ctypes.util.find_library("espeak-ng"))
        self.sample_rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONEME_EVENTS)
        self._sound: list[npt.NDArray[np.int16]] = []
        self._starts: list[tuple[float, str]] = []
        self._callback = _Callback(self._take)  # kept: the library holds only its address
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, sound: Any, count: int, events: Any) -> int:
        if count > 0:
            self._sound.append(np.ctypeslib.as_array(sound, (count,)).copy())
        i = 0
        while events[i].type != 0:
            if events[i].type == _PHONEME:
                name = bytes(events[i].id.string).split(b"\0")[0].decode("utf-8", "ignore")
                self._starts.append((events[i].sample / self.sample_rate, name))
            i += 1
        return 0

    def speak(self, text: str, voice: str, *, rate: int, pitch: int, pitch_range: int) -> Utterance | None:
        """Speak with words a minute, pitch and pitch range (0..100); ``None`` if the voice does not exist."""
        self._sound.clear()
        self._starts.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            return None
        for parameter, value in ((_RATE, rate), (_PITCH, pitch), (_PITCH_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode("utf-8")
        self._library.espeak_Synth(data, len(data) + 1, 0, 0, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        if not self._sound or not self._starts:
            return None
        samples = np.concatenate(self._sound).astype(np.float32) / np.float32(32768.0)
        language = voice.partition("+")[0]
        segments = tuple(self._segments(len(samples) / self.sample_rate))
        return Utterance("espeak", language, samples, self.sample_rate, segments)

    def _segments(self, duration_s: float) -> list[Segment]:
        offset_s = ESPEAK_OFFSET_S
        starts = [time_s + offset_s for time_s, _ in self._starts]
        segments = phones.segments_of(("sil",), 0.0, starts[0])
        for (_, name), start_s, end_s in zip(self._starts, starts, [*starts[1:], duration_s], strict=True):
            classes = phones.espeak_classes(name)
            if classes is None and name in ("", ";", ":"):
                segments[-1] = segments[-1]._replace(end_s=end_s)
            else:
                segments += phones.segments_of(classes, start_s, end_s)
        return segments
