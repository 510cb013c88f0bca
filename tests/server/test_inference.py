from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from avatarkit.clock import Clock, VirtualClock
from avatarkit.frames import MotionFrames
from avatarkit.motion.contract import MotionEngine
from avatarkit.protocol import ServerSession
from avatarkit.server.ingress import inference as module
from avatarkit.server.ingress.decoding import AudioFormat
from avatarkit.server.ingress.inference import Inference, Job
from avatarkit.server.ingress.load import Load
from avatarkit.server.ingress.speech import Speech
from avatarkit.server.observe.observer import Observer


class Loop:
    """An event loop and its clock, in virtual time; a step of the engine takes 2 ms."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._calls: list[tuple[float, Callable[..., object], tuple[Any, ...]]] = []

    def now(self) -> float:
        return self._now_s

    def call_soon(self, callback: Callable[..., object], *arguments: Any) -> None:
        self.call_later(0.0, callback, *arguments)

    def call_later(self, delay_s: float, callback: Callable[..., object], *arguments: Any) -> None:
        self._calls.append((self._now_s + delay_s, callback, arguments))

    def wrap_future(self, _work: Future[None], *, loop: Loop) -> Step:
        step = Step()
        loop.call_later(0.002, lambda: step.callback(step))
        return step

    def run(self, until_s: float) -> None:
        while due := [call for call in self._calls if call[0] <= until_s]:
            call = min(due, key=lambda entry: entry[0])
            self._calls.remove(call)
            self._now_s = max(self._now_s, call[0])
            call[1](*call[2])
        self._now_s = until_s


class AtOnce(Executor):
    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:  # type: ignore[override]
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


class Step:
    callback: Callable[[Any], object]

    def add_done_callback(self, callback: Callable[[Any], object]) -> None:
        self.callback = callback

    def cancelled(self) -> bool:
        return False

    def exception(self) -> None:
        return None


class Stream:
    def take(self) -> MotionFrames:
        return MotionFrames(np.zeros((1, 52), np.float32), np.zeros((1, 6), np.float32))


class Decoder:
    def stream(self) -> Stream:
        return Stream()

    def push(self, audio: bytes, *, is_last: bool) -> None:
        pass


class Speaker:
    """A session that says 40 ms of speech each 40 ms."""

    def __init__(self, inference: Inference, clock: Clock) -> None:
        self._inference, self._clock = inference, clock
        self._since_s: float | None = None
        self.waits_s: list[float] = []

    def speak(self) -> None:
        self._since_s = self._clock.now()
        self._inference.wake(self)

    def next_job(self, _latest_s: float, _much_s: float) -> Job | None:
        since_s, self._since_s = self._since_s, None
        if since_s is None:
            return None
        return Job(self, cast(Any, Decoder()), b"\0\0", False, since_s, is_latest=True)

    def take(self, job: Job) -> None:
        self.waits_s.append(self._clock.now() - job.since_s)


def speak_for_a_second(sessions: int, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[float]]:
    """Batches of the steps, and how long each piece of speech waited for its motion."""
    loop = Loop()
    clock = cast(Clock, loop)
    monkeypatch.setattr(
        module, "asyncio", SimpleNamespace(get_running_loop=lambda: loop, wrap_future=loop.wrap_future)
    )
    batches: list[int] = []

    class Counting(Observer):
        def engine_step(self, batch: int, seconds: float) -> None:
            batches.append(batch)

    inference = Inference(cast(MotionEngine, object()), AtOnce(), clock, Counting(clock), Load(clock, limit_s=0.0))
    speakers = [Speaker(inference, clock) for _ in range(sessions)]
    for turn in range(25):
        for number, speaker in enumerate(speakers):
            loop.call_later(turn * 0.04 + number * 0.04 / sessions, speaker.speak)
    loop.run(1.1)
    return batches, [wait for speaker in speakers for wait in speaker.waits_s]


def test_one_who_speaks_alone_is_served_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    batches, waits_s = speak_for_a_second(1, monkeypatch)
    assert batches == [1] * 25
    assert max(waits_s) == pytest.approx(0.002)


def test_a_crowd_shares_steps_and_nobody_waits_for_half_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    batches, waits_s = speak_for_a_second(200, monkeypatch)
    assert sum(batches) == 25 * 200
    assert len(waits_s) == 25 * 200
    assert sum(batches[-10:]) > 10 * 60  # without a distance there would be ten in each
    assert max(waits_s) < 0.020


class Waiting(Speaker):
    """A session whose audio waits, 40 ms at a time."""

    def next_job(self, latest_s: float, much_s: float) -> Job | None:
        job = super().next_job(latest_s, much_s)
        if job is not None:
            job.audio_s = 0.04
        return job


def test_who_finds_no_room_in_a_step_comes_first_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = Loop()
    clock = cast(Clock, loop)
    asyncio = SimpleNamespace(get_running_loop=lambda: loop, wrap_future=loop.wrap_future)
    monkeypatch.setattr(module, "asyncio", asyncio)
    inference = Inference(cast(MotionEngine, object()), AtOnce(), clock, Observer(clock), Load(clock, limit_s=0.0))
    speakers = [Waiting(inference, clock) for _ in range(400)]
    for speaker in speakers:
        speaker.speak()

    loop.run(0.002)
    served = [bool(speaker.waits_s) for speaker in speakers]
    speakers[0].speak()
    loop.run(0.004)

    assert 100 < sum(served) < 300
    assert served == sorted(served, reverse=True)  # the first came first
    assert all(speaker.waits_s for speaker in speakers[: 2 * sum(served)])
    assert len(speakers[0].waits_s) == 1  # it spoke again, behind those that waited

    loop.run(1.0)
    assert [len(speaker.waits_s) for speaker in speakers] == [2] + [1] * 399


def speech_at(clock: VirtualClock) -> Speech:
    """One request of a session, of which nothing was inferred so far."""
    inference = cast(Inference, SimpleNamespace(clock=clock, engine=SimpleNamespace(open=print), wake=lambda _: None))
    speech = Speech(
        cast(ServerSession, None),
        lambda _message: None,
        inference,
        hold=lambda _is_held: None,
        fail=lambda _problem: None,
        audio_format=AudioFormat(16_000),
        style=None,
        limit_bytes=1 << 24,
    )
    speech.begin("one", Observer(clock).session("c", "a", "v").turn("one"))
    return speech


async def test_speech_in_real_time_counts_as_late_however_late_the_server_is() -> None:
    clock = VirtualClock()
    speech = speech_at(clock)
    for _ in range(50):  # two seconds that nobody served
        speech.push("one", bytes(1280))
        await clock.advance(0.04)

    job = speech.next_job(0.04, 0.8)

    assert job is not None
    assert job.is_latest
    assert job.audio_s == pytest.approx(0.04)  # little of many is what catches up soonest
    assert clock.now() - job.since_s == pytest.approx(2.0)


async def test_a_speech_sent_at_once_is_not_late_while_it_is_worked_off() -> None:
    clock = VirtualClock()
    speech = speech_at(clock)
    speech.push("one", bytes(32_000 * 12))
    await clock.advance(0.1)

    job = speech.next_job(0.04, 0.8)

    assert job is not None
    assert not job.is_latest
    assert job.audio_s > 0.1
