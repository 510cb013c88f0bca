"""The relay's upstream by AvatarKit's own server SDK."""

from __future__ import annotations

import contextlib

from examples.backend_relay.packets import Kind, Packet, failure
from examples.backend_relay.upstream import Deliver

from avatarkit.backend import (
    AudioPayload,
    BackendClient,
    Callbacks,
    MotionPayload,
    MotionSession,
    OpusUplink,
    PcmUplink,
)
from avatarkit.errors import AvatarError, InputError


class AvatarKitUpstream:
    """See :class:`examples.backend_relay.upstream.Upstream`.

    Args:
        backend: Shared by all sessions, so that they share session tokens.
        avatar_id: The avatar.
        opus: Encode speech, which takes an eighth of the traffic on both sides.
    """

    def __init__(self, backend: BackendClient, avatar_id: str, *, opus: bool = False) -> None:
        self.codec = "opus" if opus else "pcm"
        self.sample_rate = 16_000
        self._backend, self._avatar_id, self._opus = backend, avatar_id, opus
        self._session: MotionSession | None = None

    async def open(self, deliver: Deliver) -> None:
        """Start the session."""

        async def on_audio(payload: AudioPayload) -> None:
            await deliver(Packet(Kind.AUDIO, payload.request_id, payload.data, payload.end))

        async def on_motion(payload: MotionPayload) -> None:
            await deliver(Packet(Kind.MOTION, payload.request_id, payload.message, payload.end))

        self._session = self._backend.session(
            self._avatar_id,
            Callbacks(on_audio=on_audio, on_motion=on_motion),
            uplink=OpusUplink(self.sample_rate) if self._opus else PcmUplink(self.sample_rate),
        )
        await self._session.start()

    async def send(self, pcm: bytes, *, end: bool) -> str:
        """Send speech."""
        return await self._running().send_audio(pcm, end=end)

    async def interrupt(self) -> None:
        """Stop the newest round."""
        with contextlib.suppress(InputError):  # there was none
            await self._running().interrupt()

    async def close(self) -> None:
        """End the session."""
        if self._session is not None:
            await self._session.close()

    async def wait_closed(self) -> Packet | None:
        """Wait until the session is over."""
        reason = await self._running().wait_closed()
        return None if reason is None else failure_of(reason)

    def _running(self) -> MotionSession:
        if self._session is None:
            raise RuntimeError("open() comes first")
        return self._session


def failure_of(reason: AvatarError) -> Packet:
    """What the client is told of an error: code and advice, nothing of the backend's own."""
    return failure(reason.code.value, reason.message, retryable=reason.retryable)
