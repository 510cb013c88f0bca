from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from client_fakes import AVATAR, FakeRenderer, FakeServer, FakeSurface, Watch, bundle
from inline_draw import InlineDraw

import avatarkit._session
import avatarkit._view
from avatarkit import AvatarController, AvatarSDK, AvatarView, Configuration
from avatarkit.clock import VirtualClock


@pytest.fixture(autouse=True)
async def clean_sdk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.delenv("AVATARKIT_ENDPOINT", raising=False)
    await AvatarSDK.cleanup()
    yield
    await AvatarSDK.cleanup()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(100.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeServer:
    fake = FakeServer()
    monkeypatch.setattr(avatarkit._session, "open_websocket", fake.connect)
    return fake


@pytest.fixture
def renderer() -> FakeRenderer:
    return FakeRenderer()


@pytest.fixture
def surface() -> FakeSurface:
    return FakeSurface()


@pytest.fixture
async def ready(tmp_path: Path) -> None:
    """The SDK as an app has it when it makes a view and connects."""
    await AvatarSDK.initialize("app", Configuration(endpoint="http://127.0.0.1:1", cache_dir=tmp_path))
    AvatarSDK.set_session_token("a-token")


@pytest.fixture
def make_view(
    ready: None,
    monkeypatch: pytest.MonkeyPatch,
    clock: VirtualClock,
    server: FakeServer,
    renderer: FakeRenderer,
    surface: FakeSurface,
) -> Callable[[], AvatarView]:
    monkeypatch.setattr(avatarkit._view, "DrawThread", InlineDraw)
    monkeypatch.setattr(avatarkit._view, "read_bundle", lambda path: bundle())
    return lambda: AvatarView(AVATAR, surface, speaker="silent", renderer=renderer, seed=1, clock=clock)


@pytest.fixture
async def view(make_view: Callable[[], AvatarView], clock: VirtualClock) -> AsyncIterator[AvatarView]:
    made = make_view()
    await clock.advance(0.0)
    yield made
    await made.dispose()


@pytest.fixture
def controller(view: AvatarView) -> AvatarController:
    return view.controller


@pytest.fixture
def watch(controller: AvatarController) -> Watch:
    return Watch(controller)
