"""A client in Backend Mode: it loads the avatar, asks the relay to speak, and shows what the relay sends.

``python -m examples.backend_relay.client`` writes ``hello.mp4``. Settings come from the environment:
``AVATARKIT_ENDPOINT``, ``AVATARKIT_APP_ID`` and ``RELAY_URL`` (default ``ws://127.0.0.1:8800/avatar``). It needs no
API key and no session token.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Final

from examples.backend_relay.packets import MAX_BODY_BYTES, Kind, Packet
from websockets.asyncio.client import ClientConnection, connect

from avatarkit import (
    AudioCodec,
    AudioFormat,
    AvatarController,
    AvatarManager,
    AvatarSDK,
    AvatarView,
    Configuration,
    ConversationState,
    DrivingServiceMode,
)
from avatarkit.render import VideoSurface

MAX_MESSAGE_BYTES: Final = MAX_BODY_BYTES + 1024
_REMEMBERED_ROUNDS: Final = 64


class Feed:
    """Gives a controller what the relay sends.

    Args:
        controller: Of a view in Backend Mode.
    """

    def __init__(self, controller: AvatarController) -> None:
        self._controller = controller
        self._conversations: dict[str, str] = {}
        self.heard_all: dict[str, bool] = {}
        """Rounds, and whether their last motion has come."""

    def take(self, packet: Packet) -> None:
        """Pass a packet on. Raises ``RuntimeError`` for a failure that the relay reports."""
        if packet.kind is Kind.AUDIO:
            conversation = self._controller.yield_audio_data(packet.body, packet.last)
            if conversation is not None:
                self._remember(packet.round_id, conversation)
        elif packet.kind is Kind.MOTION:
            conversation = self._conversations.get(packet.round_id)
            if conversation is not None:  # else it was interrupted
                self._controller.yield_frames_data([packet.body], conversation)
                self.heard_all[packet.round_id] = packet.last
        elif packet.kind is Kind.FAILURE:
            raise RuntimeError(f"the relay reports {packet.json()}")
        elif packet.json().get("event") == "interrupted":
            self._conversations.pop(packet.round_id, None)
            self._controller.interrupt()

    def _remember(self, round_id: str, conversation: str) -> None:
        self._conversations[round_id] = conversation
        while len(self._conversations) > _REMEMBERED_ROUNDS:
            del self._conversations[next(iter(self._conversations))]


async def next_packet(socket: ClientConnection) -> Packet:
    """The next packet. ``ValueError`` for a message that is none."""
    data = await socket.recv()
    if isinstance(data, str):
        raise ValueError("the relay sent a text")
    return Packet.from_bytes(data)


async def converse(socket: ClientConnection, controller: AvatarController, text: str) -> None:
    """Let the avatar say a text, and wait until it was heard."""
    idle_again = asyncio.Event()
    states: list[ConversationState] = []

    def on_state(state: ConversationState) -> None:
        states.append(state)
        if state is ConversationState.IDLE and ConversationState.PLAYING in states:
            idle_again.set()

    controller.on_conversation_state = on_state
    feed = Feed(controller)
    await socket.send(json.dumps({"do": "say", "text": text}))
    while not any(feed.heard_all.values()):
        feed.take(await next_packet(socket))
    await idle_again.wait()


async def main(text: str = "Hello!", path: str = "hello.mp4") -> None:
    """Walk through the stages of Backend Mode."""
    async with connect(
        os.environ.get("RELAY_URL", "ws://127.0.0.1:8800/avatar"), max_size=MAX_MESSAGE_BYTES
    ) as socket:
        ready = (await next_packet(socket)).json()
        codec, rate = AudioCodec(ready["codec"]), int(ready["sampleRate"])
        settings = Configuration(
            endpoint=os.environ.get("AVATARKIT_ENDPOINT", "http://127.0.0.1:8700"),
            driving_service_mode=DrivingServiceMode.BACKEND,
            audio_format=AudioFormat(rate, input_format=codec),
        )
        await AvatarSDK.initialize(os.environ["AVATARKIT_APP_ID"], settings)
        surface = VideoSurface(path)
        try:
            avatar = await AvatarManager.shared().load(ready["avatarId"])
            async with AvatarView(avatar, surface, speaker="silent") as view:
                await converse(socket, view.controller, text)
                await asyncio.sleep(1.0)
        finally:
            await AvatarSDK.cleanup()
            surface.close()


if __name__ == "__main__":
    asyncio.run(main())
