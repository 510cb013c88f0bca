"""An avatar on a surface: idle from the first frame on, in time, and gone without a trace."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from client_fakes import AVATAR, JAW, FakeRenderer, FakeServer, FakeSurface, speech

import avatarkit._view
from avatarkit import AvatarError, AvatarSDK, AvatarView, ConnectionState, ConversationState, ErrorCode, Mood
from avatarkit.clock import VirtualClock
from avatarkit.errors import error
from avatarkit.frames import ARKIT_INDEX
from avatarkit.render import VideoSurface

MakeView = Callable[[], AvatarView]


async def test_draws_idle_motion_at_the_surfaces_pace(
    view: AvatarView, clock: VirtualClock, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    await clock.advance(2.0)
    assert surface.times_s == pytest.approx([k / 25 for k in range(51)])
    heads = [tuple(pose.head) for pose in renderer.poses]
    assert all(a != b for a, b in itertools.pairwise(heads))
    assert view.controller.report().frames_dropped == 0


async def test_first_rendering_is_told_once(make_view: MakeView, clock: VirtualClock) -> None:
    told: list[bool] = []
    view = make_view()
    view.on_first_rendering = lambda: told.append(True)
    await view.mounted()
    await clock.advance(1.0)
    assert told == [True]
    await view.dispose()


async def test_a_failing_first_rendering_callback_stops_nothing(
    make_view: MakeView, clock: VirtualClock, surface: FakeSurface
) -> None:
    def fail() -> None:
        raise RuntimeError("the app's own mistake")

    view = make_view()
    view.on_first_rendering = fail
    await clock.advance(1.0)
    assert len(surface.times_s) > 20
    await view.dispose()


async def test_the_same_seed_draws_the_same(make_view: MakeView, clock: VirtualClock, renderer: FakeRenderer) -> None:
    runs = []
    for _ in range(2):
        renderer.poses = []
        view = make_view()
        await clock.advance(1.0)
        await view.dispose()
        runs.append(np.array([np.concatenate([p.weights, p.head]) for p in renderer.poses]))
    assert len(runs[0]) == len(runs[1])
    assert np.allclose(runs[0], runs[1], atol=1e-5)


async def test_lips_and_sound_share_the_surfaces_time(
    view: AvatarView, clock: VirtualClock, server: FakeServer, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    await view.controller.start()
    await clock.advance(1.0)
    round_id = view.controller.send(speech(0.8), end=True)
    server.last.motion(round_id, 0, 20, end=True)
    await clock.advance(2.0)
    assert sum(count for _, count in surface.sound) == len(speech(0.8)) // 2
    first_sound_s = surface.sound[0][0]
    first_jaw_s = next(t for t, pose in zip(surface.times_s, renderer.poses, strict=True) if pose.weights[JAW] > 0.05)
    assert first_sound_s == pytest.approx(1.0, abs=0.02)
    assert first_jaw_s - first_sound_s == pytest.approx(0.04, abs=0.01)  # the next frame
    ends = [t + count / 16000 for t, count in surface.sound]
    assert [t for t, _ in surface.sound][1:] == pytest.approx(ends[:-1])
    assert view.controller.report().av_offset_ms_p95 == pytest.approx(0.0, abs=0.5)


async def test_a_slow_renderer_skips_to_the_newest_slot(
    view: AvatarView, clock: VirtualClock, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    async def slow(work: Callable[..., object], *args: object) -> object:
        if work == renderer.draw:
            await clock.sleep_until(clock.now() + 0.1)
        return work(*args)

    view._thread.run = slow  # type: ignore[method-assign, assignment]
    await clock.advance(6.0)
    report = view.controller.report()
    assert report.frames_dropped > 60
    late = np.array(surface.times_s[20:])
    assert np.allclose(late * 25, np.round(late * 25))
    assert np.diff(late).max() <= 0.16 + 1e-6
    # It starts ahead by as long as it takes, so frames are still handed over in their slots.
    assert clock.now() - 100.0 - late[-1] < 0.2


@pytest.mark.parametrize("places_by_time", [False, True])
async def test_a_late_frame_is_for_surfaces_that_place_it_by_its_time(
    make_view: MakeView, clock: VirtualClock, renderer: FakeRenderer, surface: FakeSurface, places_by_time: bool
) -> None:
    surface.places_by_time = places_by_time  # type: ignore[attr-defined]
    view = make_view()
    await clock.advance(0.0)
    delays_s = itertools.cycle([0.001] * 9 + [0.06])  # one in ten takes longer than could be foreseen
    handed_s: list[float] = []

    async def uneven(work: Callable[..., object], *args: object) -> object:
        if work == renderer.draw:
            await clock.sleep_until(clock.now() + next(delays_s))
        else:
            handed_s.append(clock.now() - 100.0)
        return work(*args)

    view._thread.run = uneven  # type: ignore[method-assign, assignment]
    shown = len(surface.times_s)
    await clock.advance(6.0)
    late_s = [at_s - slot_s for at_s, slot_s in zip(handed_s, surface.times_s[shown:], strict=True)]
    assert (max(late_s) > 0.02) is places_by_time
    assert len(late_s) > 90
    assert view.controller.report().frames_dropped > 0
    await view.dispose()


def test_a_video_file_places_frames_by_their_time() -> None:
    assert VideoSurface.places_by_time


async def test_interrupt_while_a_frame_is_drawn_ahead(
    view: AvatarView, clock: VirtualClock, server: FakeServer, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    await view.controller.start()
    round_id = view.controller.send(speech(2.0), end=True)
    server.last.motion(round_id, 0, 50, end=True)
    await clock.advance(1.0)
    assert renderer.poses[-1].weights[JAW] == pytest.approx(1.0)
    view._loop._draw_s = 0.03  # type: ignore[union-attr]
    while len(renderer.poses) == len(surface.times_s):
        await clock.advance(0.005)  # until a frame is drawn, and waits for its slot
    drawn, presented = len(renderer.poses), len(surface.times_s)
    view.controller.interrupt()
    while len(surface.times_s) == presented:
        await clock.advance(0.005)
    assert len(renderer.poses) > drawn  # drawn again, with what is true now
    assert renderer.poses[-1].weights[JAW] < renderer.poses[drawn - 1].weights[JAW]
    await clock.advance(0.2)
    assert renderer.poses[-1].weights[JAW] == 0.0


async def test_a_view_needs_an_initialized_sdk(surface: FakeSurface) -> None:
    with pytest.raises(AvatarError, match=r"AvatarSDK\.initialize") as caught:
        AvatarView(AVATAR, surface)
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


@pytest.mark.usefixtures("ready")
async def test_a_view_needs_a_running_loop(surface: FakeSurface) -> None:
    with pytest.raises(AvatarError, match="event loop") as caught:
        await asyncio.to_thread(lambda: AvatarView(AVATAR, surface, speaker="silent"))
    assert caught.value.code is ErrorCode.ILLEGAL_STATE


@pytest.mark.usefixtures("ready")
async def test_unknown_speaker_and_renderer(surface: FakeSurface, renderer: FakeRenderer) -> None:
    with pytest.raises(AvatarError, match="portaudio"):
        AvatarView(AVATAR, surface, speaker="loud", renderer=renderer)
    with pytest.raises(AvatarError, match="cpu"):
        AvatarView(AVATAR, surface, speaker="silent", renderer="brush")


async def test_a_missing_bundle_is_told(
    make_view: MakeView, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    def missing(path: object) -> object:
        raise error(ErrorCode.AVATAR_ASSET_MISSING, f"no {path}")

    monkeypatch.setattr(avatarkit._view, "read_bundle", missing)
    errors: list[ErrorCode] = []
    view = make_view()
    view.controller.on_error = lambda reason: errors.append(reason.code)
    with pytest.raises(AvatarError) as caught:
        await view.mounted()
    assert caught.value.code is ErrorCode.AVATAR_ASSET_MISSING
    assert errors == [ErrorCode.AVATAR_ASSET_MISSING]
    await view.dispose()
    with pytest.raises(AvatarError):
        async with make_view():
            raise AssertionError("entered without an avatar")


async def test_a_renderer_that_fails_leaves_the_voice(
    view: AvatarView, clock: VirtualClock, server: FakeServer, renderer: FakeRenderer
) -> None:
    errors: list[ErrorCode] = []
    view.controller.on_error = lambda reason: errors.append(reason.code)
    await view.controller.start()
    renderer.failure = RuntimeError("out of paint")
    await clock.advance(0.1)
    assert errors == [ErrorCode.ANIMATION_PLAYER_NOT_INITIALIZED]
    view.controller.send(speech(0.3), end=True)
    await clock.advance(0.5)
    assert view.controller.conversation_state is ConversationState.PLAYING
    await clock.advance(0.5)
    assert view.controller.conversation_state is ConversationState.IDLE


async def test_dispose_is_final_and_idempotent(
    view: AvatarView, clock: VirtualClock, server: FakeServer, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    told: list[object] = []
    controller = view.controller
    await controller.start()
    controller.send(speech(1.0))
    await asyncio.gather(view.dispose(), view.dispose())
    await view.dispose()
    assert renderer.closed == 1
    assert not surface.closed  # it is the app's
    assert server.last.closed
    controller.on_connection_state = controller.on_conversation_state = told.append
    shown = len(surface.times_s)
    await clock.advance(1.0)
    assert len(surface.times_s) == shown
    assert told == []
    for step in (controller.interrupt, controller.pause, lambda: controller.send(speech(0.1))):
        with pytest.raises(AvatarError, match="disposed") as caught:
            step()
        assert caught.value.code is ErrorCode.ILLEGAL_STATE
    with pytest.raises(AvatarError, match="disposed"):
        await controller.start()


async def test_dispose_during_start(view: AvatarView, clock: VirtualClock, server: FakeServer) -> None:
    server.answer = lambda connection: None
    starting = asyncio.create_task(view.controller.start())
    await clock.advance(0.5)
    await view.dispose()
    with pytest.raises(AvatarError):
        await starting
    assert server.last.closed
    assert view.controller.connection_state is ConnectionState.DISCONNECTED


async def test_dispose_before_the_first_frame(make_view: MakeView, renderer: FakeRenderer) -> None:
    view = make_view()
    waiting = asyncio.create_task(view.mounted())
    await view.dispose()
    with pytest.raises(AvatarError):
        await waiting
    assert renderer.closed == 1


async def test_async_with(make_view: MakeView, renderer: FakeRenderer) -> None:
    async with make_view() as view:
        assert len(renderer.poses) == 1
        assert view.avatar is AVATAR
    assert renderer.closed == 1


async def test_cleanup_disposes_every_view(make_view: MakeView, renderer: FakeRenderer) -> None:
    views = [make_view(), make_view()]
    await AvatarSDK.cleanup()
    assert renderer.closed == 2
    for view in views:
        with pytest.raises(AvatarError):
            view.controller.interrupt()


async def test_two_views_in_one_process(make_view: MakeView, clock: VirtualClock, server: FakeServer) -> None:
    one, two = make_view(), make_view()
    await one.controller.start()
    await two.controller.start()
    first, second = one.controller.send(speech(0.2), end=True), two.controller.send(speech(0.2), end=True)
    assert first != second
    server.connections[0].motion(first, 0, 5, end=True)
    await clock.advance(0.3)
    assert server.connections[1].audio == [(second, len(speech(0.2)), True)]
    await one.dispose()
    assert two.controller.connection_state is ConnectionState.CONNECTED
    await two.dispose()


async def test_draws_in_a_thread_of_its_own(
    ready: None, monkeypatch: pytest.MonkeyPatch, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    """The one test here with a real thread: a renderer that blocks does not block the loop."""
    import threading

    from client_fakes import bundle

    entered, released = threading.Event(), threading.Event()
    drew = renderer.draw

    def draw(*args: object) -> object:
        entered.set()
        assert released.wait(10.0)
        return drew(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(renderer, "draw", draw)
    monkeypatch.setattr(avatarkit._view, "read_bundle", lambda path: bundle())
    view = AvatarView(AVATAR, surface, speaker="silent", renderer=renderer)
    assert await asyncio.to_thread(entered.wait, 10.0)
    view.controller.interrupt()  # the loop is free
    released.set()
    await view.mounted()
    await view.dispose()
    assert renderer.closed == 1


async def test_a_lost_device_is_told_and_the_conversation_goes_on(
    view: AvatarView, clock: VirtualClock, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[ErrorCode] = []
    view.controller.on_error = lambda reason: errors.append(reason.code)
    output: list[bool] = []
    view.controller.on_audio_output = output.append
    told = iter(["The sound device is gone."])
    monkeypatch.setattr(view._speaker, "trouble", lambda: next(told, None))
    await clock.advance(0.1)
    assert errors == [ErrorCode.PLAYBACK_START_FAILED]
    assert output == [False]


async def test_a_surface_without_area_is_not_drawn_on(
    view: AvatarView, clock: VirtualClock, renderer: FakeRenderer, surface: FakeSurface
) -> None:
    errors: list[ErrorCode] = []
    view.controller.on_error = lambda reason: errors.append(reason.code)
    await clock.advance(0.2)
    for size in ((0, 0), (1, 0)):
        surface.size = size
        await clock.advance(0.2)
        drawn, shown = len(renderer.poses), len(surface.times_s)
        await clock.advance(1.0)
        assert (len(renderer.poses), len(surface.times_s)) == (drawn, shown)
        assert view.render_size == (0, 0)
        assert view.bounding_rect() is None
        surface.size = (1, 1)
        await clock.advance(1.0)
        assert len(surface.times_s) >= shown + 22
    assert errors == []


async def test_a_surface_that_gets_its_area_later(
    make_view: MakeView, clock: VirtualClock, surface: FakeSurface
) -> None:
    surface.size = (0, 0)
    view = make_view()
    waiting = asyncio.create_task(view.mounted())
    await clock.advance(1.0)
    assert not waiting.done()
    surface.size = (1, 1)
    await clock.advance(0.2)
    await waiting
    await view.dispose()


async def test_mood_and_attention(view: AvatarView, clock: VirtualClock, renderer: FakeRenderer) -> None:
    await clock.advance(1.0)
    assert view.mood is Mood.NEUTRAL
    view.mood = Mood.CHEERFUL
    view.look_at(1.0, 0.0)
    await clock.advance(2.0)
    assert view.mood is Mood.CHEERFUL
    assert renderer.poses[-1].weights[ARKIT_INDEX["mouthSmileLeft"]] > 0.12
    assert renderer.poses[-1].head[1] > 0.08  # to the right of the picture: the avatar's left
    with pytest.raises(AvatarError):
        view.look_at(float("nan"), 0.0)
    report = view.controller.report()
    assert report.first_frame_ms is not None
    assert report.longest_frame_gap_ms == pytest.approx(40.0, abs=1.0)
