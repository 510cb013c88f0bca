"""Opening a speaker by name."""

from __future__ import annotations

import logging
from pathlib import Path

from avatarkit.audio.file import FileSpeaker
from avatarkit.audio.portaudio import PortAudioSpeaker
from avatarkit.audio.silent import SilentSpeaker
from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, Phase, error

_log = logging.getLogger(__name__)
_NAMES = ("auto", "portaudio", "silent")
_FILE = "file:"


def open_speaker(name: str, clock: Clock, sample_rate: int) -> Speaker:
    """A speaker, open at ``sample_rate`` hertz.

    ``portaudio`` is the default sound device, ``silent`` keeps time without sound, ``file:PATH``
    does so and writes a WAV file, and ``auto`` is the first
    of them that works here; falling back to silence is logged.

    Raises:
        AvatarError: ``configurationInvalid`` for another name; for ``portaudio``, ``missingDependency`` or
            ``playbackInitFailed``; the latter for a file that cannot be written.
    """
    if name.startswith(_FILE):
        speaker_to_file = FileSpeaker(clock, Path(name.removeprefix(_FILE)))
        speaker_to_file.open(sample_rate)
        return speaker_to_file
    if name not in _NAMES:
        raise error(
            ErrorCode.CONFIGURATION_INVALID,
            f"There is no speaker {name!r}; choose one of {', '.join(_NAMES)}, {_FILE}PATH.",
            phase=Phase.RENDER,
        )
    if name != "silent":
        speaker = PortAudioSpeaker(clock)
        try:
            speaker.open(sample_rate)
        except AvatarError as exc:
            if name == "portaudio":
                raise
            _log.warning("no sound: %s", exc)
        else:
            return speaker
    silent = SilentSpeaker(clock)
    silent.open(sample_rate)
    return silent
