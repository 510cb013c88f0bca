"""The sound device goes away, and perhaps comes back."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest
from client_fakes import AVATAR, FakeRenderer, FakeServer, FakeSurface, speech

import avatarkit._sound
from avatarkit import AudioOutputChanged, AvatarError, AvatarEvent, AvatarView, ConversationState, ErrorCode
from avatarkit._sound import TRIES, SoundWatch
from avatarkit.audio.silent import SilentSpeaker
from avatarkit.clock import VirtualClock
from avatarkit.errors import error

MakeView = Callable[[], AvatarView]


class LosingSpeaker(SilentSpeaker):
    """Silent, with a device that can be taken away."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.news: str | None = None
        self.is_there = True
        self.tries_s: list[float] = []

    def lose(self) -> None:
        self.news, self.is_there = "The sound device is gone.", False

    def trouble(self) -> str | None:
        told, self.news = self.news, None
        return told

    def recover(self) -> bool:
        self.tries_s.append(self._clock.now() - 100.0)
        return self.is_there


@pytest.fixture(autouse=True)
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(work: Callable[[], bool]) -> bool:
        return work()

    monkeypatch.setattr(avatarkit._sound, "in_a_thread", at_once)


@pytest.fixture
async def losing(
    clock: VirtualClock, renderer: FakeRenderer, surface: FakeSurface, make_view: MakeView
) -> AsyncIterator[tuple[AvatarView, LosingSpeaker]]:
    speaker = LosingSpeaker(clock)
    view = AvatarView(AVATAR, surface, speaker=speaker, renderer=renderer, seed=1, clock=clock)
    await clock.advance(0.0)
    yield view, speaker
    await view.dispose()


class Watched:
    """A watch of its own, looked at every half a second."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock, self.speaker = clock, LosingSpeaker(clock)
        self.output: list[bool] = []
        self.watch = SoundWatch(self.speaker, clock, self._take)

    def _take(self, event: AvatarEvent) -> None:
        if isinstance(event, AudioOutputChanged):
            self.output.append(event.available)

    async def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            self.watch.look()
            await self.clock.advance(0.5)


async def test_a_device_that_returns_is_told(losing: tuple[AvatarView, LosingSpeaker], clock: VirtualClock) -> None:
    view, speaker = losing
    output: list[bool] = []
    view.controller.on_audio_output = output.append
    speaker.lose()
    await clock.advance(1.5)
    assert output == [False]
    speaker.is_there = True
    await clock.advance(2.0)
    assert output == [False, True]


async def test_tries_are_bounded_and_grow_apart(clock: VirtualClock) -> None:
    watched = Watched(clock)
    watched.speaker.lose()
    await watched.run(600.0)
    waits = [b - a for a, b in itertools.pairwise([0.0, *watched.speaker.tries_s])]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30, 30, 30]
    assert len(waits) == TRIES
    assert watched.output == [False]
    assert not watched.watch.has_sound


async def test_after_a_good_while_the_tries_count_anew(clock: VirtualClock) -> None:
    watched = Watched(clock)
    for _ in range(3):
        watched.speaker.lose()
        watched.speaker.is_there = True
        await watched.run(40.0)
    assert watched.speaker.tries_s == [1.0, 41.0, 81.0]
    assert watched.output == [False, True] * 3


async def test_a_device_that_comes_and_goes_is_not_tried_for_ever(clock: VirtualClock) -> None:
    watched = Watched(clock)
    for _ in range(40):
        watched.speaker.lose()
        watched.speaker.is_there = True
        await watched.run(20.0)
    assert len(watched.speaker.tries_s) == TRIES
    assert watched.output.count(True) == TRIES


async def test_dispose_while_a_device_is_waited_for(
    losing: tuple[AvatarView, LosingSpeaker], clock: VirtualClock
) -> None:
    view, speaker = losing
    speaker.lose()
    await clock.advance(1.5)
    await view.dispose()
    await clock.advance(60.0)
    assert len(speaker.tries_s) == 1
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "avatarkit sound"]


async def test_a_round_with_neither_motion_nor_sound_is_told(
    losing: tuple[AvatarView, LosingSpeaker], clock: VirtualClock, server: FakeServer
) -> None:
    view, speaker = losing
    errors: list[ErrorCode] = []
    server.refusal = error(ErrorCode.SERVER_ERROR, "down")
    with pytest.raises(AvatarError):
        await view.controller.start()
    view.controller.on_error = lambda reason: errors.append(reason.code)
    view.controller.send(speech(0.1), end=True)
    assert errors == []
    speaker.lose()
    await clock.advance(0.3)
    view.controller.send(speech(0.1), end=True)
    assert errors == [ErrorCode.PLAYBACK_START_FAILED, ErrorCode.AUDIO_ONLY_INIT_FAILED]
    await clock.advance(0.2)
    assert view.controller.conversation_state is ConversationState.IDLE  # time went on
