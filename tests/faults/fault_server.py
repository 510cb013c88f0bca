"""A small Motion Server on a real socket, and a proxy that spoils the way to it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.protocol import MotionChunk, ServerSession
from avatarkit.protocol.events import AudioReceived, RequestDropped, RequestFinished, SessionConfigured

_SAMPLES_PER_FRAME = 640  # 16 kHz


def chunk(first: int, count: int, shape: str = "jawOpen") -> MotionChunk:
    weights = np.zeros((count, WEIGHT_COUNT), np.float32)
    weights[:, ARKIT_INDEX[shape]] = 1.0
    frames = MotionFrames(weights, np.zeros((count, HEAD_COUNT), np.float32), first)
    return MotionChunk(first, *frames.quantised())


class FaultServer:
    """Confirms every session and answers audio with open jaws at once."""

    def __init__(self) -> None:
        self.sessions = 0
        self.interrupted: list[str] = []
        self.connections: set[ServerConnection] = set()
        self.delay_s = 0.0
        self.chunk: Callable[[int, int], MotionChunk] = chunk
        self.after_confirm: Callable[[ServerConnection], object] | None = None
        self._server: Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await serve(self._serve, "127.0.0.1", self.port, max_size=None, compression=None)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self, code: int = 1012) -> None:
        assert self._server is not None
        self._server.close(close_connections=False)
        await asyncio.gather(*(c.close(code) for c in list(self.connections)), return_exceptions=True)
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, connection: ServerConnection) -> None:
        self.connections.add(connection)
        session = ServerSession("connection")
        samples: dict[str, int] = {}
        sent: dict[str, int] = {}
        with suppress(ConnectionClosed):
            async for data in connection:
                assert isinstance(data, bytes)
                for event in session.receive_bytes(data):
                    if isinstance(event, SessionConfigured):
                        self.sessions += 1
                        await connection.send(session.confirm())
                        if self.after_confirm is not None:
                            self.after_confirm(connection)
                    elif isinstance(event, RequestDropped):
                        self.interrupted.append(event.req_id)
                        await connection.send(session.end_dropped(event))
                    elif isinstance(event, AudioReceived | RequestFinished):
                        req_id = event.req_id
                        if isinstance(event, AudioReceived):
                            samples[req_id] = samples.get(req_id, 0) + len(event.audio) // 2
                        await asyncio.sleep(self.delay_s)
                        frames = samples.get(req_id, 0) // _SAMPLES_PER_FRAME - sent.get(req_id, 0)
                        if frames:
                            await connection.send(session.motion(req_id, self.chunk(sent.get(req_id, 0), frames)))
                            sent[req_id] = sent.get(req_id, 0) + frames
                        if isinstance(event, RequestFinished):
                            await connection.send(session.end(req_id))
        self.connections.discard(connection)


class FaultProxy:
    """Passes TCP on, as badly as it is told to."""

    def __init__(self, server: FaultServer) -> None:
        self._target = server
        self.delay_s = 0.0
        self.jitter_s = 0.0
        self.rate_bytes_per_s = 0.0
        self.silent = False  # takes everything and passes nothing on: a half-open connection
        self._random = random.Random(1)
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def inject(self, data: bytes) -> None:
        """Put bytes into every stream that goes to the client."""
        for writer in self._writers[::2]:
            writer.write(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())  # type: ignore[arg-type]
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target.port)
        except OSError:
            writer.transport.abort()
            return
        self._writers += [writer, there_writer]
        with suppress(OSError):
            await asyncio.gather(self._pass_on(reader, there_writer), self._pass_on(there_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1400):
            if self.silent:
                continue
            if self.rate_bytes_per_s:
                await asyncio.sleep(len(data) / self.rate_bytes_per_s)
            await asyncio.sleep(self.delay_s + self._random.uniform(0.0, self.jitter_s))
            writer.write(data)
        writer.close()
