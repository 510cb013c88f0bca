"""What whole lifecycles leave behind: ``python -m bench.leaks [--lifecycles 200]``.

Each walks through all stages against a real server over real sockets, speaks, is interrupted, and cleans up. Then
tasks, threads, open files and sockets, and the process's memory are counted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import tempfile
import threading
from pathlib import Path

from avatarkit import AvatarManager, AvatarSDK, AvatarView, Configuration
from avatarkit.cli.demo.server_process import ServerProcess, start_server
from avatarkit.cli.demo.stages import fetch_token
from avatarkit.render import OffscreenSurface

SPEECH = bytes(range(256)) * 64


async def lifecycle(server: ServerProcess, cache: Path) -> None:
    await AvatarSDK.initialize(server.app_id, Configuration(endpoint=server.url, cache_dir=cache))
    avatar = await AvatarManager.shared().load("default")
    async with AvatarView(avatar, OffscreenSurface((32, 32)), speaker="silent") as view:
        AvatarSDK.set_session_token(await fetch_token(server))
        await view.controller.start()
        view.controller.send(SPEECH)
        await asyncio.sleep(0.05)
        view.controller.interrupt()
        await view.controller.close()
    await AvatarSDK.cleanup()


def held() -> dict[str, int]:
    gc.collect()
    links = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
    resident = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "sockets": sum("socket:" in link for link in links),
        "open files": len(links),
        "memory, MiB": int(resident.split()[1]) // 1024,
    }


async def main(count: int) -> None:
    if not sys.platform.startswith("linux"):
        raise SystemExit("bench.leaks counts in /proc and needs Linux")
    with tempfile.TemporaryDirectory() as folder:
        server = await start_server(Path(folder))
        rows: list[tuple[int, dict[str, int]]] = []
        try:
            for number in range(1, count + 1):
                await lifecycle(server, Path(folder) / "cache")
                if number in (5, count // 2, count):
                    rows.append((number, held()))
        finally:
            await server.stop()
    names = list(rows[0][1])
    print("| lifecycles | " + " | ".join(names) + " |")
    print("|---|" + "---|" * len(names))
    for number, row in rows:
        print(f"| {number} | " + " | ".join(str(row[name]) for name in names) + " |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lifecycles", type=int, default=200)
    asyncio.run(main(parser.parse_args().lifecycles))
