"""Sound through PortAudio (the ``sounddevice`` library, extra ``audio``)."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.clock import Clock
from avatarkit.errors import AvatarError, ErrorCode, error, missing_dependency

_log = logging.getLogger(__name__)
_BYTES_PER_SAMPLE: Final = 2
_REMEMBERED_BUFFERS: Final = 64
_RAMP_S: Final = 0.005  # a cut in the middle of a wave clicks


@dataclass(frozen=True, slots=True)
class _Buffer:
    """Samples handed to the device in one callback."""

    heard_at_s: float
    """Clock time at which the first one leaves the speaker."""
    first: int
    """Count of samples before it, since the last flush."""
    count: int


class PortAudioSpeaker:
    """Plays through the default output device. Implements ``audio.speaker.Speaker``.

    The device pulls samples in a thread of its own. Each pull is remembered with the time at which PortAudio
    says it will be heard, so the count is right between pulls and for any latency. When the device goes away,
    time goes on in silence, so that no conversation hangs; :meth:`recover` goes back to sound.
    """

    def __init__(self, clock: Clock, *, rescan: bool = False) -> None:
        """``rescan``: let :meth:`recover` have PortAudio list the devices anew. That finds a device that was plugged
        in, and ends every other stream of the process that uses the same library, such as a microphone's."""
        self._clock = clock
        self._rescan = rescan
        self._lock = threading.Lock()
        self._rate = 0
        self._stream: Any = None
        self._queue: deque[bytes] = deque()
        self._written = 0
        self._handed = 0
        self._buffers: deque[_Buffer] = deque(maxlen=_REMEMBERED_BUFFERS)
        self._heard = 0.0
        self._paused = False
        self._tail = b""  # samples that fade out after a cut
        self._volume = 1.0
        self._substitute: SilentSpeaker | None = None
        self._trouble: str | None = None
        self._numbers = itertools.count(1)  # each stream has one
        self._active = 0  # the number of the one that is in use; 0: none
        self._ended: set[int] = set()  # those that ended before they were in use
        self._closings = 0

    def open(self, sample_rate: int) -> None:
        """Open and start the default device. One that was lost, and is not back, is no error: silence goes on.

        Raises:
            AvatarError: ``missingDependency`` without the library, ``playbackInitFailed`` without a device.
        """
        was_lost, self._substitute = self._substitute is not None, None
        self._rate = sample_rate
        self.flush()
        try:
            self._active, self._stream = self._open_stream(sample_rate)
        except AvatarError:
            if not was_lost:
                raise
            self._substitute = SilentSpeaker(self._clock)
            self._substitute.open(sample_rate)

    def recover(self) -> bool:
        """Try to open a device in place of the lost one. See :class:`avatarkit.audio.speaker.Recoverable`."""
        with self._lock:
            if self._substitute is None:
                return True
            rate, old, self._stream = self._rate, self._stream, None
            closings = self._closings
        if old is not None:
            old.close(ignore_errors=True)
        try:
            if self._rescan:
                _list_devices_anew()
            number, stream = self._open_stream(rate)
        except AvatarError:
            return False
        with self._lock:
            is_of_use = self._closings == closings and number not in self._ended
            if is_of_use:
                self._go_back_to_sound()
                self._active, self._stream = number, stream
        if not is_of_use:  # it ended already, or the speaker was closed meanwhile
            stream.close(ignore_errors=True)
        return is_of_use

    def write(self, pcm: bytes) -> None:
        """Queue samples."""
        with self._lock:
            self._written += len(pcm) // _BYTES_PER_SAMPLE
            if pcm:
                self._queue.append(pcm)
            if self._substitute is not None:
                self._substitute.write(pcm)
                self._drop(int(self._heard_now()))

    def heard_samples(self) -> float:
        """Samples that have left the speaker."""
        with self._lock:
            return self._heard_now()

    def queued_samples(self) -> int:
        """Written samples that were not heard yet, those inside the device included."""
        with self._lock:
            return self._written - int(self._heard_now())

    def pause(self) -> None:
        """Fall silent; what the device already holds is still heard and counted."""
        with self._lock:
            if not self._paused:
                self._paused = True
                self._tail = self._fade_out()
            if self._substitute is not None:
                self._substitute.pause()

    def resume(self) -> None:
        """Go on."""
        with self._lock:
            self._paused = False
            self._tail = b""
            if self._substitute is not None:
                self._substitute.resume()

    def flush(self) -> None:
        """Fall silent and count from zero."""
        with self._lock:
            self._tail = b"" if self._paused else self._fade_out()
            self._queue.clear()
            self._buffers.clear()
            self._written = self._handed = 0
            self._heard = 0.0
            if self._substitute is not None:
                self._substitute.flush()

    def set_volume(self, volume: float) -> None:
        """Gain 0..1, from the next pull of the device on."""
        self._volume = volume

    def trouble(self) -> str | None:
        """The loss of the device, once."""
        told, self._trouble = self._trouble, None
        return told

    def close(self) -> None:
        """Release the device."""
        with self._lock:
            self._active = 0
            self._closings += 1
            stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)

    def _open_stream(self, sample_rate: int) -> tuple[int, Any]:
        """A stream that runs, and its number; it is silent until it is the active one."""
        try:
            import sounddevice  # noqa: PLC0415 - optional
        except (ImportError, OSError) as exc:  # OSError: the library without PortAudio itself
            raise missing_dependency("sounddevice", "audio") from exc
        number, stream = next(self._numbers), None
        try:
            stream = sounddevice.RawOutputStream(
                samplerate=sample_rate,
                channels=1,
                dtype="int16",
                latency="low",
                callback=partial(self._pull, number),
                finished_callback=partial(self._finished, number),
            )
            stream.start()
        except sounddevice.PortAudioError as exc:
            if stream is not None:
                stream.close(ignore_errors=True)
            raise error(ErrorCode.PLAYBACK_INIT_FAILED, f"No sound device could be opened: {exc}") from exc
        return number, stream

    # --- the device's thread ------------------------------------------------------------------------------

    def _pull(self, number: int, out: Any, frames: int, when: Any, status: Any) -> None:
        del status  # an underflow is a gap that has been heard; nothing can be done about it here
        data = b""
        delay_s = when.outputBufferDacTime - when.currentTime
        if not 0.0 < delay_s < 5.0:  # some hosts leave the times at zero
            delay_s = float(self._stream.latency) if self._stream is not None else 0.0
        with self._lock:
            heard_at_s = self._clock.now() + delay_s
            if number != self._active:
                pass
            elif self._tail or self._paused:
                data, self._tail = self._tail[: len(out)], self._tail[len(out) :]
            else:
                data = self._pop(frames * _BYTES_PER_SAMPLE)
                count = len(data) // _BYTES_PER_SAMPLE
                if count:
                    self._buffers.append(_Buffer(heard_at_s, self._handed, count))
                    self._handed += count
        out[: len(data)] = self._scaled(data)
        out[len(data) :] = bytes(len(out) - len(data))

    def _finished(self, number: int) -> None:
        """A stream stopped; unless we stopped it, the device is gone."""
        with self._lock:
            self._ended.add(number)
            if number != self._active:
                return
            self._trouble = "The sound device is gone; the conversation goes on in silence."
            _log.warning("the sound device is gone; going on in silence")
            heard = int(self._heard_now())
            substitute = SilentSpeaker(self._clock)
            substitute.open(self._rate)
            if self._paused:
                substitute.pause()
            # The substitute counts from the last flush too: what was heard is heard at once.
            substitute.skip(heard)
            substitute.write(bytes((self._written - heard) * _BYTES_PER_SAMPLE))
            self._substitute = substitute
            self._active = 0

    # --- under the lock -----------------------------------------------------------------------------------

    def _heard_now(self) -> float:
        if self._substitute is not None:
            self._heard = max(self._heard, self._substitute.heard_samples())
            return self._heard
        now_s = self._clock.now()
        for buffer in reversed(self._buffers):
            if buffer.heard_at_s <= now_s:
                into = min((now_s - buffer.heard_at_s) * self._rate, float(buffer.count))
                self._heard = max(self._heard, buffer.first + into)
                break
        return self._heard

    def _go_back_to_sound(self) -> None:
        """Let the queue begin where the substitute is now."""
        heard = int(self._heard_now())
        self._drop(heard)
        if self._handed > heard:  # handed to the lost device, which never played it
            self._queue.appendleft(bytes((self._handed - heard) * _BYTES_PER_SAMPLE))
            self._handed = heard
        self._buffers.clear()
        self._tail = b""
        self._substitute = None

    def _drop(self, until: int) -> None:
        """Take what was heard in silence from the queue."""
        self._handed += len(self._pop(max(0, until - self._handed) * _BYTES_PER_SAMPLE)) // _BYTES_PER_SAMPLE

    def _pop(self, size: int) -> bytes:
        pieces: list[bytes] = []
        while size > 0 and self._queue:
            piece = self._queue.popleft()
            if len(piece) > size:
                self._queue.appendleft(piece[size:])
                piece = piece[:size]
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def _fade_out(self) -> bytes:
        """The next few milliseconds of the queue, falling to silence; the queue stays as it is."""
        size = int(self._rate * _RAMP_S) * _BYTES_PER_SAMPLE
        data = b"".join(self._peek(size))[:size]
        samples = np.frombuffer(data, "<i2")
        ramp = np.linspace(1.0, 0.0, len(samples), dtype=np.float32)
        return (samples * ramp).astype("<i2").tobytes()

    def _peek(self, size: int) -> list[bytes]:
        pieces: list[bytes] = []
        for piece in self._queue:
            if size <= 0:
                break
            pieces.append(piece)
            size -= len(piece)
        return pieces

    def _scaled(self, data: bytes) -> bytes:
        if self._volume == 1.0:
            return data
        samples = np.frombuffer(data, "<i2") * np.float32(self._volume)
        return np.rint(samples).astype("<i2").tobytes()


def _list_devices_anew() -> None:
    """PortAudio knows the devices that were there when it was initialized, and no others."""
    import sounddevice  # noqa: PLC0415 - optional

    try:
        sounddevice._terminate()
        sounddevice._initialize()
    except sounddevice.PortAudioError as exc:
        raise error(ErrorCode.PLAYBACK_INIT_FAILED, f"The sound devices cannot be listed: {exc}") from exc
