"""Text to speech for the page, by a synthesiser that is installed on the server; without one there is none."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAX_CHARACTERS: Final = 400
_TIMEOUT_S: Final = 10.0
_MAX_BYTES: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 2
_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of an installed synthesiser.

    Attributes:
        id: The synthesiser and its own name of the voice, such as ``flite/slt``.
        language: BCP 47.
        name: For people.
    """

    id: str
    language: str
    name: str


class SpeechFailedError(Exception):
    """There is no speech; the text says why, fit for people."""


_VOICES: Final = (
    Voice("flite/slt", "en-US", "English, Flite (slt)"),
    Voice("flite/rms", "en-US", "English, Flite (rms)"),
    Voice("espeak-ng/en-us", "en-US", "English, eSpeak"),
    Voice("espeak-ng/ar", "ar", "العربية, eSpeak"),
    Voice("espeak-ng/de", "de", "Deutsch, eSpeak"),
    Voice("espeak-ng/es", "es", "Español, eSpeak"),
    Voice("espeak-ng/fr-fr", "fr", "Français, eSpeak"),
    Voice("espeak-ng/hi", "hi", "हिन्दी, eSpeak"),
    Voice("espeak-ng/it", "it", "Italiano, eSpeak"),
    Voice("espeak-ng/pl", "pl", "Polski, eSpeak"),
    Voice("espeak-ng/pt-br", "pt-BR", "Português, eSpeak"),
    Voice("espeak-ng/tr", "tr", "Türkçe, eSpeak"),
    Voice("espeak-ng/cmn", "zh", "中文, eSpeak"),
)


class Synthesisers:
    """The synthesisers of this machine.

    Args:
        programs: Path of each by name; default: what is found now.
    """

    def __init__(self, programs: dict[str, str] | None = None) -> None:
        if programs is None:
            found = {name: shutil.which(name) for name in ("flite", "espeak-ng")}
            programs = {name: path for name, path in found.items() if path}
        self._programs = programs
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self.voices = tuple(voice for voice in _VOICES if voice.id.partition("/")[0] in programs)

    async def speak(self, text: str, voice_id: str) -> bytes:
        """Speech as a WAV file.

        Args:
            text: 1 to :data:`MAX_CHARACTERS` characters.
            voice_id: One of :attr:`voices`.

        Raises:
            SpeechFailedError: It failed, took too long, or too many are waiting.
        """
        if self._waiting >= _WAITING:
            raise SpeechFailedError("Too many people want speech at once; try again in a moment.")
        self._waiting += 1
        try:
            async with self._turns:
                return await self._run(text, voice_id)
        finally:
            self._waiting -= 1

    async def _run(self, text: str, voice_id: str) -> bytes:
        program, _, voice = voice_id.partition("/")
        with tempfile.TemporaryDirectory(prefix="avatarkit-speech-") as folder:
            source, made = Path(folder) / "text", Path(folder) / "speech.wav"
            source.write_text(text, "utf-8")
            # Nothing of the visitor's stands in the arguments, and no shell reads them.
            options = ("-voice", voice) if program == "flite" else ("-b", "1", "-s", "160", "-v", voice)
            output = "-o" if program == "flite" else "-w"
            command = (self._programs[program], *options, "-f", str(source), output, str(made))
            status = await _finish(command)
            if status != 0 or not made.is_file() or not 44 < made.stat().st_size <= _MAX_BYTES:
                raise SpeechFailedError("The synthesiser could not speak this text.")
            return made.read_bytes()


async def _finish(command: tuple[str, ...]) -> int | None:
    quiet = asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=quiet, stdout=quiet, stderr=quiet, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        )
    except OSError:
        return None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await process.wait()
    except TimeoutError:
        raise SpeechFailedError("The synthesiser took too long.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
