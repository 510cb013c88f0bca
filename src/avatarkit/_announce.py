"""What a controller tells the app: one callback for each kind of event, and a stream of all of them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from avatarkit._events import (
    AnimationStateChanged,
    AudioOutputChanged,
    AvatarEvent,
    ConnectionStateChanged,
    ConversationStateChanged,
    ErrorRaised,
    EventStreams,
    FrameRateMeasured,
    PlaybackFinished,
    PlaybackProgress,
    PlaybackStalled,
    PlaybackStarted,
)
from avatarkit.errors import AvatarError
from avatarkit.types import AnimationType, ConnectionState, ConversationState, FrameRateInfo

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class Announcer:
    """Base of :class:`AvatarController`. What a callback raises is logged and goes no further.

    Attributes:
        on_connection_state: Called with the new state on every change.
        on_conversation_state: Called with the new state when its transition begins.
        on_animation_state: Called when speech takes the face over (``mono``), and when it gives it back (``idle``).
        on_error: Called with every :class:`AvatarError` that no call of the app raises, and with the reason why
            ``start`` failed.
        on_playback_stall: In ``strictSync``: called with true when the voice halts for want of motion, and with
            false when it goes on.
        on_playback_started: Called with :class:`PlaybackStarted` when a round is heard first.
        on_playback_progress: Called with :class:`PlaybackProgress` while it is heard.
        on_playback_finished: Called with :class:`PlaybackFinished` exactly once for each round.
        on_audio_output: Called with false when the sound device went away, and with true when there is one again.
        on_frame_rate_info: Called at most ten times a second while ``frame_rate_monitor_enabled``.
    """

    def __init__(self) -> None:
        self.on_connection_state: Callable[[ConnectionState], None] | None = None
        self.on_conversation_state: Callable[[ConversationState], None] | None = None
        self.on_animation_state: Callable[[AnimationType], None] | None = None
        self.on_error: Callable[[AvatarError], None] | None = None
        self.on_playback_stall: Callable[[bool], None] | None = None
        self.on_playback_started: Callable[[PlaybackStarted], None] | None = None
        self.on_playback_progress: Callable[[PlaybackProgress], None] | None = None
        self.on_playback_finished: Callable[[PlaybackFinished], None] | None = None
        self.on_audio_output: Callable[[bool], None] | None = None
        self.on_frame_rate_info: Callable[[FrameRateInfo], None] | None = None
        self._streams = EventStreams()

    def events(self) -> AsyncIterator[AvatarEvent]:
        """Every event from this call on, for ``async for``; it ends when the view is disposed of.

        Any number may listen. Of a listener that falls behind by more than a thousand events, the oldest are lost.
        """
        return self._streams.listen()

    def announce(self, event: AvatarEvent) -> None:
        """Tell the app. Belongs to the view and the controller."""
        self._streams.emit(event)
        match event:
            case ConnectionStateChanged():
                _call(self.on_connection_state, event.state)
            case ConversationStateChanged():
                _call(self.on_conversation_state, event.state)
            case AnimationStateChanged():
                _call(self.on_animation_state, event.animation)
            case ErrorRaised():
                _call(self.on_error, event.error)
            case PlaybackStalled():
                _call(self.on_playback_stall, event.stalled)
            case PlaybackStarted():
                _call(self.on_playback_started, event)
            case PlaybackProgress():
                _call(self.on_playback_progress, event)
            case PlaybackFinished():
                _call(self.on_playback_finished, event)
            case AudioOutputChanged():
                _call(self.on_audio_output, event.available)
            case FrameRateMeasured():
                _call(self.on_frame_rate_info, event.info)

    def tell_error(self, reason: AvatarError) -> None:
        """Give an error to the app. Belongs to the view and the controller."""
        self.announce(ErrorRaised(reason))

    def _fall_silent(self) -> None:
        """Tell nothing more, ever."""
        self._streams.close()
        self.on_connection_state = self.on_conversation_state = self.on_animation_state = None
        self.on_error = self.on_playback_stall = self.on_audio_output = self.on_frame_rate_info = None
        self.on_playback_started = self.on_playback_progress = self.on_playback_finished = None


def _call(callback: Callable[[_T], None] | None, value: _T) -> None:
    if callback is None:
        return
    try:
        callback(value)
    except Exception:
        _log.exception("a callback of the app failed")
