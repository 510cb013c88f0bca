"""What the tests with the published clients share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from server_kit import Running

from avatarkit.protocol import avatarkit_pb2 as pb

RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)


@dataclass
class Heard:
    """What a published client passes on."""

    messages: list[pb.Message] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    closed: int = 0

    def frame(self, data: bytes, _last: bool) -> None:
        self.messages.append(pb.Message.FromString(data))

    def close(self) -> None:
        self.closed += 1

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {"transport_frames": self.frame, "on_error": self.errors.append, "on_close": self.close}

    def replies(self, req_id: str) -> list[pb.ServerResponseAnimation]:
        animations = [message.server_response_animation for message in self.messages]
        return [reply for reply in animations if reply.req_id == req_id]

    def frames(self, req_id: str) -> int:
        return sum(reply.motion.frame_count for reply in self.replies(req_id))

    async def until_end(self, req_id: str) -> list[pb.ServerResponseAnimation]:
        async with asyncio.timeout(20):
            while not any(reply.end for reply in self.replies(req_id)):  # noqa: ASYNC110 - the client's callbacks
                await asyncio.sleep(0.005)
        return self.replies(req_id)

    async def until_closed(self) -> None:
        async with asyncio.timeout(20):
            while not self.closed:  # noqa: ASYNC110 - the client's callbacks
                await asyncio.sleep(0.005)

    def codes(self) -> list[str]:
        return [getattr(error, "code", error).value for error in self.errors]


def addresses(server: Running, **others: Any) -> dict[str, Any]:
    """The arguments that point a published client at our server."""
    return {
        "avatar_id": "ada",
        "api_key": server.credentials.api_key,
        "app_id": server.credentials.app_id,
        "console_endpoint_url": server.url + "/v1/console",
        "ingress_endpoint_url": server.url.replace("http", "ws", 1) + "/v2/driveningress",
    } | others
