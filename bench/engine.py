"""What a motion engine costs and how late it is: streams a core, latency by chunk size and crowd, memory.

    python -m bench.engine [--json FILE] [--engine NAME]

One thread. Times are processor time, the best of several runs, since other programs share the machine. Speech is
synthetic syllables at 16 kHz (and, for the resampler, 24 and 48 kHz).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from avatarkit.motion import open_engine
from avatarkit.server.memory import keep_freed_memory

_LATENCY_HEAD = "| chunk | streams | first frame after first chunk | from frame start: p50 | p95 | most |"
_SECONDS = 2.0
_RUNS = 4


def speech(rate: int, seconds: float, seed: int = 0) -> bytes:
    """Syllables of a buzz with a moving formant, PCM."""
    t = np.arange(int(rate * seconds)) / rate
    rng = np.random.default_rng(seed)
    buzz = sum(np.sin(2 * np.pi * 120 * k * t) / k for k in range(1, 25))
    sound = buzz * np.clip(np.sin(2 * np.pi * 3.5 * t), 0, 1) + 0.02 * rng.standard_normal(len(t))
    return np.rint(np.clip(0.2 * sound, -1, 1) * 32767).astype("<i2").tobytes()


def _best(run: Callable[[], None]) -> float:
    """Least processor seconds of several runs."""
    times = []
    for _ in range(_RUNS):
        started = time.process_time()
        run()
        times.append(time.process_time() - started)
    return min(times)


def _advance(engine: Any, streams: list[Any]) -> None:
    if hasattr(engine, "advance"):
        engine.advance(streams)
    for stream in streams:
        stream.take()


def throughput(engine: Any, crowd: int, rate: int = 16000, chunk_ms: int = 20) -> float:
    """Real-time streams that one core keeps up with, in steps of ``crowd`` streams and ``chunk_ms`` of audio."""
    pcm, size = speech(rate, _SECONDS), 2 * rate * chunk_ms // 1000

    def run() -> None:
        streams = [engine.open(rate, seed=i) for i in range(crowd)]
        for start in range(0, len(pcm), size):
            for stream in streams:
                stream.push(pcm[start : start + size])
            _advance(engine, streams)

    return crowd * _SECONDS / _best(run)


def latency_ms(engine: Any, chunk_ms: int, crowd: int) -> tuple[float, float, float, float]:
    """First frame after the first chunk's arrival; then p50, p95 and most from a frame's start to its coming out.

    Audio arrives in real time; a chunk is there when its last sample was spoken. Work is counted as measured, waiting
    as it would be: a chunk's step starts when the chunk is there and the step before is done.
    """
    pcm, size = speech(16000, _SECONDS), 2 * 16 * chunk_ms
    streams = [engine.open(16000, seed=i) for i in range(crowd)]
    free_s, first_s, given, delays = 0.0, None, 0, []
    for n, start in enumerate(range(0, len(pcm), size)):
        arrival_s = (n + 1) * chunk_ms / 1000
        started = time.process_time()
        for stream in streams:
            stream.push(pcm[start : start + size])
        if hasattr(engine, "advance"):
            engine.advance(streams)
        counts = [len(stream.take()) for stream in streams]
        free_s = max(free_s, arrival_s) + time.process_time() - started
        for _ in range(counts[0]):
            delays.append((free_s - given * 0.04) * 1000)
            given += 1
        if given and first_s is None:
            first_s = free_s - chunk_ms / 1000
    return (first_s or 0.0) * 1000, *(float(np.percentile(delays, q)) for q in (50, 95, 100))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--engine", action="append", help="engine to measure; default: both")
    arguments = parser.parse_args()
    keep_freed_memory()  # as the server does
    results: dict[str, Any] = {}
    for label, options in (
        ("articulatory", {}),
        ("articulatory low-latency", {"profile": "low-latency"}),
        ("envelope", {}),
    ):
        name = label.split()[0]
        if arguments.engine and name not in arguments.engine:
            continue
        results[label] = measure(label, open_engine(name, **options))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1), encoding="utf-8")


def measure(label: str, engine: Any) -> dict[str, Any]:
    """All figures of one engine."""
    print(f"\n### {label}\n")
    found: dict[str, Any] = {"state_bytes": getattr(engine, "state_bytes", None)}
    if found["state_bytes"]:
        print(f"memory carried by a stream: {found['state_bytes']} bytes")
    print("\n| streams in a step | rate | streams a core |\n|---|---|---|")
    for crowd, rate in ((1, 16000), (32, 16000), (64, 16000), (200, 16000), (200, 24000), (200, 48000)):
        found[f"streams {crowd} at {rate}"] = throughput(engine, crowd, rate)
        print(f"| {crowd} | {rate // 1000} kHz | {found[f'streams {crowd} at {rate}']:.0f} |", flush=True)
    found["streams 200, 40 ms chunks"] = throughput(engine, 200, 16000, 40)
    print(f"| 200, chunks of 40 ms | 16 kHz | {found['streams 200, 40 ms chunks']:.0f} |")
    print(f"\n{_LATENCY_HEAD}\n|---|---|---|---|---|---|")
    for chunk_ms in (20, 40, 100):
        for crowd in (1, 32, 200):
            figures = latency_ms(engine, chunk_ms, crowd)
            found[f"latency {chunk_ms} ms, {crowd}"] = figures
            cells = " | ".join(f"{value:.0f} ms" for value in figures)
            print(f"| {chunk_ms} ms | {crowd} | {cells} |", flush=True)
    return found


if __name__ == "__main__":
    main()
