"""The same upstream by the published ``spatius`` server SDK, unmodified (``pip install spatius==1.1.1``)."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import spatius
from examples.backend_relay.packets import Kind, Packet, failure
from examples.backend_relay.upstream import Deliver

from avatarkit.backend import motion_request_id

# It reports to its vendor unless told not to, wherever its endpoints point.
spatius.configure_telemetry("")


class SpatiusUpstream:
    """See :class:`examples.backend_relay.upstream.Upstream`.

    Args:
        endpoint: Base URL of our server.
        app_id: The app.
        api_key: Its key.
        avatar_id: The avatar.
        opus: Encode speech.
    """

    def __init__(self, endpoint: str, app_id: str, api_key: str, avatar_id: str, *, opus: bool = False) -> None:
        self.codec = "opus" if opus else "pcm"
        self.sample_rate = 16_000
        encoding: dict[str, Any] = {}
        if opus:
            encoding["audio_format"] = spatius.AudioFormat.OGG_OPUS
            encoding["ogg_opus_encoder"] = spatius.OggOpusEncoderConfig()
            encoding["on_encoded_audio"] = self._on_encoded
        self._session = spatius.new_avatar_session(
            avatar_id=avatar_id,
            api_key=api_key,
            app_id=app_id,
            sample_rate=self.sample_rate,
            console_endpoint_url=f"{endpoint}/v1/console",
            ingress_endpoint_url=f"{endpoint}/v2/driveningress",
            transport_frames=self._on_frames,
            on_error=self._on_error,
            on_close=self._on_close,
            **encoding,
        )
        self._packets: asyncio.Queue[Packet] = asyncio.Queue()
        self._early: dict[str, list[Packet]] = {}
        self._told: set[str] = set()
        self._dropped: set[str] = set()
        self._closed = asyncio.Event()
        self._reason: Packet | None = None
        self._delivering: asyncio.Task[None] | None = None
        self._has_audio = False

    async def open(self, deliver: Deliver) -> None:
        """Start the session."""
        await self._session.init()
        await self._session.start()
        self._delivering = asyncio.create_task(self._deliver(deliver))

    async def send(self, pcm: bytes, *, end: bool) -> str:
        """Send speech. The SDK names the round only afterwards, so motion that is faster waits for its audio."""
        round_id = await self._session.send_audio(pcm, end=end)
        self._has_audio = True
        if self.codec == "pcm":
            self._tell_audio(Packet(Kind.AUDIO, round_id, pcm, end))
        elif end:
            self._tell_audio(Packet(Kind.AUDIO, round_id, b"", last=True))
        return round_id

    async def interrupt(self) -> None:
        """Stop the newest round; what the SDK still hands out of it, or of older ones, goes nowhere."""
        self._dropped |= self._told
        self._told.clear()
        self._early.clear()
        while not self._packets.empty():
            self._packets.get_nowait()
        if self._has_audio:
            with contextlib.suppress(spatius.AvatarSDKError):
                await self._session.interrupt()

    async def close(self) -> None:
        """End the session."""
        await self._session.close()
        if self._delivering is not None:
            self._delivering.cancel()
            await asyncio.gather(self._delivering, return_exceptions=True)

    async def wait_closed(self) -> Packet | None:
        """Wait until the session is over."""
        await self._closed.wait()
        return self._reason

    def _on_encoded(self, round_id: str, data: bytes) -> None:
        self._tell_audio(Packet(Kind.AUDIO, round_id, data))

    def _on_frames(self, message: bytes, last: bool) -> None:
        round_id = motion_request_id(message)
        if round_id is None or round_id in self._dropped:
            return
        packet = Packet(Kind.MOTION, round_id, message, last)
        if round_id in self._told:
            self._packets.put_nowait(packet)
        else:
            self._early.setdefault(round_id, []).append(packet)

    def _on_error(self, reason: Exception) -> None:
        code = getattr(getattr(reason, "code", None), "value", "serverError")
        self._reason = failure(str(code), "The speech service reported an error.", retryable=False)

    def _on_close(self) -> None:
        self._closed.set()

    def _tell_audio(self, packet: Packet) -> None:
        self._packets.put_nowait(packet)
        self._told.add(packet.round_id)
        for early in self._early.pop(packet.round_id, []):
            self._packets.put_nowait(early)

    async def _deliver(self, deliver: Deliver) -> None:
        while True:
            await deliver(await self._packets.get())
