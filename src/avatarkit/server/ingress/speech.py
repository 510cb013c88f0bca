"""From audio to motion messages: the requests of one session, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from avatarkit.protocol import MotionChunk, ServerSession
from avatarkit.server.ingress.decoding import AudioFormat, Decoder, open_decoder
from avatarkit.server.ingress.inference import LATEST_S, Inference, Job
from avatarkit.server.observe.logs import log_context
from avatarkit.server.observe.observer import TurnWatch

if TYPE_CHECKING:
    from avatarkit.motion.style import Style

_FIRST_SLICE_S: Final = 0.2
"""Audio inferred in one go at a request's start: short, so that first motion comes soon."""
_MOST_FRAMES: Final = 100
"""Frames in a message."""
_PATIENCE: Final = 4
"""When audio comes faster than real time, a message waits for more frames, up to so many times those sent so far."""
_WEIGHT_BYTES: Final = 52


@dataclass(slots=True, eq=False)
class _Request:
    req_id: str
    watch: TurnWatch
    decoder: Decoder
    audio: bytearray = field(default_factory=bytearray)
    since_s: float = 0.0
    """When the oldest audio that waits arrived."""
    finished: bool = False
    sent_frames: int = 0
    weights: bytearray = field(default_factory=bytearray)
    head: bytearray = field(default_factory=bytearray)


