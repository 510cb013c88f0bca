"""The server under test: a process of its own, and what the system says of it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_START_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Server:
    url: str
    app_id: str
    api_key: str
    process: subprocess.Popen[str]

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.url.removeprefix("http://").rsplit(":", 1)
        return host, int(port)

    def token(self) -> str:
        """A session token that lasts as long as the benchmark."""
        reply = httpx.post(
            f"{self.url}/v1/console/session-tokens",
            headers={"X-Api-Key": self.api_key},
            json={"expireAt": int(time.time()) + 12 * 3600},
        )
        reply.raise_for_status()
        return str(reply.json()["sessionToken"])

    def cpu_s(self) -> float:
        """Processor seconds used so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def memory_bytes(self) -> int:
        """Resident memory that is the process's own."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("the server is gone")

    def pin(self) -> bool:
        """Give the server one processor and this process, with the clients, another; ``False`` where there are not
        two. The clients' work then takes nothing from the server, and the server cannot take more than a core."""
        processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []
        if len(processors) < 2:
            return False
        for thread in os.listdir(f"/proc/{self.process.pid}/task"):
            os.sched_setaffinity(int(thread), processors[:1])
        os.sched_setaffinity(0, processors[1:])
        return True

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


@contextlib.contextmanager
def running_server(**settings: object) -> Iterator[Server]:
    """A fresh ``avatarkit serve`` in a temporary folder; settings by name."""
    variables = {f"AVATARKIT_{name.upper()}": str(value) for name, value in settings.items()}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "avatarkit.cli", "serve", "--json", "--port", "0", "--data", folder]
        environment = {**os.environ, "AVATARKIT_LOG_LEVEL": "error", "AVATARKIT_SESSIONS_PER_APP": "1000000"}
        environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **variables}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            yield Server(ready["url"], ready["app_id"], ready["api_key"], process)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()
            process.wait()
