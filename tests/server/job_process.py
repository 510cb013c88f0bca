"""A server's job runner in a process of its own, to be killed while a child of it works.

``python job_process.py DATA URL`` takes jobs; ``python -m job_process work`` is the child: it says who it is and
works for ever.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from avatarkit.server.library.assets import AssetFolder
from avatarkit.server.library.child import run_child
from avatarkit.server.library.jobs import JobRunner
from avatarkit.server.library.photo import Progress
from avatarkit.server.store.database import Store


async def _photograph(_picture: Path, _bundle: Path, _name: str, tell: Progress) -> None:
    def on_line(line: str) -> None:
        tell(20, "working")
        print(line, flush=True)

    await run_child("job_process", "work", timeout_s=600, on_line=on_line)


async def _main(data: Path, url: str) -> None:
    store = await Store.open(data, url)
    runner = JobRunner(store, AssetFolder(data / "assets"), time.time, photograph=_photograph)
    runner.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    if sys.argv[1] == "work":
        print(os.getpid(), flush=True)
        time.sleep(600)
    else:
        asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
