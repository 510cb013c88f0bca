"""A Motion Server whose motion tells its own position: ``python -m bench.playback.server`` prints its port.

Frame i has ``tongueOut`` = (i mod 250) / 255 and ``jawOpen`` = 0.8. Motion is sent for all audio that has come.
"""

from __future__ import annotations

import asyncio

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT
from avatarkit.protocol import MotionChunk, chunk_to_message
from avatarkit.protocol import avatarkit_pb2 as pb

CYCLE = 250
TONGUE = ARKIT_INDEX["tongueOut"]
JAW = ARKIT_INDEX["jawOpen"]


def motion(req_id: str, first: int, count: int, *, end: bool) -> bytes:
    response = pb.ServerResponseAnimation(req_id=req_id, end=end)
    if count:
        weights = np.zeros((count, WEIGHT_COUNT), np.uint8)
        weights[:, TONGUE] = np.arange(first, first + count) % CYCLE
        weights[:, JAW] = 204
        head = np.zeros((count, HEAD_COUNT), "<i2")
        response.motion.CopyFrom(chunk_to_message(MotionChunk(first, weights.tobytes(), head.tobytes())))
    kind = pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION
    return pb.Message(type=kind, server_response_animation=response).SerializeToString()


async def session(socket: ServerConnection) -> None:
    rate, samples, sent, current = 16000, 0, 0, ""
    async for data in socket:
        message = pb.Message.FromString(data if isinstance(data, bytes) else data.encode())
        if message.HasField("client_configure_session"):
            rate = message.client_configure_session.sample_rate
            kind = pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION
            confirmation = pb.ServerConfirmSession(connection_id="bench")
            await socket.send(pb.Message(type=kind, server_confirm_session=confirmation).SerializeToString())
        elif message.HasField("client_audio_input"):
            part = message.client_audio_input
            if part.req_id != current:
                current, samples, sent = part.req_id, 0, 0
            samples += len(part.audio) // 2
            frames = samples * 25 // rate
            await socket.send(motion(current, sent, frames - sent, end=part.end))
            sent = frames


async def main() -> None:
    async with serve(session, "127.0.0.1", 0, compression=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
