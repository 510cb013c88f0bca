"""A whole server on a real loopback socket inside the test's event loop, and a raw client for its WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from avatarkit.clock import VirtualClock
from avatarkit.frames import MotionFrames
from avatarkit.motion.style import Style
from avatarkit.protocol import avatarkit_pb2 as pb
from avatarkit.server.first_start import Credentials, StartReport
from avatarkit.server.library.assets import AssetFolder
from avatarkit.server.run import AvatarServer, bind, url_of
from avatarkit.server.services import Services
from avatarkit.server.settings import Settings
from avatarkit.server.store.database import Store
from avatarkit.server.store.records import AvatarRecord, Job
from avatarkit.types import Camera

BUNDLE = random.Random(1).randbytes(5120)
"""Stands for a bundle: the routes never look inside, and compression does not help."""


class LoudnessStream:
    """Frames whose first weight is the loudness of their 40 ms: enough to see what came from which audio."""

    def __init__(self, engine: LoudnessEngine, sample_rate: int) -> None:
        self._engine = engine
        self._rate = sample_rate
        self._pcm = bytearray()
        self._given = 0
        self._finished = False

    def push(self, pcm: bytes) -> None:
        self._engine.gate()
        self._pcm += pcm

    def finish(self) -> None:
        self._finished = True

    def take(self) -> MotionFrames:
        samples = np.frombuffer(bytes(self._pcm[: len(self._pcm) // 2 * 2]), "<i2")
        frames = len(samples) * 25 / self._rate
        count = int(np.ceil(frames)) if self._finished else int(frames)
        weights = np.zeros((count - self._given, 52), np.float32)
        step = self._rate // 25
        for row, frame in enumerate(range(self._given, count)):
            weights[row, 0] = float(
                np.abs(samples[frame * step : (frame + 1) * step].astype(np.float32)).mean() / 32768
            )
        first, self._given = self._given, count
        return MotionFrames(weights, np.zeros((len(weights), 6), np.float32), first)


class LoudnessEngine:
    """The simplest engine that keeps the contract. ``gate`` runs on the inference thread before audio is taken."""

    name = "loudness"

    def __init__(self, gate: Any = lambda: None) -> None:
        self.gate = gate
        self.style: Style | None = None

    def open(self, sample_rate: int, *, seed: int = 0, style: Style | None = None) -> LoudnessStream:
        self.style = style
        return LoudnessStream(self, sample_rate)


@dataclass
class Running:
    url: str
    credentials: Credentials
    services: Services
    server: AvatarServer
    http: httpx.AsyncClient
    clients: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def ws_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/v2/driveningress/websocket"

    async def token(self, **body: Any) -> str:
        body = body or {"expireAt": int(time.time()) + 600}
        reply = await self.http.post(
            "/v1/console/session-tokens", headers={"X-Api-Key": self.credentials.api_key}, json=body
        )
        assert reply.status_code == 200, reply.text
        return str(reply.json()["sessionToken"])

    async def signed(self, app_id: str, *, now: int, expires_at: int) -> str:
        return (await self.services.signer()).issue(app_id, expires_at=expires_at, now=now)

    async def add_avatar(self, avatar_id: str, content: bytes = BUNDLE) -> AvatarRecord:
        return await add_plain_avatar(await self.services.store(), self.services.assets, avatar_id, content)

    async def open(self, *, path: str | None = None) -> RawClient:
        headers = {"X-App-ID": self.credentials.app_id, "X-Session-Key": await self.token()}
        socket = await connect((path or self.ws_url) + "?id=ada", additional_headers=headers)
        client = RawClient(socket)
        self.clients.push_async_callback(socket.close)
        return client

    async def session(self, sample_rate: int = 16000) -> RawClient:
        """A client whose session is confirmed."""
        client = await self.open()
        await client.configure(sample_rate)
        confirmed = await client.next()
        assert confirmed.type == pb.MESSAGE_TYPE_SERVER_CONFIRM_SESSION
        assert confirmed.server_confirm_session.connection_id
        return client


class RawClient:
    """Speaks the protocol with nothing between: protobuf messages on a socket."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, kind: int, **body: Any) -> None:
        await self.socket.send(pb.Message(type=kind, **body).SerializeToString())

    async def configure(self, sample_rate: int = 16000, **more: Any) -> None:
        configuration = pb.ClientConfigureSession(sample_rate=sample_rate, **more)
        await self.send(1, client_configure_session=configuration)

    async def audio(self, req_id: str, pcm: bytes = b"", *, end: bool = False) -> None:
        await self.send(3, client_audio_input=pb.ClientAudioInput(req_id=req_id, audio=pcm, end=end))

    async def interrupt(self, req_id: str) -> None:
        await self.send(7, client_interrupt=pb.ClientInterrupt(req_id=req_id))

    async def next(self) -> pb.Message:
        data = await asyncio.wait_for(self.socket.recv(), 20)
        assert isinstance(data, bytes)
        return pb.Message.FromString(data)

    async def until_end(self, req_id: str) -> list[pb.ServerResponseAnimation]:
        """All motion of a request, its end included."""
        replies = []
        while not (replies and replies[-1].end):
            message = await self.next()
            if message.server_response_animation.req_id == req_id:
                replies.append(message.server_response_animation)
        return replies

    async def closed(self) -> tuple[int, str]:
        """Wait for the server's close; what else arrives is thrown away."""
        with contextlib.suppress(Exception):
            while True:
                await asyncio.wait_for(self.socket.recv(), 20)
        await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


