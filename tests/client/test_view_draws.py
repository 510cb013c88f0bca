"""What an app sees of a view that really draws: place, camera, resolution, still pictures."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np
import pytest
from client_fakes import AVATAR, FakeServer
from inline_draw import InlineDraw
from PIL import Image

import avatarkit._view
from avatarkit import AvatarSDK, AvatarView, RenderQuality, Transform
from avatarkit.avatars import builtin
from avatarkit.clock import VirtualClock
from avatarkit.render import OffscreenSurface

SIZE = (96, 64)


@pytest.fixture
def screen() -> OffscreenSurface:
    return OffscreenSurface(SIZE)


@pytest.fixture
async def drawn(
    ready: None, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock, server: FakeServer, screen: OffscreenSurface
) -> AsyncIterator[AvatarView]:
    monkeypatch.setattr(avatarkit._view, "DrawThread", InlineDraw)
    avatar = replace(AVATAR, asset_path=builtin.default_path())
    made = AvatarView(avatar, screen, speaker="silent", renderer="cpu", seed=1, clock=clock)
    await clock.advance(0.1)
    yield made
    await made.dispose()


async def test_a_transform_moves_and_scales_what_is_drawn(
    drawn: AvatarView, clock: VirtualClock, screen: OffscreenSurface
) -> None:
    rest = drawn.bounding_rect()
    assert rest is not None
    drawn.transform = Transform(scale=0.5)
    await clock.advance(0.1)
    small = drawn.bounding_rect()
    assert small is not None
    assert small.width < 0.7 * rest.width
    drawn.transform = Transform(x=0.5, scale=0.5)
    await clock.advance(0.1)
    moved = drawn.bounding_rect()
    assert moved is not None
    assert moved.x - small.x == pytest.approx(SIZE[0] / 4, abs=3)
    assert screen.latest is not None
    seen = np.flatnonzero((screen.latest[..., 3] > 0).any(axis=0))
    assert (int(seen[0]), int(np.ptp(seen)) + 1) == (moved.x, moved.width)


async def test_another_camera_shows_another_side(drawn: AvatarView, clock: VirtualClock) -> None:
    before, front = drawn.camera, drawn.export_bitmap()
    x, y, z = before.position
    drawn.camera = replace(before, position=(x + z - before.target[2], y, before.target[2]))
    await clock.advance(0.1)
    side = drawn.export_bitmap()
    assert front is not None
    assert side is not None
    assert np.abs(pixels(front).astype(int) - pixels(side)).mean() > 5


async def test_quality_and_cap_change_what_is_drawn_not_what_is_shown(
    drawn: AvatarView, clock: VirtualClock, screen: OffscreenSurface
) -> None:
    for quality, size in (
        (RenderQuality.STANDARD, (48, 32)),
        (RenderQuality.HIGH, (72, 48)),
        (RenderQuality.ULTRA, SIZE),
    ):
        AvatarSDK.set_render_quality(quality)
        await clock.advance(0.1)
        picture = drawn.export_bitmap()
        assert picture is not None
        assert drawn.render_size == size == pixels(picture).shape[1::-1]
        assert screen.latest is not None
        assert screen.latest.shape == (SIZE[1], SIZE[0], 4)
    AvatarSDK.set_render_resolution_cap(True, 16)
    assert drawn.render_size == (24, 16)


async def test_a_still_is_a_png_with_alpha(drawn: AvatarView) -> None:
    data = drawn.export_bitmap()
    assert data is not None
    alpha = pixels(data)[..., 3]
    assert alpha[1, 1] == 0
    assert alpha[SIZE[1] // 2, SIZE[0] // 2] == 255


async def test_a_paused_view_shows_its_last_frame(
    drawn: AvatarView, clock: VirtualClock, screen: OffscreenSurface
) -> None:
    drawn.pause_rendering()
    await clock.advance(0.1)
    count = screen.frame_count
    await clock.advance(1.0)
    assert screen.frame_count == count
    drawn.resume_rendering()
    await clock.advance(0.2)
    assert screen.frame_count > count


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))
