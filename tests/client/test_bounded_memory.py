"""Whatever an app and a server pour in, in whatever order: what a view keeps is bounded, and let go at the end."""

from __future__ import annotations

import asyncio
import gc
import sys
import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from client_fakes import FakeConnection, speech
from hypothesis import given, settings
from hypothesis import strategies as st
from test_any_order import Chaos, chaos

from avatarkit import AvatarError, Mood
from avatarkit.clock import VirtualClock

MB = 1_000_000
# Ten minutes of audio, held or unheard, and its motion; what waits for the network; a thousand events.
MOST_BYTES = 130 * MB
AT_REST_BYTES = 2 * MB

_NOT_FOLLOWED = (type, types.ModuleType, types.FrameType, VirtualClock, asyncio.AbstractEventLoop, FakeConnection)


def parts(thing: Any) -> Iterator[Any]:
    """What an object keeps alive, without the module that a function lives in."""
    if isinstance(thing, types.FunctionType):
        yield from (cell.cell_contents for cell in thing.__closure__ or ())
    elif isinstance(thing, np.ndarray):
        if thing.base is not None:
            yield thing.base
    else:
        yield from gc.get_referents(thing)


def kept_bytes(root: Any) -> int:
    """Bytes of everything that an object keeps alive."""
    seen: set[int] = set()
    waiting, total = [root], 0
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _NOT_FOLLOWED):
            continue
        seen.add(id(thing))
        total += sys.getsizeof(thing)
        waiting.extend(parts(thing))
    return total


STEPS = st.one_of(
    st.tuples(st.just("audio"), st.sampled_from([0.1, 60.0, 300.0, 590.0]), st.booleans()),
    st.tuples(st.just("motion"), st.sampled_from([0, 10, 1400, 14_000, 10**6, 2**31]), st.sampled_from([1, 900])),
    st.tuples(st.just("old motion")),
    st.tuples(st.sampled_from(["interrupt", "pause", "resume", "lose", "start", "moods", "places", "errors"])),
    st.tuples(st.just("advance"), st.sampled_from([0.05, 0.5])),
)


async def pour(scene: Chaos, step: tuple[Any, ...]) -> None:
    """One step; a server that is flooded with audio takes none of it."""
    view, controller = scene.view, scene.view.controller
    match step:
        case ("audio", float(seconds), bool(end)):
            controller.send(speech(seconds), end=end)
        case ("motion", int(first), int(count)):
            if controller.player.round_id is not None and scene.server.connections:
                scene.server.last.motion(controller.player.round_id, min(first, 2**32 - count - 1), count)
        case ("moods",):
            for number in range(1000):
                view.mood = list(Mood)[number % len(Mood)]
        case ("places",):
            for number in range(1000):
                view.look_at(number % 7 / 7, 0.1)
        case ("errors",):
            if scene.server.connections:
                for _ in range(1500):
                    scene.server.last.error(3, "again and again", "a-request")
        case _:
            await scene.do(step)


async def play(patch: pytest.MonkeyPatch, script: list[tuple[Any, ...]]) -> None:
    async def takes_nothing(self: FakeConnection, data: bytes) -> None:
        await asyncio.get_running_loop().create_future()

    async with chaos(patch, 0) as (scene, renderer):
        await scene.view.controller.start()
        patch.setattr(FakeConnection, "send", takes_nothing)
        unread = scene.view.controller.events()  # somebody who listens and never takes anything
        for step in script:
            with suppress(AvatarError):  # a refusal is what bounds are for
                await pour(scene, step)
            await scene.clock.advance(0.0)
            scene.told.clear()
            renderer.poses.clear()
            assert kept_bytes(scene.view) < MOST_BYTES, step
        await scene.view.controller.close()
        await scene.clock.advance(0.1)
        renderer.poses.clear()
        assert kept_bytes(scene.view) < AT_REST_BYTES
        del unread


@settings(max_examples=10, deadline=None, derandomize=True)
@given(script=st.lists(STEPS, min_size=5, max_size=25))
def test_memory_is_bounded(script: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(play(patch, script))


def test_the_measure_sees_what_is_kept() -> None:
    class Keeper:
        def __init__(self) -> None:
            self.audio = [bytes(MB)]
            self.motion = {"rows": np.zeros(MB, np.uint8)[:10]}
            sound = bytes(MB)
            self.callback = lambda: sound

    assert 3 * MB < kept_bytes(Keeper()) < 3.1 * MB
