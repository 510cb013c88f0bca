"""Reference labels of human speech: pocketsphinx aligns the known words with the sound.

pocketsphinx's dictionary writes the strong vowel of "cut" and the weak one of "the" alike (AH). They look different
on a face, so where flite, reading the same text, has a schwa at that place, the label is a schwa.
"""

from __future__ import annotations

import subprocess
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from avatarkit.frames import FloatArray
from avatarkit.motion.training.phones import ENGLISH, Segment, segments_of

_BEAMS: tuple[dict[str, float], ...] = ({}, {"beam": 1e-100, "wbeam": 1e-80, "pbeam": 1e-100})


def _decoder(**options: Any) -> Any:
    import pocketsphinx  # noqa: PLC0415 - needed only where speech of people is measured

    return pocketsphinx.Decoder(loglevel="FATAL", **options)


def _hear(decoder: Any, pcm: bytes) -> None:
    decoder.start_utt()
    decoder.process_raw(pcm, full_utt=True)
    decoder.end_utt()


def _phones(samples: FloatArray, text: str) -> list[tuple[str, float, float]] | None:
    pcm = np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    for beams in _BEAMS:
        try:
            decoder = _decoder(lm=None, **beams)
            decoder.set_align_text(text)
            _hear(decoder, pcm)
            if decoder.hyp() is None:
                continue
            decoder.set_alignment()
            _hear(decoder, pcm)
            return [
                (phone.name.lower(), phone.start / 100, (phone.start + phone.duration) / 100)
                for word in decoder.get_alignment()
                for phone in word
            ]
        except RuntimeError:
            continue
    return None


def _read_by_flite(text: str) -> list[str]:
    command = ["flite", "-voice", "kal", "-psdur", "-t", text, "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    names = [item.rpartition(":")[0] for item in done.stdout.split()]
    return [name for name in names if name and name != "pau"]


def align(samples: FloatArray, text: str) -> list[Segment] | None:
    """Segments of a recording of which the words are known; ``None`` if they do not fit."""
    phones = _phones(samples, text)
    if phones is None:
        return None
    spoken = [i for i, (name, _, _) in enumerate(phones) if name in ENGLISH and ENGLISH[name] != ("sil",)]
    names = [name for name, _, _ in phones]
    theirs = _read_by_flite(text)
    alike = SequenceMatcher(None, [_strong(names[i]) for i in spoken], [_strong(p) for p in theirs], autojunk=False)
    for mine, other, size in alike.get_matching_blocks():
        for k in range(size):
            if theirs[other + k] == "ax":
                names[spoken[mine + k]] = "ax"
    segments: list[Segment] = []
    for name, (_, start_s, end_s) in zip(names, phones, strict=True):
        segments += segments_of(ENGLISH.get(name, ("sil",)), start_s, end_s)
    return segments


def _strong(phone: str) -> str:
    return "ah" if phone == "ax" else phone


def all_phones(samples: FloatArray) -> list[Segment]:
    """Segments as pocketsphinx hears them without knowing the words: the offline reference."""
    from pocketsphinx import get_model_path  # noqa: PLC0415 - as above

    options = {"lw": 2.0, "beam": 1e-20, "pbeam": 1e-20, "allphone_ci": True, "backtrace": True}
    decoder = _decoder(lm=None, allphone=get_model_path("en-us/en-us-phone.lm.bin"), **options)
    _hear(decoder, np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    segments: list[Segment] = []
    for part in decoder.seg():
        classes = ENGLISH.get(part.word.lower(), ("sil",))
        segments += segments_of(classes, part.start_frame / 100, (part.end_frame + 1) / 100)
    return segments
