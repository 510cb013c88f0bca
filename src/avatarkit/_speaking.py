"""The app's audio on its way: into rounds, to the speaker, and up to the server."""

from __future__ import annotations

from collections.abc import Callable

from avatarkit._feed import RoundFeed, open_feed
from avatarkit._session import MotionSession
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, error
from avatarkit.playback.meter import SessionMeter
from avatarkit.playback.player import MAX_QUEUED_S, Player
from avatarkit.types import AudioCodec, AudioFormat, DrivingServiceMode


class Speaking:
    """Rounds as the app opens them, and which of them the server knows.

    Attributes:
        audio_format: Of the audio that is taken in.
    """

    def __init__(
        self,
        *,
        player: Player,
        session: MotionSession,
        meter: SessionMeter,
        clock: Clock,
        mode: DrivingServiceMode,
        audio_format: AudioFormat,
        has_sound: Callable[[], bool],
        tell_error: Callable[[AvatarError], None],
    ) -> None:
        self._player = player
        self._session = session
        self._meter = meter
        self._clock = clock
        self._in_backend_mode = mode is DrivingServiceMode.BACKEND
        self.audio_format = audio_format
        self._has_sound = has_sound
        self._tell_error = tell_error
        self._remote_id: str | None = None  # the newest round that the present session knows
        self._feed: tuple[str, RoundFeed] | None = None  # of the round with that id

    def speak(self, data: bytes | bytearray | memoryview, *, end: bool) -> str:
        """Take audio and return its round's id; the errors are those of ``AvatarController.send``."""
        audio = data if isinstance(data, bytes) else memoryview(data).tobytes()
        player = self._player
        if not audio and not player.input_open:
            if end and player.last_id is not None:
                return player.last_id
            raise error(ErrorCode.NO_AUDIO, "There is no audio, and no round is open.")
        self._check_ahead(len(audio) if self.audio_format.input_format is AudioCodec.PCM else 0)
        feed = self._feed[1] if self._feed is not None and player.input_open else self._new_feed()
        try:
            fed = feed.feed(audio, end=end)
        except AvatarError:
            if feed.is_spoilt and self._feed is not None and self._feed[1] is feed:
                self.interrupt()
            raise
        round_id = player.round_id if player.input_open else self._open_round()
        assert round_id is not None
        self._feed = (round_id, feed)
        if self._session.link is not None and self._remote_id == round_id:
            self._session.link.send_audio(round_id, fed.upstream, end=end)
            self._meter.audio_bytes_sent += len(fed.upstream)
        player.push_audio(fed.pcm, end=end)
        return round_id

    def interrupt(self) -> None:
        """Cut the round off, here and on the server."""
        self._feed = None
        self._interrupt_server(self._player.interrupt())

    def drop(self) -> None:
        """Cut the round off here; its session ends."""
        self._remote_id = None
        self._feed = None
        self._player.interrupt()

    def lose_session(self) -> None:
        """The session is gone: no more motion comes for the round."""
        self._remote_id = None
        self._player.lose_connection()

    def _new_feed(self) -> RoundFeed:
        return open_feed(self.audio_format, encode_uplink=self._session.wire.bitrate > 0)

    def _open_round(self) -> str:
        connected = self._session.link is not None
        self._interrupt_server(self._player.round_id)
        expects_motion = connected or self._in_backend_mode
        round_id = self._player.open_round(expects_motion=expects_motion)
        self._meter.rounds += 1
        self._remote_id = round_id if connected else None
        if expects_motion:
            self._meter.audio_sent(round_id, self._clock.now())
        elif not self._has_sound():
            self._tell_error(
                error(ErrorCode.AUDIO_ONLY_INIT_FAILED, "This round has neither motion nor a sound device.")
            )
        return round_id

    def _interrupt_server(self, round_id: str | None) -> None:
        """Have the server drop a round that it knows."""
        if round_id is not None and round_id == self._remote_id and self._session.link is not None:
            self._session.link.interrupt(round_id)

    def _check_ahead(self, pcm_bytes: int) -> None:
        ahead_s = pcm_bytes / 2 / self.audio_format.sample_rate
        if self._player.input_open:
            ahead_s += self._player.queued_s
        if ahead_s > MAX_QUEUED_S:
            raise error(
                ErrorCode.INVALID_AUDIO_INPUT,
                f"More than {MAX_QUEUED_S:g} seconds of audio would wait to be heard.",
                hint="Send the rest when some of it was heard.",
            )
