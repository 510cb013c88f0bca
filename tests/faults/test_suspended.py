"""A process that is stopped in mid-speech, and goes on at the position that is heard then."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_server import FaultServer

from avatarkit.frames import ARKIT_INDEX, HEAD_COUNT, WEIGHT_COUNT, MotionFrames
from avatarkit.protocol import MotionChunk

SPEECH_S = 3.2
STOPPED_S = 1.2
FRAME_S = 0.04


def numbered(first: int, count: int) -> MotionChunk:
    """Motion that tells its frame."""
    weights = np.zeros((count, WEIGHT_COUNT), np.float32)
    weights[:, ARKIT_INDEX["tongueOut"]] = np.arange(first, first + count) / 255
    return MotionChunk(first, *MotionFrames(weights, np.zeros((count, HEAD_COUNT), np.float32), first).quantised())


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    made = FaultServer()
    made.chunk = numbered
    await made.start()
    yield made
    await made.stop()


async def lines(process: asyncio.subprocess.Process) -> AsyncIterator[dict[str, Any]]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        yield json.loads(line)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs a system that can stop a process")
async def test_a_suspended_process_comes_back_in_time(server: FaultServer) -> None:
    script = Path(__file__).with_name("suspended_client.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(server.port), str(SPEECH_S), stdout=asyncio.subprocess.PIPE
    )
    told: list[dict[str, Any]] = []
    try:
        async with asyncio.timeout(60.0):
            async for line in lines(process):
                told.append(line)
                if line.get("shown", 0) > 15 and "stopped" not in told[0]:
                    told[0]["stopped"] = line["shown"]
                    os.kill(process.pid, signal.SIGSTOP)
                    await asyncio.sleep(STOPPED_S)
                    os.kill(process.pid, signal.SIGCONT)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert [line["error"] for line in told if "error" in line] == []
    assert [line["state"] for line in told if "state" in line] == ["connecting", "connected", "playing", "idle"]
    finished = [line for line in told if "finished" in line]
    assert [(line["finished"], line["interrupted"]) for line in finished] == [(pytest.approx(SPEECH_S), False)]
    (end,) = [line for line in told if "connection" in line]
    assert end["connection"] == "connected"

    # The face fades in and out at the ends; between, the weight is the frame's number.
    speech = [line["shown"] for line in told if line.get("shown", 0) >= 10]
    rising = speech[: int(np.argmax(speech)) + 1]
    steps = [b - a for a, b in itertools.pairwise(rising)]
    assert min(steps) >= 0  # nothing old
    assert max(steps) >= (STOPPED_S - 0.3) / FRAME_S  # what lay between was never shown
    assert end["dropped"] >= (STOPPED_S - 0.3) / FRAME_S
    times = [line["at"] for line in told if "shown" in line]
    assert all(b - a > FRAME_S / 2 for a, b in itertools.pairwise(times))  # one frame for a slot: no burst
