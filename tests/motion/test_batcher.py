"""The batcher gives everyone their own frames, in few steps, soon, and keeps failures apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from engine_suite import babble, frames_of

from avatarkit.clock import VirtualClock
from avatarkit.frames import MotionFrames
from avatarkit.motion.articulatory import ArticulatoryEngine, ArticulatoryStream
from avatarkit.motion.batcher import MOST_STREAMS, Batcher
from avatarkit.motion.envelope import EnvelopeEngine


class CountingEngine(ArticulatoryEngine):
    steps: list[int]

    def advance(self, streams: Sequence[ArticulatoryStream]) -> None:
        self.steps = [*getattr(self, "steps", []), len(streams)]
        super().advance(streams)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0.001)


@pytest.mark.parametrize("engine", [ArticulatoryEngine(), EnvelopeEngine()], ids=lambda e: e.name)
async def test_everyone_gets_their_own_frames(engine: ArticulatoryEngine) -> None:
    batcher = Batcher(engine, tick_s=0.0)
    sounds = [babble(0.9, seed=i, level=0.1 + 0.05 * i) for i in range(5)]

    async def talk(i: int) -> np.ndarray:
        stream = engine.open(16000, seed=i)
        parts = [sounds[i][start : start + 3201] for start in range(0, len(sounds[i]), 3201)]
        taken = [await batcher.infer(stream, part, last=part is parts[-1]) for part in parts]
        return np.concatenate([frames.weights for frames in taken])

    for i, weights in enumerate(await asyncio.gather(*map(talk, range(5)))):
        assert np.array_equal(weights, frames_of(engine, 16000, [sounds[i]], seed=i).weights)


async def test_the_first_job_starts_at_once_and_those_within_a_tick_go_together() -> None:
    clock, engine = VirtualClock(), CountingEngine()
    batcher = Batcher(engine, clock=clock)
    jobs = [asyncio.create_task(batcher.infer(engine.open(16000), bytes(640)))]
    await jobs[0]
    assert engine.steps == [1]
    jobs = [asyncio.create_task(batcher.infer(engine.open(16000), bytes(640))) for _ in range(3)]
    await settle()
    assert engine.steps == [1]
    await clock.advance(0.021)
    assert all(isinstance(frames, MotionFrames) for frames in await asyncio.gather(*jobs))
    assert engine.steps == [1, 3]


async def test_a_crowd_is_cut_into_steps() -> None:
    engine = CountingEngine()
    batcher = Batcher(engine, tick_s=0.0)
    await asyncio.gather(*(batcher.infer(engine.open(16000), bytes(640)) for _ in range(300)))
    assert sum(engine.steps) == 300
    assert max(engine.steps) <= MOST_STREAMS


async def test_one_streams_failure_is_its_own() -> None:
    engine = ArticulatoryEngine()
    batcher = Batcher(engine, tick_s=0.0)
    ended = engine.open(16000)
    ended.finish()
    bad = asyncio.create_task(batcher.infer(ended, bytes(640)))
    good = asyncio.create_task(batcher.infer(engine.open(16000), bytes(6400), last=True))
    with pytest.raises(ValueError, match="finished"):
        await bad
    assert len(await good) == 5


async def test_a_cancelled_job_does_not_stop_the_others() -> None:
    clock, engine = VirtualClock(), ArticulatoryEngine()
    batcher = Batcher(engine, clock=clock)
    await batcher.infer(engine.open(16000), bytes(640))
    doomed = asyncio.create_task(batcher.infer(engine.open(16000), bytes(640)))
    other = asyncio.create_task(batcher.infer(engine.open(16000), bytes(1280), last=True))
    await settle()
    doomed.cancel()
    await clock.advance(0.021)
    assert len(await other) == 1
