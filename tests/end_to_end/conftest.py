"""A real server process, and a client whose SDK is clean before and after each test."""

from __future__ import annotations

import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from avatarkit import AvatarSDK

from .real_server import CLIP, Server, start, stop


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start(tmp_path_factory.mktemp("server"))
    yield running
    stop(running)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that the test may kill."""
    running = start(tmp_path / "server")
    yield running
    stop(running)


@pytest.fixture
async def sdk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[type[AvatarSDK]]:
    monkeypatch.delenv("AVATARKIT_ENDPOINT", raising=False)
    await AvatarSDK.cleanup()
    yield AvatarSDK
    await AvatarSDK.cleanup()


@pytest.fixture(scope="session")
def speech() -> bytes:
    """Three seconds of the demo's speech, PCM at 16 kHz."""
    with wave.open(str(CLIP), "rb") as wav:
        return wav.readframes(3 * wav.getframerate())
