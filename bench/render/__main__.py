"""How fast avatars are drawn: ``python -m bench.render [bundle.glb] [--frames N] [--sides 256 512] [--film]``.

Every subject draws the same talking face into memory, each in a process of its own, one after the other: the CPU
renderer on one and two threads, the GPU renderer on what wgpu finds, pygfx alone (where it is installed) and three.js
in headless Chromium (where both are). ``cold``: seconds from starting a process, with everything compiled before, to
its first frame of 512 pixels, by the clock of the process that starts it, the median of five starts; three.js: from
the start of the page's script. ``--film`` renders a sound file to MP4.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from avatarkit.avatars import read_bundle
from bench.render import with_three
from bench.render.poses import BUILTIN
from bench.render.subject import FIRST

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "assets" / "hello.wav"
REFERENCE = "cpu, 2 threads"
MOST_FRAMES_OF_OTHERS = 30
"""Beside the CPU renderer: where they draw in software, they take seconds for a large picture."""
STARTS = 5
COLUMNS = ("fps", "p50", "p95", "p99", "cpu", "memory", "cold")


def measure(name: str, given: argparse.Namespace, threads: int = 1) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "bench.render.subject", name, str(given.bundle), "--threads", str(threads)]
    colds_s = [cold_s(command) for _ in range(STARTS)]
    frames = given.frames if name == "cpu" else min(given.frames, MOST_FRAMES_OF_OTHERS)
    command += ["--frames", str(frames), "--sides", *map(str, given.sides)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        print(f"{name}: {ran.stderr.strip().splitlines()[-1]}")
        return []
    rows = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    return [row | {"cold_s": float(np.median(colds_s))} for row in rows]


def cold_s(command: list[str]) -> float:
    """Seconds from here to the first picture of a subject, which draws no other; infinite when it draws none."""
    began_s = time.perf_counter()
    with subprocess.Popen(
        [*command, "--sides"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as started:
        assert started.stdout is not None
        drawn = any(line.strip() == FIRST for line in started.stdout)
        return time.perf_counter() - began_s if drawn else float("inf")


def subjects(given: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    results = {f"cpu, {n} thread{'s' * (n > 1)}": measure("cpu", given, n) for n in (1, 2)}
    for name, library in (("gpu", "wgpu"), ("pygfx", "pygfx")):
        if importlib.util.find_spec(library) is None:
            print(f"{name}: not measured, {library} is not installed")
        else:
            results[name] = measure(name, given)
    why_not = with_three.missing()
    if why_not is None:
        results["three.js"] = with_three.measure(given.bundle, given.sides, min(given.frames, MOST_FRAMES_OF_OTHERS))
    else:
        print(f"three.js: not measured, {why_not}")
    return {name: rows for name, rows in results.items() if rows}


def table(results: dict[str, list[dict[str, Any]]], side: int) -> None:
    rows = {name: entry for name, entries in results.items() for entry in entries if entry["side"] == side}
    reference = float(np.mean(rows[REFERENCE]["times_ms"])) if REFERENCE in rows else float("nan")
    print(f"\n{side} x {side}")
    print(f"{'':16}" + "".join(f"{name:>9}" for name in COLUMNS) + f"{'time, ' + REFERENCE + ' = 1':>26}")
    for name, entry in rows.items():
        mean = float(np.mean(entry["times_ms"]))
        p50, p95, p99 = np.percentile(entry["times_ms"], [50, 95, 99])
        cells = [f"{1000 / mean:.1f}", f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}"]
        cells.append(f"{entry['cpu_ms']:.1f}" if "cpu_ms" in entry else "-")
        cells.append(f"{entry['memory_mb']:.0f}" if "memory_mb" in entry else "-")
        cells.append(f"{entry['cold_s']:.2f}")
        stages = " ".join(f"{stage} {value:.1f}" for stage, value in entry.get("stages", {}).items())
        print(f"{name:16}" + "".join(f"{cell:>9}" for cell in cells) + f"{mean / reference:26.2f}  {stages}")


def film() -> None:
    print("\nspeech to MP4, `avatarkit render assets/hello.wav`")
    with tempfile.TemporaryDirectory(prefix="avatarkit-bench-") as folder:
        for size in ("512", "1080"):
            command = [sys.executable, "-m", "avatarkit.cli", "render", str(CLIP), "-o", f"{folder}/a.mp4"]
            ran = subprocess.run(
                [*command, "--size", size, "--renderer", "cpu", "--json"], capture_output=True, text=True, check=True
            )
            facts = json.loads(ran.stdout)
            print(
                f"{size:>5} px: {facts['frames']} pictures in {facts['took_s']:.1f} s, "
                f"{facts['times_real_time']:.2f} times real time"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, default=BUILTIN)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--sides", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--film", action="store_true", help="also render a sound file")
    given = parser.parse_args()
    given.bundle = given.bundle.resolve()
    bundle = read_bundle(given.bundle)
    triangles = sum(len(mesh.triangles) for mesh in bundle.meshes)
    print(f"{bundle.info.name}: {triangles} triangles; {platform.machine()}, {os.cpu_count()} processors")
    results = subjects(given)
    print("\nfps: whole frames in memory, a second; p50, p95, p99, cpu (processor time of a frame): ms; memory: MB")
    for side in given.sides:
        table(results, side)
    if given.film:
        film()


if __name__ == "__main__":
    main()
