"""Recording what a controller's player does, and what the app is told meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version
from typing import Any

from avatarkit._announce import Announcer
from avatarkit._events import AvatarEvent
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError
from avatarkit.playback.frame import Frame
from avatarkit.playback.player import Player
from avatarkit.recording.recorder import Recorder


class Recordable(Announcer):
    """A controller's side of a recording."""

    player: Player

    def __init__(self, clock: Clock, seed: int, describe: Callable[[], dict[str, Any]]) -> None:
        """``describe``: avatar and surface, as the header of a recording has them; the view's."""
        super().__init__()
        self._time = clock
        self._seed = seed
        self._describe = describe
        self._recorder: Recorder | None = None

    def record(self, path: str | os.PathLike[str]) -> Recorder:
        """Write audio, motion, events and frames to a file from now on, until the recorder is closed.

        It may begin at any moment, in the middle of a round too. ``avatarkit replay`` shows the file, with the same
        poses bit for bit. It holds the voice, and no token.

        Raises:
            AvatarError: ``illegalState`` while another recording runs, before the first frame and after
                ``dispose``; ``configurationInvalid`` when the file cannot be written.
        """
        about = {"seed": self._seed, "software": f"pyavatarkit {version('pyavatarkit')}", **self._describe()}
        self._recorder = Recorder(path, self.player, about, on_close=self._forget_recorder)
        return self._recorder

    def announce(self, event: AvatarEvent) -> None:
        """See :meth:`Announcer.announce`."""
        if self._recorder is not None:
            self._recorder.event(self._time.now(), _plain(event))
        super().announce(event)

    def frame_recorded(self, frame: Frame, time_s: float) -> None:
        """A frame was handed to the surface. Belongs to the view."""
        if self._recorder is not None:
            self._recorder.shown(frame, time_s)

    def _stop_recording(self) -> None:
        if self._recorder is not None:
            self._recorder.close()

    def _forget_recorder(self) -> None:
        self._recorder = None


def _plain(event: AvatarEvent) -> dict[str, Any]:
    """An event as JSON can say it."""
    plain: dict[str, Any] = {"event": type(event).__name__}
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, AvatarError):
            plain["error"], plain["message"] = value.code.value, value.message
        elif isinstance(value, str | bool | int | float):
            plain[field.name] = value
    return plain
