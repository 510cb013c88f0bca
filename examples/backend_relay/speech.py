"""Where speech comes from. A real app puts its text to speech here."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

Speech = Callable[[str], AsyncIterator[bytes]]
"""Says a text: PCM, signed 16-bit little endian, mono, 16 kHz, piece by piece, as fast as it is made."""

_PIECE_SAMPLES: Final = 3200


def speech_from_file(path: Path) -> Speech:
    """Says the same recording, whatever the text. ``ValueError`` unless it is WAV, 16-bit, mono, 16 kHz."""
    with wave.open(str(path), "rb") as wav:
        if (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) != (1, 2, 16_000):
            raise ValueError(f"{path} is not WAV, 16-bit, mono, 16 kHz")
        pcm = wav.readframes(wav.getnframes())

    async def say(_text: str) -> AsyncIterator[bytes]:
        for start in range(0, len(pcm), _PIECE_SAMPLES * 2):
            yield pcm[start : start + _PIECE_SAMPLES * 2]

    return say
