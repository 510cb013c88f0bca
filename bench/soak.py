"""Churn of sessions for a while: ``python -m bench.soak [--minutes 10]``.

Clients come, speak, interrupt, break off, send garbage, read nothing, and go, many at a time. Every round that was
ended by its client and not broken off must get all its frames and one end; the server's memory and open files must
stay flat; nothing may go wrong in its log.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter

import numpy as np

from avatarkit.audio.opus import OggOpusEncoder
from avatarkit.protocol import avatarkit_pb2 as pb
from bench.load import speech
from bench.swarm.client import Client, audio, connect, masked
from bench.swarm.server import Server, running_server

_ROUND_TIMEOUT_S = 60.0
_WARM_UP = 0.25
"""Share of the time in which memory may still grow: pools fill and tables load."""


class Visitor:
    """One client's visit, of one of several kinds."""

    def __init__(self, chance: random.Random, counts: Counter[str], pcm: bytes, rate: int) -> None:
        self._chance, self._counts, self._pcm, self._rate = chance, counts, pcm, rate
        self._frames: Counter[str] = Counter()
        self._ends: Counter[str] = Counter()
        self._news = asyncio.Event()

    def heard(self, message: pb.Message, _size: int, _now_s: float) -> None:
        if message.type == pb.MESSAGE_TYPE_SERVER_RESPONSE_ANIMATION:
            reply = message.server_response_animation
            self._frames[reply.req_id] += reply.motion.frame_count
            self._ends[reply.req_id] += reply.end
        self._news.set()

    async def visit(self, server: Server, token: str) -> None:
        kind = self._chance.choice(("speak", "speak", "speak", "interrupt", "break off", "garbage", "idle"))
        client = await connect(server, token, self.heard, sample_rate=self._rate)
        try:
            await getattr(self, "_" + kind.replace(" ", "_"))(client)
            self._counts[kind] += 1
        finally:
            client.close()

    async def _speak(self, client: Client) -> None:
        for number in range(self._chance.randint(1, 3)):
            await self._round(client, f"round{number}")

    async def _round(self, client: Client, req_id: str) -> None:
        size = 2 * self._chance.randint(0, self._rate * 6)
        step = self._chance.choice((641, 4096, 65_536))
        for start in range(0, size, step):
            client.send(audio(req_id, self._pcm[start : min(start + step, size)]))
            await asyncio.sleep(0)
        client.send(audio(req_id, b"", end=True))
        async with asyncio.timeout(_ROUND_TIMEOUT_S):
            while not self._ends[req_id]:
                self._news.clear()
                await self._news.wait()
        wanted = -(-size // 2 * 25 // self._rate)
        if self._frames[req_id] != wanted or self._ends[req_id] != 1:
            self._counts["LOST"] += 1
        self._counts["rounds"] += 1
        self._counts["frames"] += wanted

    async def _interrupt(self, client: Client) -> None:
        client.send(audio("cut", self._pcm[: self._rate * 8]))
        await asyncio.sleep(self._chance.random() * 0.05)
        interrupt = pb.Message(type=7, client_interrupt=pb.ClientInterrupt(req_id="cut"))
        client.send(masked(interrupt.SerializeToString()))
        await self._round(client, "after")
        if self._ends["cut"] != 1:
            self._counts["LOST"] += 1

    async def _break_off(self, client: Client) -> None:
        client.send(audio("gone", self._pcm))
        await asyncio.sleep(self._chance.random() * 0.1)
        client.transport.abort()

    async def _garbage(self, client: Client) -> None:
        client.send(self._chance.randbytes(self._chance.randint(1, 200)))
        await asyncio.sleep(0.05)

    async def _idle(self, client: Client) -> None:
        await asyncio.sleep(self._chance.random() * 2)


async def opus_visit(server: Server, token: str, counts: Counter[str], pcm: bytes, rate: int) -> None:
    """One round in Opus by way of the ordinary client: its configuration differs."""
    del rate
    encoder = OggOpusEncoder(sample_rate=16_000)
    stream = encoder.encode(pcm[:64_000]) + encoder.finish()
    ended = asyncio.Event()

    def heard(message: pb.Message, _size: int, _now_s: float) -> None:
        if message.server_response_animation.end:
            ended.set()

    client = await connect(server, token, heard, is_opus=True)
    client.send(audio("opus", stream, end=True))
    await asyncio.wait_for(ended.wait(), _ROUND_TIMEOUT_S)
    client.close()
    counts["opus"] += 1


async def run(options: argparse.Namespace) -> bool:
    rate, pcm = speech()
    counts: Counter[str] = Counter()
    samples: list[tuple[float, int, int]] = []
    chance = random.Random(options.seed)
    with running_server(engine=options.engine, overload_lateness_s=0, slow_reader_timeout_s=5) as server:
        token = server.token()
        started_s = time.monotonic()
        end_s = started_s + options.minutes * 60

        async def come_and_go() -> None:
            while time.monotonic() < end_s:
                try:
                    if chance.random() < 0.1:
                        await opus_visit(server, token, counts, pcm, rate)
                    else:
                        await Visitor(chance, counts, pcm, rate).visit(server, token)
                except (TimeoutError, ConnectionError, OSError) as problem:
                    counts[f"FAILED {type(problem).__name__}"] += 1

        visitors = [asyncio.create_task(come_and_go()) for _ in range(options.visitors)]
        while time.monotonic() < end_s:
            await asyncio.sleep(min(5.0, options.minutes * 6))
            samples.append((time.monotonic() - started_s, server.memory_bytes(), server.open_files()))
            print(
                f"{samples[-1][0]:6.0f} s  {samples[-1][1] / 2**20:7.1f} MiB  {samples[-1][2]:4d} files  "
                f"{sum(v for k, v in counts.items() if k not in ('rounds', 'frames')):6d} visits",
                flush=True,
            )
        await asyncio.gather(*visitors)
        await asyncio.sleep(2)
        samples.append((time.monotonic() - started_s, server.memory_bytes(), server.open_files()))
    return report(counts, samples, options.minutes * 60)


def report(counts: Counter[str], samples: list[tuple[float, int, int]], seconds: float) -> bool:
    settled = [sample for sample in samples if sample[0] >= _WARM_UP * seconds]
    times = np.array([sample[0] for sample in settled]) / 60
    memory = np.array([sample[1] for sample in settled]) / 2**20
    slope = float(np.polyfit(times, memory, 1)[0]) if len(settled) > 2 else 0.0
    print("visits:", ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
    print(f"memory: {memory[0]:.1f} MiB after the warm-up, {memory[-1]:.1f} at the end, {slope:+.2f} MiB a minute")
    lost = sum(count for kind, count in counts.items() if kind == "LOST" or kind.startswith("FAILED"))
    print(f"lost: {lost}; open files at the end: {samples[-1][2]}")
    return lost == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5)
    parser.add_argument("--visitors", type=int, default=40, help="clients at a time")
    parser.add_argument("--engine", default="envelope")
    parser.add_argument("--seed", type=int, default=1)
    sys.exit(0 if asyncio.run(run(parser.parse_args())) else 1)


if __name__ == "__main__":
    main()