class Speech:
    """Audio of a session's requests on its way to motion. All methods are called on the event loop.

    Args:
        session: Says which requests are still open, and makes the messages.
        send: Takes the messages.
        inference: Makes motion of audio, for all sessions together.
        hold: Told to stop the client (``True``) while too much audio waits, and to let it go on.
        fail: Told of what the engine or a decoder raised; the session ends by it.
        audio_format: Of all audio to come.
        style: How to speak; ``None`` for the engine's own.
        limit_bytes: Waiting audio above which the client is held.
    """

    def __init__(
        self,
        session: ServerSession,
        send: Callable[[bytes], None],
        inference: Inference,
        *,
        hold: Callable[[bool], None],
        fail: Callable[[Exception], None],
        audio_format: AudioFormat,
        style: Style | None,
        limit_bytes: int,
    ) -> None:
        self._session = session
        self._send = send
        self._inference = inference
        self._hold = hold
        self._fail = fail
        self._format = audio_format
        self._open_stream = partial(inference.engine.open, style=style)
        self._limit_bytes = limit_bytes
        self._requests: deque[_Request] = deque()
        self._waiting_bytes = 0
        self._is_held = False
        self._is_flowing = True
        self._running: _Request | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no request is open."""
        return not self._requests

    def begin(self, req_id: str, watch: TurnWatch) -> None:
        """A new request, behind those that are still being inferred; ``watch`` is told how it goes."""
        decoder = open_decoder(self._format, self._open_stream)
        self._requests.append(_Request(req_id, watch, decoder))

    def push(self, req_id: str, audio: bytes) -> None:
        """Add audio to a request."""
        request = self._find(req_id)
        if request is None:
            return
        if not request.audio:
            request.since_s = self._inference.clock.now()
        request.audio += audio
        request.watch.audio(self._format.seconds(len(audio)))
        self._count(len(audio))
        self._wake()

    def finish(self, req_id: str) -> None:
        """No more audio for the request."""
        request = self._find(req_id)
        if request is not None:
            request.finished = True
            request.watch.finished()
            self._wake()

    def drop(self, req_id: str) -> None:
        """Forget a request and its audio. An inference under way is not awaited; its motion is thrown away."""
        request = self._find(req_id)
        if request is not None:
            self._count(-len(request.audio))
            self._requests.remove(request)
            request.watch.ended(dropped=True)
            self._wake()

    def abandon(self) -> None:
        """The connection is over: forget every request."""
        self._inference.forget(self)
        for request in self._requests:
            request.watch.ended(dropped=True)
        self._requests.clear()

    def flowing(self, *, is_flowing: bool) -> None:
        """Make no motion for a client that does not read what was made."""
        self._is_flowing = is_flowing
        self._wake()

    # --- called by the inference ----------------------------------------------------------------------------

    def next_job(self, latest_s: float, much_s: float) -> Job | None:
        """See :class:`avatarkit.server.ingress.inference.JobSource`."""
        if self._running is not None or not self._requests or not self._is_flowing:
            return None
        request = self._requests[0]
        if not request.audio and not request.finished:
            return None
        now_s = self._inference.clock.now()
        # What is sent as it is spoken can only be as much as the time that it waited, however late the server is.
        is_latest = self._format.seconds(len(request.audio)) <= LATEST_S + now_s - request.since_s
        slice_s = latest_s if is_latest else much_s
        if not request.sent_frames:
            slice_s = min(slice_s, _FIRST_SLICE_S)
        audio = bytes(request.audio[: self._format.slice_bytes(slice_s)])
        del request.audio[: len(audio)]
        audio_s = self._format.seconds(len(audio))
        since_s, request.since_s = request.since_s, min(now_s, request.since_s + audio_s)
        self._count(-len(audio))
        self._running = request
        is_last = request.finished and not request.audio
        return Job(self, request.decoder, audio, is_last, since_s, is_latest, audio_s)

    def take(self, job: Job) -> None:
        """A job was done."""
        request, self._running = self._running, None
        assert request is not None
        request.watch.inferred(job.seconds)
        if request in self._requests:
            if job.failure is not None:
                with log_context(request=request.req_id):
                    self._fail(job.failure)
                return
            request.weights += job.weights
            request.head += job.head
            self._flush(request, job)
        self._wake()

    def _flush(self, request: _Request, job: Job) -> None:
        frames, is_last = len(request.weights) // _WEIGHT_BYTES, job.is_last
        more_soon = not job.is_latest and self._format.seconds(len(request.audio)) > LATEST_S
        if more_soon and frames < min(_MOST_FRAMES, _PATIENCE * request.sent_frames):
            return
        chunks = _chunks(request)
        for chunk in chunks[:-1] if is_last else chunks:
            request.watch.motion(chunk.first_frame, chunk.frame_count, chunk.frame_rate)
            self._send(self._session.motion(request.req_id, chunk))
        if is_last:
            last = chunks[-1] if chunks else None
            if last is not None:
                request.watch.motion(last.first_frame, last.frame_count, last.frame_rate)
            self._requests.remove(request)
            self._send(self._session.end(request.req_id, last))
            request.watch.ended()

    def _wake(self) -> None:
        if self._running is None and self._is_flowing and self._requests:
            request = self._requests[0]
            if request.audio or request.finished:
                self._inference.wake(self)

    def _find(self, req_id: str) -> _Request | None:
        newest = self._requests[-1] if self._requests else None
        if newest is not None and newest.req_id == req_id:
            return newest  # the usual case
        return next((request for request in self._requests if request.req_id == req_id), None)

    def _count(self, change_bytes: int) -> None:
        self._waiting_bytes += change_bytes
        is_held = self._waiting_bytes > self._limit_bytes
        if is_held != self._is_held:
            self._is_held = is_held
            self._hold(is_held)


def _chunks(request: _Request) -> list[MotionChunk]:
    """What waits to be sent, in messages of a size that clients take."""
    chunks: list[MotionChunk] = []
    count = len(request.weights) // _WEIGHT_BYTES
    if 0 < count <= _MOST_FRAMES:  # the usual case
        chunks.append(MotionChunk(request.sent_frames, bytes(request.weights), bytes(request.head)))
        request.weights.clear()
        request.head.clear()
        request.sent_frames += count
    while request.weights:
        weights = bytes(request.weights[: _MOST_FRAMES * _WEIGHT_BYTES])
        count = len(weights) // _WEIGHT_BYTES
        head = bytes(request.head[: count * 12])
        del request.weights[: len(weights)], request.head[: len(head)]
        chunks.append(MotionChunk(request.sent_frames, weights, head))
        request.sent_frames += count
    return chunks
