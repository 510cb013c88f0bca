"""The picture of an avatar, drawn by our renderer."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from server_kit import Running

BUILT = Path(__file__).parents[2] / "src/avatarkit/avatars/builtin/default.glb"


async def test_a_cover_is_drawn_once_and_immutable(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    record = await server.add_avatar("built", BUILT.read_bytes())
    headers = {"X-App-ID": server.credentials.app_id}
    url = (await server.http.get("/v1/client/avatars/built", headers=headers)).json()["coverUrl"]

    drawn = await server.http.get(url, timeout=100)
    monkeypatch.setattr("avatarkit.server.library.cover.run_child", None)  # it may not be drawn again
    again = await server.http.get(url)
    known = await server.http.get(url, headers={"If-None-Match": drawn.headers["etag"]})

    assert drawn.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", drawn.content[16:24]) == (512, 512)
    assert len(drawn.content) > 20_000  # a face, not an empty picture
    assert again.content == drawn.content
    assert "immutable" in drawn.headers["cache-control"]
    assert known.status_code == 304
    assert record.sha256 in url
