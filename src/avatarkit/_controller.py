"""Stage 5: connecting to the Motion Server, speaking, and the state of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from avatarkit._events import (
    AnimationStateChanged,
    ConnectionStateChanged,
    ConversationStateChanged,
    FrameRateMeasured,
    PlaybackFinished,
    PlaybackProgress,
    PlaybackStalled,
    PlaybackStarted,
)
from avatarkit._feed import changed_format, wire_format
from avatarkit._frame_rate import FrameRateMonitor
from avatarkit._incoming import Incoming
from avatarkit._record import Recordable
from avatarkit._sdk import Settings
from avatarkit._session import MotionSession
from avatarkit._speaking import Speaking
from avatarkit.audio.speaker import Speaker
from avatarkit.clock import Clock
from avatarkit.errors import ErrorCode, Phase, error
from avatarkit.playback.heard import Samples
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.news import News
from avatarkit.playback.player import Player
from avatarkit.protocol import ClientEvent, new_id
from avatarkit.types import (
    AnimationType,
    AudioCodec,
    AudioFormat,
    ConnectionState,
    ConversationState,
    DrivingServiceMode,
    FrameStarvationMode,
    SessionReport,
)


@dataclass(frozen=True, slots=True)
class ControllerParts:
    """What a view gives its controller."""

    settings: Settings
    avatar_id: str
    audio_format: AudioFormat
    speaker: Speaker
    clock: Clock
    seed: int
    on_heard: Callable[[Samples, float], None]
    has_sound: Callable[[], bool]
    describe: Callable[[], dict[str, Any]]
    """Avatar and surface, for recordings."""


class AvatarController(Recordable):
    """Speaks through one view. The view makes it: ``view.controller``.

    ===============  ==========================================  ==============================
    Connection       leaves by                                   to
    ===============  ==========================================  ==============================
    disconnected     ``start``                                   connecting
    connecting       session confirmed                           connected
    connecting       refused, lost, or no session in time        failed, and ``on_error``
    connected        ``close``, or a clean end by the server     disconnected
    connected        connection lost, or a server error          failed, and ``on_error``
    failed           ``start``                                   connecting
    ===============  ==========================================  ==============================

    While ``failed``, audio still plays, without motion. With ``Configuration.reconnect`` a lost session is followed
    by tries to open a new one. In Backend Mode there is no connection: the app hands in audio and motion.

    The callbacks are those of :class:`avatarkit._announce.Announcer`; :meth:`events` has them all as a stream.
    """

    def __init__(self, parts: ControllerParts | None = None) -> None:
        if parts is None:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                "A controller cannot be made alone. Legal now: AvatarView(...).controller.",
                phase=Phase.RENDER,
            )
        super().__init__(parts.clock, parts.seed, parts.describe)
        self._mode = parts.settings.configuration.driving_service_mode
        self._clock = parts.clock
        self.meter = SessionMeter()
        self.player = Player(
            clock=parts.clock,
            speaker=parts.speaker,
            sample_rate=parts.audio_format.sample_rate,
            seed=parts.seed,
            new_id=new_id,
            on_heard=parts.on_heard,
            news=self._news(),
            meter=self.meter,
        )
        self._session = MotionSession(
            settings=parts.settings,
            avatar_id=parts.avatar_id,
            wire=wire_format(parts.audio_format),
            clock=parts.clock,
            on_state=self._tell_connection,
            on_event=self._take,
            on_failure=self.tell_error,
            on_lost=self._lose_session,
        )
        self._speaking = Speaking(
            player=self.player,
            session=self._session,
            meter=self.meter,
            clock=parts.clock,
            mode=self._mode,
            audio_format=parts.audio_format,
            has_sound=parts.has_sound,
            tell_error=self.tell_error,
        )
        self._incoming = Incoming(
            player=self.player,
            session=self._session,
            meter=self.meter,
            clock=parts.clock,
            tell_error=self.tell_error,
        )
        self._disposed = False
        self._animation = AnimationType.IDLE
        self._frame_rate = FrameRateMonitor()
        self._monitors_frames = False

    def _news(self) -> News:
        return News(
            on_state=lambda state: self.announce(ConversationStateChanged(state)),
            on_started=lambda round_id: self.announce(PlaybackStarted(round_id)),
            on_progress=lambda round_id, position_s: self.announce(PlaybackProgress(round_id, position_s)),
            on_finished=lambda *what: self.announce(PlaybackFinished(*what)),
            on_stall=lambda stalled: self.announce(PlaybackStalled(stalled)),
        )

    # --- state --------------------------------------------------------------------------------------------

    @property
    def connection_state(self) -> ConnectionState:
        """State of the Direct Mode connection."""
        return self._session.state

    @property
    def conversation_state(self) -> ConversationState:
        """Idle, playing or paused, as heard and seen."""
        return self.player.state

    @property
    def audio_time(self) -> float:
        """Heard position in the present round, in seconds; 0 when there is none."""
        return self.player.audio_time_s

    @property
    def volume(self) -> float:
        """Gain of the avatar's voice, 0..1. Setting another value raises ``configurationInvalid``."""
        return self.player.volume

    @volume.setter
    def volume(self, volume: float) -> None:
        if not 0.0 <= volume <= 1.0:
            raise error(ErrorCode.CONFIGURATION_INVALID, "The volume must be 0..1.", phase=Phase.INTERACT)
        self.player.volume = volume

    @property
    def audio_format(self) -> AudioFormat:
        """Format of the audio that is taken in."""
        return self._speaking.audio_format

    @property
    def frame_starvation_mode(self) -> FrameStarvationMode:
        """What late motion does to the voice. Default ``audioIndependent``."""
        return self.player.starvation_mode

    @frame_starvation_mode.setter
    def frame_starvation_mode(self, mode: FrameStarvationMode) -> None:
        self.player.starvation_mode = FrameStarvationMode(mode)

    @property
    def frame_rate_monitor_enabled(self) -> bool:
        """Whether drawing is measured and told to ``on_frame_rate_info``. Default false."""
        return self._monitors_frames

    @frame_rate_monitor_enabled.setter
    def frame_rate_monitor_enabled(self, enabled: bool) -> None:
        self._monitors_frames = enabled
        self._frame_rate.clear()

    def report(self) -> SessionReport:
        """What was measured since the view was made."""
        return self.meter.report()

    # --- connection ---------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open a session with the Motion Server; returns once the server has confirmed it.

        Raises:
            AvatarError: ``networkLayerNotAvailable`` outside Direct Mode, ``connectionInProgress`` while
                another ``start`` runs, ``illegalState`` when connected or disposed, ``sessionTokenInvalid``
                without a token. Then nothing has changed. Any other error has also gone to ``on_error``, and
                the state is ``failed``: the server's refusal, ``websocketError`` when it cannot be reached,
                ``sessionTimeout`` after ``Configuration.connect_timeout_s``. ``websocketClosedUnexpected``
                when ``close`` or ``dispose`` came meanwhile; the state is ``disconnected`` then.
        """
        self._require_direct("start()")
        await self._session.start()

    async def wait_connected(self, timeout: float = 15.0) -> None:  # noqa: ASYNC109 - measured by our clock
        """Wait for the session, for those who run ``start`` in a task of its own.

        Args:
            timeout: Seconds.

        Raises:
            AvatarError: Why ``start`` failed; ``sessionTimeout``; ``illegalState`` when disconnected.
        """
        await self._session.wait_connected(timeout)

    async def close(self) -> None:
        """End the session and drop what is playing. Idempotent, legal at any moment."""
        self._speaking.drop()
        await self._session.close()

    def set_audio_format(
        self,
        sample_rate: int | None = None,
        input_format: AudioCodec | None = None,
        opus_bitrate: int | None = None,
        opus_uplink: bool | None = None,
    ) -> None:
        """Change the format of the audio that will be fed in; ``None`` keeps a field.

        An effective change interrupts and, in Direct Mode, disconnects: start again. Opus runs at 48,000 Hz; back at
        PCM the rate stays unless one is given.

        Raises:
            AvatarError: The format stays as it was. ``configurationInvalid`` for a rate or bitrate that no session
                takes, or a rate together with Opus; nothing else has changed then. ``playbackInitFailed`` when the
                speaker cannot play at the rate; round and session are over then.
        """
        self._require_alive("set_audio_format()")
        known = self._speaking.audio_format
        wanted = changed_format(known, sample_rate, input_format, opus_bitrate, opus_uplink)
        if wanted == known:
            return
        self._speaking.drop()
        self._session.close_soon()
        if wanted.sample_rate != known.sample_rate:
            self.player.change_rate(wanted.sample_rate)
        self._speaking.audio_format = wanted
        self._session.wire = wire_format(wanted)

    # --- speaking -----------------------------------------------------------------------------------------

    def send(self, data: bytes | bytearray | memoryview, end: bool = False) -> str:
        """Speak. The first audio of a round opens it under a new id; ``end`` closes its input.

        Send as fast as the audio is made. A round is heard from its first motion on, at the latest 0.4 s after
        its first audio, so that the lips are right from the start. Audio behind an ``end`` opens the next
        round, which cuts off what still plays. An empty ``data`` with ``end`` closes the open round; repeated,
        it changes nothing.

        Args:
            data: Mono audio in the view's format: PCM of whole samples, or Opus.
            end: Whether this is the last audio of the round.

        Returns:
            The round's id.

        Raises:
            AvatarError: Nothing is taken then. ``networkLayerNotAvailable`` outside Direct Mode,
                ``illegalState`` unless connected or failed, ``invalidAudioInput`` for half a sample, a container,
                what is no Opus, or more than ten minutes ahead, ``noAudio`` for an empty call when no round is
                open, ``missingDependency`` for Opus without the extra ``audio``. An Ogg stream that breaks off into
                something else ends its round.
        """
        self._require_direct("send()")
        if self._session.state not in (ConnectionState.CONNECTED, ConnectionState.FAILED):
            raise self._session.illegal("send()")
        return self._speaking.speak(data, end=end)

    def yield_audio_data(self, data: bytes | bytearray | memoryview, end: bool = False) -> str:
        """Speak in Backend Mode: as :meth:`send`, but the motion comes through :meth:`yield_frames_data`.

        Hand in the audio of a round before its motion, which has to quote the id returned here. Raises
        ``networkLayerNotAvailable`` outside Backend Mode, and what :meth:`send` raises for the audio.
        """
        self._require_backend("yield_audio_data()")
        return self._speaking.speak(data, end=end)

    def yield_frames_data(self, frames: Iterable[bytes], conversation_id: str) -> bool:
        """Hand in motion in Backend Mode.

        Args:
            frames: Messages exactly as the server SDK gave them. An empty list makes the round audio-only; what comes
                for it later is ignored.
            conversation_id: Id of the round, from :meth:`yield_audio_data`. Motion of any other is dropped.

        Returns:
            Whether the last motion of the round is here, or will never be.

        Raises:
            AvatarError: ``networkLayerNotAvailable`` outside Backend Mode. A message that cannot be read is dropped
                and told to ``on_error`` as ``invalidAnimationData``, once for each round.
        """
        self._require_backend("yield_frames_data()")
        return self._incoming.take_frames(frames, conversation_id)

    def interrupt(self) -> None:
        """Fall silent at once and close the mouth; the round's buffers are dropped, here and on the server.

        Legal at any moment; without a round it does nothing. The next audio opens a new round.
        """
        self._require_alive("interrupt()")
        self._speaking.interrupt()

    def pause(self) -> None:
        """Hold the round where it is; connection and buffers stay. ``illegalState`` without a round."""
        self._require_alive("pause()")
        if not self.player.pause():
            raise self._session.illegal("pause()", "it needs a round that plays")

    def resume(self) -> None:
        """Go on from where ``pause`` stopped. ``illegalState`` without a round."""
        self._require_alive("resume()")
        if not self.player.resume():
            raise self._session.illegal("resume()", "it needs a round that is paused")

    # --- for the view -------------------------------------------------------------------------------------

    def frame_shown(self, render_s: float) -> None:
        """A frame was shown that took ``render_s`` seconds to draw. Belongs to the view."""
        animation = AnimationType.MONO if self.player.face_speaks else AnimationType.IDLE
        if animation is not self._animation:
            self._animation = animation
            self.announce(AnimationStateChanged(animation))
        if self._monitors_frames:
            info = self._frame_rate.drawn(self._clock.now(), render_s)
            if info is not None:
                self.announce(FrameRateMeasured(info))

    async def dispose(self) -> None:
        """Close, and refuse everything from now on. Belongs to the view."""
        self._disposed = True
        await self.close()
        self._stop_recording()
        self._fall_silent()

    # --- inside -------------------------------------------------------------------------------------------

    def _tell_connection(self, state: ConnectionState) -> None:
        if state is ConnectionState.CONNECTED:
            self._incoming.session_began()
        self.announce(ConnectionStateChanged(state))

    def _take(self, event: ClientEvent) -> None:
        self._incoming.take(event)

    def _lose_session(self) -> None:
        self._speaking.lose_session()

    def _require_alive(self, what: str) -> None:
        if self._disposed:
            raise error(
                ErrorCode.ILLEGAL_STATE,
                f"{what} is not legal: the view is disposed. Legal now: a new AvatarView.",
                phase=Phase.INTERACT,
            )

    def _require_direct(self, what: str) -> None:
        self._require_alive(what)
        if self._mode is not DrivingServiceMode.DIRECT:
            raise error(ErrorCode.NETWORK_LAYER_NOT_AVAILABLE, f"{what} is not available in backend mode.")

    def _require_backend(self, what: str) -> None:
        self._require_alive(what)
        if self._mode is not DrivingServiceMode.BACKEND:
            raise error(
                ErrorCode.NETWORK_LAYER_NOT_AVAILABLE,
                f"{what} is not available in direct mode.",
                hint="In Direct Mode use start() and send().",
            )