Start = Callable[..., contextlib.AbstractAsyncContextManager[Running]]
"""The fixture ``start``."""


@dataclass(frozen=True)
class Template:
    """A data folder that was set up once; each server starts on a copy, without migration or bundle check."""

    folder: Path
    credentials: Credentials
    database_url: str = ""


async def make_template(folder: Path, database_url: str = "") -> Template:
    store = await Store.open(folder, database_url)
    now = int(time.time())
    app = await store.apps.create("demo", now=now)
    key = await store.keys.create(app.id, now=now)
    admin_key = await store.secrets.create_admin_key()
    assert admin_key is not None
    for avatar_id in ("ada", "default"):
        await add_plain_avatar(store, AssetFolder(folder / "assets"), avatar_id)
    await store.close()
    return Template(folder, Credentials(app.id, key.text, admin_key), database_url)


class QuickServer(AvatarServer):
    """Looks for its stop more often than ten times a second, so that a hundred tests end in seconds."""

    async def main_loop(self) -> None:
        await self.on_tick(0)
        while not self.should_exit:  # noqa: ASYNC110 - set by a test, or by a signal
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def running(
    template: Template, data: Path, *, engine: Any = None, clock: Any = None, **settings: Any
) -> AsyncIterator[Running]:
    """A server with an avatar ``ada`` and an engine that measures loudness."""
    shutil.copytree(template.folder, data, dirs_exist_ok=True)
    listener = bind("127.0.0.1", 0)
    services = Services(
        Settings(data=data, port=0, **({"database_url": template.database_url} | settings)),
        clock=clock,
        engine_factory=lambda _name: engine or LoudnessEngine(),
    )
    ready: asyncio.Future[StartReport] = asyncio.get_running_loop().create_future()
    server = QuickServer(services, listener, lambda _url, report: ready.set_result(report))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.wait_for(ready, 30)
        url = url_of(listener)
        async with httpx.AsyncClient(base_url=url) as http:
            run = Running(url, template.credentials, services, server, http)
            async with run.clients:
                yield run
    finally:
        server.should_exit = True
        while not serving.done():  # a stop waits for running rounds: in virtual time, for nothing
            if isinstance(clock, VirtualClock):
                await clock.advance(60)
            await asyncio.wait((serving,), timeout=0.01)
        await serving
        listener.close()


async def add_plain_avatar(
    store: Store, assets: AssetFolder, avatar_id: str, content: bytes = BUNDLE
) -> AvatarRecord:
    """Put bytes in the library without the bundle check."""
    source = assets.incoming() / "source"
    source.write_bytes(content)
    sha256, size = assets.add(source)
    source.unlink()
    record = AvatarRecord(avatar_id, avatar_id.title(), 1, sha256, size, "0.1.0", "CC0-1.0", "Us", Camera(), 1, 1)
    return await store.avatars.put(record)


async def ended(server: Running, job_id: str) -> Job:
    """Wait for a job of the app's to end."""
    jobs = (await server.services.store()).jobs
    while True:
        job = await jobs.get(job_id, server.credentials.app_id)
        assert job is not None
        if job.completed_at is not None:
            return job
        await asyncio.sleep(0.005)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 - the condition is another task's doing
        await asyncio.sleep(0)


def tone(seconds: float, *, sample_rate: int = 16000, level: float = 0.5) -> bytes:
    """A square wave: its loudness is its level."""
    count = int(seconds * sample_rate)
    wave = np.where(np.arange(count) % 32 < 16, 1, -1) * level * 32767
    return wave.astype("<i2").tobytes()


def frames_of(replies: list[pb.ServerResponseAnimation]) -> int:
    return sum(reply.motion.frame_count for reply in replies)


def parse_json_lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]
