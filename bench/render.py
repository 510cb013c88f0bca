"""How fast the CPU renderer is: ``python -m bench.render [bundle.glb]``."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from avatarkit.avatars import read_bundle
from avatarkit.avatars.bundle import Bundle
from avatarkit.frames import ARKIT_INDEX, Pose
from avatarkit.render.cpu.renderer import CpuRenderer

BUILTIN = Path(__file__).parents[1] / "src/avatarkit/avatars/builtin/default.glb"
COLD = """
import sys, time
start = time.perf_counter()
from avatarkit.render import open_renderer
from avatarkit.avatars import read_bundle
from avatarkit.frames import Pose
bundle = read_bundle(sys.argv[1])
renderer = open_renderer("cpu")
renderer.load(bundle)
renderer.draw(Pose.neutral(), bundle.info.camera, (512, 512))
print(time.perf_counter() - start)
"""


def speaking_pose(frame: int) -> Pose:
    """A face that talks, blinks and sways: the weights of one frame in 25 a second."""
    pose = Pose.neutral()
    time_s = frame / 25.0
    wave = 0.5 + 0.5 * np.sin(time_s * np.array([23.0, 17.0, 11.0, 7.0, 5.0]))
    names = ("jawOpen", "mouthFunnel", "mouthSmileLeft", "mouthSmileRight", "browInnerUp")
    for name, value in zip(names, wave, strict=True):
        pose.weights[ARKIT_INDEX[name]] = 0.5 * value
    for name in ("mouthPucker", "mouthClose", "mouthLowerDownLeft", "mouthLowerDownRight", "cheekSquintLeft"):
        pose.weights[ARKIT_INDEX[name]] = 0.2 * wave[0]
    if frame % 75 < 4:
        pose.weights[[ARKIT_INDEX["eyeBlinkLeft"], ARKIT_INDEX["eyeBlinkRight"]]] = 1.0
    pose.head[:3] = 0.08 * np.sin(time_s * np.array([1.1, 0.7, 0.9]))
    return pose


def measure(bundle: Bundle, side: int, threads: int, frames: int) -> dict[str, float]:
    """Milliseconds of each stage and of whole frames, after two frames that do not count."""
    renderer = CpuRenderer(threads)
    renderer.load(bundle)
    times, stages, cpu_s = [], [], 0.0
    for frame in range(-2, frames):
        pose = speaking_pose(frame + 2)
        start, cpu_start = time.perf_counter(), time.process_time()
        renderer.draw(pose, bundle.info.camera, (side, side))
        if frame >= 0:
            cpu_s += time.process_time() - cpu_start
            times.append((time.perf_counter() - start) * 1e3)
            stages.append(renderer.stage_ms)
    renderer.close()
    p50, p95, p99 = np.percentile(times, [50, 95, 99])
    split = {name: float(np.median([stage[name] for stage in stages])) for name in stages[0]}
    fps, cpu = 1000.0 / float(np.mean(times)), cpu_s / frames * 1e3
    return {"fps": fps, "p50": p50, "p95": p95, "p99": p99, "cpu": cpu, **split}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", nargs="?", type=Path, default=BUILTIN)
    parser.add_argument("--frames", type=int, default=100)
    arguments = parser.parse_args()
    bundle = read_bundle(arguments.bundle)
    triangles = sum(len(mesh.triangles) for mesh in bundle.meshes)
    print(f"{bundle.info.name}: {triangles} triangles; {platform.machine()}, {os.cpu_count()} processors")
    cold = subprocess.run(
        [sys.executable, "-c", COLD, str(arguments.bundle)], capture_output=True, text=True, check=True
    )
    print(f"new process to first frame at 512 px, compiled before: {float(cold.stdout):.2f} s")
    columns = ("px", "threads", "fps", "p50", "p95", "p99", "cpu", "deform", "shadow", "draw")
    print(" ".join(f"{name:>7}" for name in columns) + "  (ms; cpu: processor time, which other load moves less)")
    for side in (256, 512, 1024):
        for threads in (1, 2):
            row = measure(bundle, side, threads, arguments.frames)
            print(f"{side:7} {threads:7} " + " ".join(f"{row[name]:7.1f}" for name in columns[2:]))


if __name__ == "__main__":
    main()
