"""Sound through PortAudio (the ``sounddevice`` library, extra ``audio``)."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from avatarkit.audio.silent import SilentSpeaker
from avatarkit.clock import Clock
from avatarkit.errors import ErrorCode, error, missing_dependency

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
    time goes on in silence, so that no conversation hangs.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
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

    def open(self, sample_rate: int) -> None:
        """Open and start the default device.

        Raises:
            AvatarError: ``missingDependency`` without the library, ``playbackInitFailed`` without a device.
        """
        try:
            import sounddevice  # noqa: PLC0415 - optional
        except (ImportError, OSError) as exc:  # OSError: the library without PortAudio itself
            raise missing_dependency("sounddevice", "audio") from exc
        self._rate = sample_rate
        try:
            self._stream = sounddevice.RawOutputStream(
                samplerate=sample_rate,
                channels=1,
                dtype="int16",
                latency="low",
                callback=self._pull,
                finished_callback=self._finished,
            )
            self._stream.start()
        except sounddevice.PortAudioError as exc:
            self.close()
            raise error(ErrorCode.PLAYBACK_INIT_FAILED, f"No sound device could be opened: {exc}") from exc

    def write(self, pcm: bytes) -> None:
        """Queue samples."""
        with self._lock:
            self._written += len(pcm) // _BYTES_PER_SAMPLE
            if self._substitute is not None:
                self._substitute.write(pcm)
            elif pcm:
                self._queue.append(pcm)

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
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close(ignore_errors=True)

    # --- the device's thread ------------------------------------------------------------------------------

    def _pull(self, out: Any, frames: int, when: Any, status: Any) -> None:
        del status  # an underflow is a gap that has been heard; nothing can be done about it here
        delay_s = when.outputBufferDacTime - when.currentTime
        if not 0.0 < delay_s < 5.0:  # some hosts leave the times at zero
            delay_s = float(self._stream.latency) if self._stream is not None else 0.0
        with self._lock:
            heard_at_s = self._clock.now() + delay_s
            if self._tail or self._paused:
                data, self._tail = self._tail[: len(out)], self._tail[len(out) :]
            else:
                data = self._pop(frames * _BYTES_PER_SAMPLE)
                count = len(data) // _BYTES_PER_SAMPLE
                if count:
                    self._buffers.append(_Buffer(heard_at_s, self._handed, count))
                    self._handed += count
        out[: len(data)] = self._scaled(data)
        out[len(data) :] = bytes(len(out) - len(data))

    def _finished(self) -> None:
        """The stream stopped; unless we stopped it, the device is gone."""
        with self._lock:
            if self._stream is None or self._substitute is not None:
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
