"""One subject of the comparison, in a process of its own: prints ``FIRST``, then one line of JSON for each size."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIRST = "first picture"
"""Printed as soon as there is one."""

UNCOUNTED = 3
"""Frames before the counted ones: compilation and caches."""

Draw = Callable[[int, int], Any]
"""Draws a frame at a side length in pixels and returns the picture in memory."""


def ours(name: str, threads: int, path: Path) -> tuple[Draw, Callable[[], dict[str, float]]]:
    from avatarkit.avatars import read_bundle  # noqa: PLC0415 - what loads counts
    from avatarkit.render import open_renderer  # noqa: PLC0415
    from bench.render.poses import speaking_pose  # noqa: PLC0415

    bundle = read_bundle(path)
    renderer = open_renderer(name, threads=threads)
    renderer.load(bundle)

    def draw(frame: int, side: int) -> Any:
        return renderer.draw(speaking_pose(frame), bundle.info.camera, (side, side))

    return draw, lambda: dict(getattr(renderer, "stage_ms", {}))


def pygfx(path: Path) -> tuple[Draw, Callable[[], dict[str, float]]]:
    """The same triangles, textures and shapes with pygfx's standard material, three lights and no shadow."""
    from avatarkit.avatars import read_bundle  # noqa: PLC0415 - what loads counts
    from bench.render.poses import speaking_pose  # noqa: PLC0415
    from bench.render.with_pygfx import Stage  # noqa: PLC0415

    stage = Stage(read_bundle(path))
    return lambda frame, side: stage.draw(speaking_pose(frame), side), dict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=("cpu", "gpu", "pygfx"))
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--sides", type=int, nargs="*", default=[256, 512, 1024])
    given = parser.parse_args()
    draw, stages = pygfx(given.bundle) if given.name == "pygfx" else ours(given.name, given.threads, given.bundle)
    draw(0, 512)
    print(FIRST, flush=True)
    for side in given.sides:
        times_ms, split, cpu_s = [], [], 0.0
        for frame in range(-UNCOUNTED, given.frames):
            cpu_began_s, began_s = time.process_time(), time.perf_counter()
            draw(frame + UNCOUNTED, side)
            if frame >= 0:
                times_ms.append((time.perf_counter() - began_s) * 1e3)
                cpu_s += time.process_time() - cpu_began_s
                split.append(stages())
        facts = {
            "side": side,
            "times_ms": times_ms,
            "cpu_ms": cpu_s / given.frames * 1e3,
            "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "stages": {name: sorted(s[name] for s in split)[len(split) // 2] for name in split[0]},
        }
        print(json.dumps(facts), flush=True)


if __name__ == "__main__":
    main()
