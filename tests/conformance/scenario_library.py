"""The avatar library of a scenario: an HTTP transport."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx


class _Broken(httpx.AsyncByteStream):
    """A body that breaks off."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        raise httpx.ReadError("the connection broke")


class ScenarioLibrary:
    """Serves metadata and bundles as the client routes of a server do."""

    def __init__(self, avatars: dict[str, Any]) -> None:
        self.avatars = avatars
        self.offline = False
        self.statuses: dict[str, int | None] = {}
        self.breaks = (0, 0)  # bytes, times
        self.free = asyncio.Event()
        self.free.set()
        self.metadata_requests = 0
        self.ranges: list[str | None] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.offline:
            raise httpx.ConnectError("unreachable")
        if request.headers.get("x-app-id") != "app":
            return httpx.Response(403, json={"code": "appIDUnrecognized"})
        *_, kind, key = request.url.path.split("/")
        if kind == "avatars":
            return self._metadata(key)
        return await self._asset(key, request.headers.get("range"))

    def _metadata(self, avatar_id: str) -> httpx.Response:
        self.metadata_requests += 1
        if status := self.statuses.get("metadata"):
            return httpx.Response(status)
        if avatar_id not in self.avatars:
            return httpx.Response(404, json={"code": "avatarIDUnrecognized"})
        avatar = self.avatars[avatar_id]
        bundle = avatar["bundle"].encode()
        sha256 = hashlib.sha256(bundle).hexdigest()
        document = {
            "id": avatar_id,
            "name": avatar_id,
            "version": 1,
            "bundleUrl": f"/v1/client/assets/{sha256}",
            "sha256": sha256,
            "size": len(bundle),
            "minimumSdkVersion": None,
        }
        return httpx.Response(200, content=json.dumps(document | avatar.get("metadata", {})))

    async def _asset(self, sha256: str, wanted: str | None) -> httpx.Response:
        self.ranges.append(wanted)
        await self.free.wait()
        if status := self.statuses.get("assets"):
            return httpx.Response(status)
        bundles = [avatar["bundle"].encode() for avatar in self.avatars.values()]
        content = next((b for b in bundles if hashlib.sha256(b).hexdigest() == sha256), None)
        if content is None:
            return httpx.Response(404)
        served = next((a["served"].encode() for a in self.avatars.values() if "served" in a), content)
        start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted else 0
        headers = {"Content-Length": str(len(served) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(served) - 1}/{len(served)}"
        status = 206 if start else 200
        after, times = self.breaks
        if times:
            self.breaks = (after, times - 1)
            return httpx.Response(status, headers=headers, stream=_Broken(served[start : start + after]))
        return httpx.Response(status, headers=headers, content=served[start:])
