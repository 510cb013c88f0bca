"""The entrance of Backend Mode: one object per app and server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from avatarkit.audio.opus import OggOpusEncoder
from avatarkit.backend.audio import OpusUplink, PcmUplink, Uplink
from avatarkit.backend.egress import Egress
from avatarkit.backend.payloads import Callbacks
from avatarkit.backend.session import MotionSession
from avatarkit.backend.tokens import SessionTokens
from avatarkit.clock import Clock, RealClock
from avatarkit.errors import ErrorCode, error
from avatarkit.protocol.limits import MAX_ID_CHARACTERS
from avatarkit.transport.contract import Connect, Connection, Target
from avatarkit.transport.websocket import open_websocket, websocket_url


@dataclass(frozen=True, slots=True)
class Prewarmed:
    """What :meth:`BackendClient.prewarm` spent, in seconds of its clock."""

    token_s: float
    codec_s: float


class BackendClient:
    """Makes sessions for the avatars of one app. The API key stays on the backend: never give it to a client.

    An async context manager; leaving closes it, after its sessions were closed by their owners.

    Args:
        endpoint: Base URL of the Motion Server, ``http(s)`` or ``ws(s)``, without a query.
        app_id: The app.
        api_key: The app's key.
        console_endpoint: Base URL of the Console, where it is another host.
        token_lifetime_s: Seconds for which session tokens are asked.
        clock: Source of durations.
        unix_time: Source of calendar time, in Unix seconds.
        connect: Opens connections; replaced in tests.
        http_transport: Carries requests to the Console; replaced in tests.

    Raises:
        AvatarError: ``configurationInvalid`` for a bad endpoint, App ID or key.
    """

    def __init__(
        self,
        endpoint: str,
        app_id: str,
        api_key: str,
        *,
        console_endpoint: str | None = None,
        token_lifetime_s: int = 3600,
        clock: Clock | None = None,
        unix_time: Callable[[], float] = time.time,
        connect: Connect = open_websocket,
        http_transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        websocket_url(endpoint, "check")
        if not app_id.strip():
            raise error(ErrorCode.CONFIGURATION_INVALID, "The App ID is blank.")
        self._endpoint, self._app_id = endpoint, app_id
        self._clock: Clock = clock or RealClock()
        self._connect = connect
        self._tokens = SessionTokens(
            console_endpoint or _as_http(endpoint),
            api_key,
            lifetime_s=token_lifetime_s,
            unix_time=unix_time,
            transport=http_transport,
        )

    async def __aenter__(self) -> BackendClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def prewarm(self, uplink: Uplink | None = None) -> Prewarmed:
        """Do now what the first session would otherwise wait for: fetch a session token, load the codec.

        Raises:
            AvatarError: As fetching a token does.
        """
        started_s = self._clock.now()
        if isinstance(uplink, OpusUplink):
            await asyncio.to_thread(_load_codec, uplink)
        loaded_s = self._clock.now()
        await self._tokens.get()
        return Prewarmed(token_s=self._clock.now() - loaded_s, codec_s=loaded_s - started_s)

    def session(
        self,
        avatar_id: str,
        callbacks: Callbacks | None = None,
        *,
        uplink: Uplink | None = None,
        egress: Egress | None = None,
        extra_params: Mapping[str, str] | None = None,
    ) -> MotionSession:
        """A session that is not started yet.

        Args:
            avatar_id: The avatar that the listener sees.
            callbacks: Take encoded audio, motion, errors and the close.
            uplink: What audio is fed in; default PCM at 16 kHz.
            egress: Deliver into a room of an RTC service instead of to ``on_motion``.
            extra_params: Passed on to the server.

        Raises:
            AvatarError: ``configurationInvalid`` for an impossible avatar id or parameters.
        """
        if not avatar_id.strip() or len(avatar_id) > MAX_ID_CHARACTERS:
            raise error(ErrorCode.CONFIGURATION_INVALID, f"An avatar id has 1 to {MAX_ID_CHARACTERS} characters.")

        async def connect(token: str) -> Connection:
            return await self._connect(Target(self._endpoint, avatar_id, self._app_id, token))

        return MotionSession(
            connect=connect,
            tokens=self._tokens,
            clock=self._clock,
            uplink=uplink or PcmUplink(),
            egress=egress,
            extra_params=extra_params or {},
            callbacks=callbacks or Callbacks(),
        )

    async def close(self) -> None:
        """Let go of the connections to the Console. Idempotent."""
        await self._tokens.close()


def _as_http(endpoint: str) -> str:
    scheme, separator, rest = endpoint.partition("://")
    return {"ws": "http", "wss": "https"}.get(scheme.lower(), scheme) + separator + rest


def _load_codec(uplink: OpusUplink) -> None:
    OggOpusEncoder(sample_rate=uplink.sample_rate, bitrate=uplink.bitrate, frame_ms=uplink.frame_ms)
