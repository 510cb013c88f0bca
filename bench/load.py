"""How many speaking sessions the server carries: ``python -m bench.load [--sessions 50,100,200]``.

The server runs in a process of its own; this one holds the clients, which cost little. Every session speaks real
speech at real-time pace over a real socket.

*Lateness* of a frame: from when its client sent the last audio that the engine needs for it (its look-ahead included)
to when the frame arrived. *First motion*: from a request's first audio to its first motion, look-ahead and all.
*Per core*: seconds of motion made for each second of processor time that the server used.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import time
import wave
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from avatarkit.motion import open_engine
from avatarkit.protocol import avatarkit_pb2 as pb
from bench.swarm.client import Client, RefusedError, audio, connect
from bench.swarm.server import Server, running_server

SPEECH = Path(__file__).parents[1] / "assets" / "hello.wav"
LIMIT_S = 0.040


def speech() -> tuple[int, bytes]:
    with wave.open(str(SPEECH)) as file:
        return file.getframerate(), file.readframes(-1)


@dataclass
class Script:
    """What every session says: messages made once, and which message each frame can be made from."""

    rate: int
    chunk_s: float
    req_ids: list[str]
    messages: list[list[bytes]]
    enabled_by: list[int]
    """Of each frame: number of the chunk that completes what the engine needs."""


def write_script(engine_name: str, chunk_ms: int, rounds: int) -> Script:
    rate, pcm = speech()
    step = rate * chunk_ms // 1000 * 2
    chunks = [pcm[i : i + step] for i in range(0, len(pcm), step)]
    stream = open_engine(engine_name).open(rate)
    enabled_by: list[int] = []
    for number, chunk in enumerate(chunks):
        stream.push(chunk)
        if number == len(chunks) - 1:
            stream.finish()
        enabled_by += [number] * len(stream.take())
    req_ids = [f"20260101000000_bench{n:07d}" for n in range(rounds)]
    messages = [
        [audio(req_id, chunk, end=i == len(chunks) - 1) for i, chunk in enumerate(chunks)] for req_id in req_ids
    ]
    return Script(rate, chunk_ms / 1000, req_ids, messages, enabled_by)


@dataclass
class Tally:
    lateness: list[float] = field(default_factory=list)
    first_motion: list[float] = field(default_factory=list)
    frames: int = 0
    messages: int = 0
    wire_bytes: int = 0
    spoken_s: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)


class Speaker:
    """One session that speaks its script over and over, until told to stop."""

    def __init__(self, script: Script, tally: Tally) -> None:
        self._script = script
        self._tally = tally
        self._sent: list[float] = []
        self._round = -1
        self._frames = 0
        self.client: Client

    def heard(self, message: pb.Message, size: int, now_s: float) -> None:
        tally, reply = self._tally, message.server_response_animation
        if message.type == pb.MESSAGE_TYPE_SERVER_ERROR:
            tally.errors[message.server_error.message] += 1
            return
        tally.messages += 1
        tally.wire_bytes += size
        if not 0 <= self._round < len(self._script.req_ids) or reply.req_id != self._script.req_ids[self._round]:
            return
        count = reply.motion.frame_count
        if count and not self._frames:
            tally.first_motion.append(now_s - self._sent[0])
        for frame in range(reply.motion.first_frame, reply.motion.first_frame + count):
            tally.lateness.append(now_s - self._sent[self._script.enabled_by[frame]])
        self._frames += count
        tally.frames += count

    async def speak(self, stop: asyncio.Event) -> None:
        """Real-time pace: a chunk leaves when its last sample would have been spoken."""
        due_s = time.monotonic()
        for number, messages in enumerate(self._script.messages):
            self._round, self._sent, self._frames = number, [], 0
            for message in messages:
                due_s += self._script.chunk_s
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                if stop.is_set() or self.client.close_code is not None:
                    return
                self._sent.append(time.monotonic())
                self.client.send(message)
                self._tally.spoken_s += self._script.chunk_s
            while self._frames < len(self._script.enabled_by) and not stop.is_set():
                await asyncio.sleep(0.01)
                due_s = time.monotonic()


def percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"p{p}": float(np.percentile(values, p)) * 1000 for p in (50, 95, 99)}


async def real_time(server: Server, script: Script, sessions: int, seconds: float) -> dict[str, object]:
    """That many sessions speak for a while. The first seconds, while they come in, do not count."""
    token, tally = server.token(), Tally()
    before_bytes = server.memory_bytes()
    speakers: list[Speaker] = []
    refused: Counter[int] = Counter()
    tasks: list[asyncio.Task[None]] = []
    stop = asyncio.Event()
    for _ in range(sessions):
        speaker = Speaker(script, tally)
        try:
            speaker.client = await connect(server, token, speaker.heard, sample_rate=script.rate)
        except RefusedError as refusal:
            refused[refusal.status] += 1
            await asyncio.sleep(0.02)
            continue
        speakers.append(speaker)
        tasks.append(asyncio.create_task(speaker.speak(stop)))
        await asyncio.sleep(0.018)
    await asyncio.sleep(2)
    tally.lateness.clear()
    tally.frames = tally.messages = tally.wire_bytes = 0
    tally.spoken_s = 0.0
    started_s, cpu_s = time.monotonic(), server.cpu_s()
    own_cpu_s = time.process_time()
    await asyncio.sleep(seconds)
    wall_s, cpu_s = time.monotonic() - started_s, server.cpu_s() - cpu_s
    own_cpu_s = time.process_time() - own_cpu_s
    late, first = percentiles(tally.lateness), percentiles(tally.first_motion)
    memory = (server.memory_bytes() - before_bytes) / max(1, len(speakers))
    lost = sum(1 for speaker in speakers if speaker.client.close_code is not None)
    spoken_s, wire_bytes, frames = tally.spoken_s, tally.wire_bytes, tally.frames
    stop.set()
    await asyncio.gather(*tasks)
    for speaker in speakers:
        speaker.client.close()
    await asyncio.sleep(0.5)
    cores = cpu_s / wall_s
    return {
        "sessions": len(speakers),
        "refused": dict(refused),
        "lost": lost,
        "errors": dict(tally.errors),
        "lateness_ms": late,
        "first_motion_ms": first,
        "frames": frames,
        "server_cores": cores,
        "clients_cores": own_cpu_s / wall_s,
        "cpu_ms_per_motion_s": 1000 * cpu_s / max(1e-9, frames / 25),
        # By the motion that was made, so that a server that falls behind does not look fast.
        "sessions_per_core": frames / 25 / cpu_s if cpu_s else 0.0,
        "memory_kib_per_session": memory / 1024,
        "wire_bytes_per_s": wire_bytes / max(1e-9, spoken_s),
    }


async def fast(server: Server, engine_name: str, chunk_ms: int, rounds: int) -> dict[str, object]:
    """One session, audio faster than real time: each chunk leaves as soon as the motion of the one before came."""
    script = write_script(engine_name, chunk_ms, rounds)
    times: list[float] = []
    arrived = asyncio.Event()
    state = {"frames": 0, "bytes": 0}

    def heard(message: pb.Message, size: int, _now_s: float) -> None:
        state["frames"] += message.server_response_animation.motion.frame_count
        state["bytes"] += size
        arrived.set()

    client = await connect(server, server.token(), heard, sample_rate=script.rate)
    due = np.bincount(script.enabled_by, minlength=len(script.messages[0])).cumsum()
    for messages in script.messages:
        state["frames"] = 0
        for number, message in enumerate(messages):
            sent_s = time.monotonic()
            client.send(message)
            while state["frames"] < due[number]:
                arrived.clear()
                await asyncio.wait_for(arrived.wait(), 30)
            if due[number] > (due[number - 1] if number else 0):
                times.append(time.monotonic() - sent_s)
    client.close()
    return {"chunk_ms": chunk_ms, "chunks": len(times), "ms": percentiles(times)}


async def at_once(server: Server) -> dict[str, object]:
    """A whole speech in one message: how long the motion takes, and how many bytes it is."""
    rate, pcm = speech()
    state = {"bytes": 0, "messages": 0}
    first: list[float] = []
    ended = asyncio.Event()

    def heard(message: pb.Message, size: int, now_s: float) -> None:
        first.append(now_s)
        state["bytes"] += size
        state["messages"] += 1
        if message.server_response_animation.end:
            ended.set()

    client = await connect(server, server.token(), heard, sample_rate=rate)
    sent_s = time.monotonic()
    client.send(audio("20260101000000_atonce000000", pcm, end=True))
    await asyncio.wait_for(ended.wait(), 60)
    all_s = time.monotonic() - sent_s
    client.close()
    spoken_s = len(pcm) / 2 / rate
    return {
        "speech_s": spoken_s,
        "first_motion_ms": (first[0] - sent_s) * 1000,
        "all_motion_ms": all_s * 1000,
        "messages": state["messages"],
        "wire_bytes_per_s": state["bytes"] / spoken_s,
    }


async def idle(server: Server, count: int) -> dict[str, float]:
    """Memory of connections that are confirmed and say nothing."""
    token = server.token()
    warm = await connect(server, token, lambda *_: None)
    await asyncio.sleep(0.5)
    before = server.memory_bytes()
    clients = []
    for start in range(0, count, 25):
        clients += await asyncio.gather(
            *(connect(server, token, lambda *_: None) for _ in range(min(25, count - start)))
        )
    await asyncio.sleep(1)
    used = (server.memory_bytes() - before) / count
    for client in [warm, *clients]:
        client.close()
    await asyncio.sleep(0.5)
    return {"connections": count, "kib_per_connection": used / 1024}


async def run(options: argparse.Namespace) -> dict[str, object]:
    result: dict[str, object] = {"engine": options.engine, "machine": machine()}
    print(f"engine {options.engine}, {options.chunk_ms} ms chunks, {machine()}")
    rounds = int(4 + options.seconds / 10 + max(options.sessions) * 0.02)
    script = write_script(options.engine, options.chunk_ms, rounds)
    with running_server(engine=options.engine, overload_lateness_s=options.overload_lateness_s) as server:
        if options.pin:
            print("one processor for the server, the others for the clients" if server.pin() else "nothing to pin to")
        await at_once(server)  # warms up
        result["idle"] = show("idle connections", await idle(server, options.idle))
        result["at_once"] = show("a speech in one message", await at_once(server))
        result["fast"] = [
            show(f"faster than real time, {ms} ms chunks", await fast(server, options.engine, ms, 4))
            for ms in (40, 100)
        ]
        print(
            f"{'sessions':>8} {'refused':>7} {'lost':>4} {'late p50':>8} {'p95':>6} {'p99':>6} {'first p50':>9} "
            f"{'p95':>6} {'p99':>6} {'cores':>6} {'per core':>8} {'KiB/s.':>7} {'B/s':>6} {'clients':>7}"
        )
        table = []
        for sessions in options.sessions:
            row = await real_time(server, script, sessions, options.seconds)
            table.append(row)
            show_row(row)
        result["real_time"] = table
    return result


def show(title: str, values: dict[str, object]) -> dict[str, object]:
    parts = []
    for name, value in values.items():
        if isinstance(value, dict):
            text = " ".join(f"{key} {number:.1f}" for key, number in value.items())
        else:
            text = f"{value:.1f}" if isinstance(value, float) else str(value)
        parts.append(f"{name} {text}")
    print(f"{title}: {', '.join(parts)}", flush=True)
    return values


def show_row(row: dict[str, object]) -> None:
    late, first = row["lateness_ms"], row["first_motion_ms"]
    assert isinstance(late, dict)
    assert isinstance(first, dict)
    refused = row["refused"]
    assert isinstance(refused, dict)
    numbers = [late.get(p, float("nan")) for p in ("p50", "p95", "p99")]
    numbers += [first.get(p, float("nan")) for p in ("p50", "p95", "p99")]
    print(
        f"{row['sessions']:>8} {sum(refused.values()):>7} {row['lost']:>4} {numbers[0]:>8.1f} {numbers[1]:>6.1f} "
        f"{numbers[2]:>6.1f} {numbers[3]:>9.1f} {numbers[4]:>6.1f} {numbers[5]:>6.1f} {row['server_cores']:>6.2f} "
        f"{row['sessions_per_core']:>8.0f} {row['memory_kib_per_session']:>7.1f} {row['wire_bytes_per_s']:>6.0f} "
        f"{row['clients_cores']:>7.2f}",
        flush=True,
    )
    if row["errors"]:
        print("         errors:", row["errors"])


def machine() -> str:
    load = os.getloadavg()[0]
    return f"{platform.machine()}, {os.cpu_count()} processors, load average {load:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sessions", type=lambda text: [int(part) for part in text.split(",")], default=[50, 100, 200]
    )
    parser.add_argument("--seconds", type=float, default=12.0, help="measured for each number of sessions")
    parser.add_argument("--chunk-ms", type=int, default=40)
    parser.add_argument("--engine", default="")
    parser.add_argument("--idle", type=int, default=1000, help="idle connections to measure the memory of")
    parser.add_argument(
        "--overload-lateness-s", type=float, default=0.0, help="the server's setting; 0 refuses nobody"
    )
    parser.add_argument("--pin", action="store_true", help="one processor for the server, others for the clients")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.engine = options.engine or open_engine().name
    result = asyncio.run(run(options))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
