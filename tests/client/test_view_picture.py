"""Transform, resolution, bounding rectangle, bitmap, pausing the drawing, statistics, streams of events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from client_fakes import FakeRenderer, FakeServer, FakeSurface, speech

from avatarkit import (
    AnimationStateChanged,
    AnimationType,
    AvatarSDK,
    AvatarView,
    ErrorRaised,
    FrameRateInfo,
    Rect,
    RenderQuality,
    Transform,
)
from avatarkit._events import MAX_WAITING, EventStreams
from avatarkit._frame_rate import FrameRateMonitor
from avatarkit._picture import Picture, Resolution, enlarge, transformed
from avatarkit.clock import VirtualClock
from avatarkit.errors import ErrorCode, error
from avatarkit.types import Camera


def project(camera: Camera, point: tuple[float, float, float]) -> tuple[float, float]:
    """Where a point is in a square picture: -1..1 to the right and up. The camera looks along -Z."""
    relative = np.subtract(point, camera.position)
    half = np.tan(np.radians(camera.vertical_fov_deg) / 2.0) * -relative[2]
    return float(relative[0] / half), float(relative[1] / half)


def test_a_transform_moves_and_scales_the_avatar() -> None:
    camera = Camera()
    moved = transformed(camera, Transform(x=0.5, y=-0.25), 1.0)
    assert project(moved, camera.target) == pytest.approx((0.5, -0.25))
    point = (0.05, 0.1, 0.0)
    before, after = project(camera, point), project(transformed(camera, Transform(scale=2.0), 1.0), point)
    assert after == pytest.approx((2 * before[0], 2 * before[1]))
    assert transformed(camera, Transform(), 1.0) == camera


@pytest.mark.parametrize("fields", [{"x": 1.5}, {"y": -2.0}, {"scale": 0.0}, {"scale": float("nan")}])
def test_transforms_that_are_none(fields: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="transform"):
        Transform(**fields)


def test_quality_and_cap_say_how_much_is_drawn() -> None:
    resolution = Resolution()
    assert resolution.size((800, 600)) == (800, 600)
    resolution.quality = RenderQuality.STANDARD
    assert resolution.size((800, 600)) == (400, 300)
    resolution.cap_lines = 150
    assert resolution.size((800, 600)) == (200, 150)
    assert resolution.size((1, 1)) == (1, 1)


def test_enlarging_keeps_colours_at_edges() -> None:
    image = np.zeros((2, 2, 4), np.uint8)
    image[:, 0] = (200, 100, 50, 255)
    large = enlarge(image, (8, 4))
    assert large.shape == (4, 8, 4)
    visible = large[large[..., 3] > 0]
    assert np.abs(visible[:, :3].astype(int) - (200, 100, 50)).max() <= 1
    assert large[0, 0, 3] == 255
    assert large[0, -1, 3] == 0


def test_bounding_rect_is_in_the_surfaces_pixels() -> None:
    picture = Picture(Resolution())
    assert picture.bounding_rect((100, 100)) is None
    picture.shown = np.zeros((50, 50, 4), np.uint8)
    assert picture.bounding_rect((100, 100)) is None
    picture.shown[10:20, 5:15, 3] = 255
    assert picture.bounding_rect((100, 100)) == Rect(10, 20, 20, 20)


async def test_a_paused_view_draws_nothing_and_goes_on_in_time(
    view: AvatarView, renderer: FakeRenderer, surface: FakeSurface, server: FakeServer, clock: VirtualClock
) -> None:
    await view.mounted()
    assert view.export_bitmap() is not None
    view.pause_rendering()
    assert not view.is_rendering
    assert view.export_bitmap() is None
    await clock.advance(0.2)
    drawn = len(renderer.poses)
    await view.controller.start()
    round_id = view.controller.send(speech(1.0), end=True)
    server.last.motion(round_id, 0, 25, end=True)
    await clock.advance(0.5)
    assert len(renderer.poses) == drawn
    assert view.controller.audio_time == pytest.approx(0.5, abs=0.05)
    view.resume_rendering()
    await clock.advance(0.3)
    assert drawn + 5 <= len(renderer.poses) <= drawn + 9  # no burst
    assert surface.times_s == sorted(surface.times_s)


async def test_quality_reaches_every_view(view: AvatarView) -> None:
    assert view.render_size == (1, 1)
    AvatarSDK.set_render_quality(RenderQuality.HIGH)
    assert AvatarSDK.render_quality() is RenderQuality.HIGH
    AvatarSDK.set_render_resolution_cap(True, 720)
    assert AvatarSDK.render_resolution_cap() == 720
    AvatarSDK.set_render_resolution_cap(False)
    assert AvatarSDK.render_resolution_cap() is None
    view.transform = Transform(x=0.1)
    view.camera = Camera(position=(0.0, 0.0, 2.0))
    assert view.camera.position == (0.0, 0.0, 2.0)
    assert view.transform.x == 0.1


async def test_statistics_of_drawing(view: AvatarView, clock: VirtualClock) -> None:
    told: list[FrameRateInfo] = []
    view.controller.on_frame_rate_info = told.append
    await clock.advance(1.0)
    assert told == []
    view.controller.frame_rate_monitor_enabled = True
    await clock.advance(3.0)
    assert 20 <= len(told) <= 30  # at most ten a second
    assert told[-1].display_fps == pytest.approx(25.0)
    assert told[-1].jank_ratio == 0.0
    view.controller.frame_rate_monitor_enabled = False
    await clock.advance(1.0)
    assert len(told) <= 30


def test_an_empty_window_has_no_statistics() -> None:
    assert FrameRateMonitor().info(1.0) == FrameRateInfo(None, None, None, None, None, 0)


async def test_who_moves_the_face(view: AvatarView, server: FakeServer, clock: VirtualClock) -> None:
    told: list[AnimationType] = []
    view.controller.on_animation_state = told.append
    await view.controller.start()
    round_id = view.controller.send(speech(0.5), end=True)
    server.last.motion(round_id, 0, 13, end=True)
    await clock.advance(2.0)
    assert told == [AnimationType.MONO, AnimationType.IDLE]


async def test_events_end_with_the_view(make_view: Callable[[], AvatarView], clock: VirtualClock) -> None:
    made = make_view()
    await clock.advance(0.0)
    events = made.controller.events()
    await made.controller.start()
    await made.dispose()
    kinds = [type(event).__name__ async for event in events]
    assert kinds == ["ConnectionStateChanged"] * 3
    assert [event async for event in made.controller.events()] == []


async def test_a_slow_listener_loses_the_oldest_and_holds_nobody_up() -> None:
    streams = EventStreams()
    slow, quick = streams.listen(), streams.listen()
    event = AnimationStateChanged(AnimationType.IDLE)
    newest = ErrorRaised(error(ErrorCode.SERVER_ERROR, "the newest"))
    for _ in range(MAX_WAITING + 50):
        streams.emit(event)
    streams.emit(newest)
    assert await anext(quick) == event
    streams.close()
    rest = [told async for told in slow]
    assert len(rest) == MAX_WAITING - 1
    assert rest[-1] == newest


async def test_a_listener_that_stops_is_forgotten() -> None:
    streams = EventStreams()
    listening = asyncio.create_task(anext(streams.listen()))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    for _ in range(5):
        await asyncio.sleep(0)
    assert streams._queues == []
