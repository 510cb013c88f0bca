"""A request cannot make the server connect where it likes: pictures are fetched from public addresses alone."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest
from server_kit import Running, ended

import avatarkit.server
from avatarkit.protocol import avatarkit_pb2 as pb

ROOT = Path(avatarkit.server.__file__).parent
HTTP_CLIENTS = {"httpx", "requests", "aiohttp", "urllib.request", "urllib3", "http.client", "ftplib", "smtplib"}
# The only code that opens connections of its own: to addresses from the settings, and to those that it checked.
ALLOWED = {"library/remote.py": {"fsspec"}, "library/download.py": {"httpx"}}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_of_the_server_imports_an_http_client(path: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    own = ALLOWED.get(str(path.relative_to(ROOT)), set())
    for name in names:
        assert name not in HTTP_CLIENTS - own
        assert name.split(".")[0] not in HTTP_CLIENTS - own
        assert name.split(".")[0] != "fsspec" or "fsspec" in own


async def test_private_urls_in_requests_are_refused_without_a_look_at_them(server: Running) -> None:
    visitors: list[object] = []

    async def on_visitor(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visitors.append(writer.get_extra_info("peername"))
        writer.close()

    trap = await asyncio.start_server(on_visitor, "127.0.0.1", 0)
    address = f"127.0.0.1:{trap.sockets[0].getsockname()[1]}"
    keys = server.credentials
    headers = {"X-App-ID": keys.app_id, "X-API-Key": keys.api_key}
    body = {"imageUrl": f"http://{address}/x.png", "consent": True}
    made = (await server.http.post("/v1/open/avatars", headers=headers, json=body)).json()
    job = await ended(server, made["jobId"])
    assert (job.status.value, job.error_code) == ("failed", "source_download_failed")
    reply = await server.http.post("/v1/open/videos", headers=headers, json={"audioUrl": f"http://{address}/x.wav"})
    assert 400 <= reply.status_code <= 501
    client = await server.open()
    egress = pb.LiveKitEgressConfig(url=f"ws://{address}", room_name="r", publisher_id="p", api_token="t")
    await client.configure(egress_type=pb.EGRESS_TYPE_LIVEKIT, livekit_egress=egress)
    assert (await client.next()).server_error.code == 14
    trap.close()
    await trap.wait_closed()
    assert visitors == []
