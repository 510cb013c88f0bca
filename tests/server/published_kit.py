"""Both published client packages, unmodified, behind one face."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.metadata
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from server_kit import Running

from avatarkit.protocol import avatarkit_pb2 as pb

RATES = (8000, 16000, 22050, 24000, 32000, 44100, 48000)
VERSIONS = {"spatius": "1.1.1", "spatialreal": "0.2.2"}


@dataclass
class Heard:
    """What a published client passes on."""

    messages: list[pb.Message] = field(default_factory=list)
    errors: list[Any] = field(default_factory=list)
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
        return [error.code.value for error in self.errors]


class Family:
    """One of the packages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.package: Any = pytest.importorskip(name, reason=f"the published client '{name}' is not installed")
        if name == "spatius":
            self.package.configure_telemetry("")  # it would report to its vendor

    def client(self, server: Running, heard: Heard | None = None, **others: Any) -> Any:
        """A session object that points at our server."""
        arguments = {
            "avatar_id": "ada",
            "api_key": server.credentials.api_key,
            "app_id": server.credentials.app_id,
            "console_endpoint_url": server.url + "/v1/console",
            "ingress_endpoint_url": server.url.replace("http", "ws", 1) + "/v2/driveningress",
            "expire_at": datetime.now(UTC) + timedelta(hours=1),
        }
        callbacks = {} if heard is None else heard.callbacks()
        return self.package.new_avatar_session(**(arguments | callbacks | others))

    @contextlib.asynccontextmanager
    async def session(self, server: Running, **others: Any) -> AsyncIterator[tuple[Any, Heard]]:
        """A started session."""
        heard = Heard()
        client = self.client(server, heard, **others)
        await client.init()
        await client.start()
        try:
            yield client, heard
        finally:
            await client.close()

    async def init_error(self, server: Running, **others: Any) -> Any:
        """The error in which asking for a token ends."""
        return await self._error_of(self.client(server, **others).init)

    async def start_error(
        self,
        server: Running,
        token: str | None = None,
        *,
        first: Callable[[Any], Awaitable[None]] | None = None,
        **others: Any,
    ) -> Any:
        """The error in which opening a session ends; ``first`` is sent in place of the configuration."""
        client = self.client(server, **others)
        client._session_token = token or await server.token()
        if first is not None:
            name = "_send_client_configure_session" if self.name == "spatius" else "_send_configure_session"
            setattr(client, name, lambda: first(client))
        try:
            return await self._error_of(client.start)
        finally:
            await client.close()

    async def _error_of(self, act: Callable[[], Awaitable[Any]]) -> Any:
        with pytest.raises(self.package.AvatarSDKError) as caught:
            await act()
        return caught.value


@contextlib.asynccontextmanager
async def behind_proxy(server: Running, **headers: str) -> AsyncIterator[dict[str, str]]:
    """A reverse proxy of this machine that adds headers to the first request of each connection; the addresses to
    give to a client."""
    host, _, port = server.url.removeprefix("http://").partition(":")
    tasks: set[asyncio.Task[None]] = set()
    added = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items()).encode()

    writers: list[asyncio.StreamWriter] = []

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream = await asyncio.open_connection(host, int(port))
        writers.extend((writer, upstream))
        upstream.write(await reader.readline() + added)
        for task in (copy(reader, upstream), copy(upstream_reader, writer)):
            tasks.add(asyncio.create_task(task))

    proxy = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    try:
        yield {
            "console_endpoint_url": f"http://{address}/v1/console",
            "ingress_endpoint_url": f"ws://{address}/v2/driveningress",
        }
    finally:
        proxy.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in writers:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def installed_version(family: Family) -> str:
    return importlib.metadata.version(family.name)


async def set_quota(server: Running, **quotas: int) -> None:
    path = f"/v1/admin/apps/{server.credentials.app_id}"
    headers = {"X-Admin-Key": server.credentials.admin_key}
    assert (await server.http.patch(path, headers=headers, json={"quotas": quotas})).status_code == 200


async def administer(server: Running, method: str, path: str, **body: Any) -> None:
    headers = {"X-Admin-Key": server.credentials.admin_key}
    reply = await server.http.request(method, "/v1/admin" + path, headers=headers, **body)
    assert reply.is_success, reply.text
