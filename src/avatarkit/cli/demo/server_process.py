"""The demo's server: `avatarkit serve` as a process of its own, on a free loopback port, with data of its own."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from avatarkit.errors import ErrorCode, Phase, error

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server and the credentials that it printed on its first start."""

    url: str
    app_id: str
    api_key: str
    process: asyncio.subprocess.Process

    async def stop(self) -> None:
        """Ask it to end, then insist. Idempotent."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await asyncio.wait_for(self.process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_server(data: Path, *, port: int = 0) -> ServerProcess:
    """Start a server with fresh data in ``data`` and wait until it is ready.

    Raises ``AvatarError`` (``serverError``) with the server's last words if it ends before, and kills it if
    it is not ready in :data:`READY_TIMEOUT_S` seconds.
    """
    command = (
        "-m",
        "avatarkit.cli",
        "serve",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--data",
        str(data),
        "--json",
    )
    log_path = data / "server.log"
    with log_path.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=log
        )
    try:
        ready = await asyncio.wait_for(_ready_line(process), READY_TIMEOUT_S)
    except (TimeoutError, EOFError) as exc:
        if process.returncode is None:
            process.kill()
        await process.wait()
        last_words = log_path.read_text(errors="replace")[-2000:]
        raise error(
            ErrorCode.SERVER_ERROR,
            f"The server did not get ready. It said:\n{last_words}",
            phase=Phase.INITIALIZE,
        ) from exc
    return ServerProcess(ready["url"], ready["app_id"], ready["api_key"], process)


async def _ready_line(process: asyncio.subprocess.Process) -> dict[str, str]:
    assert process.stdout is not None
    while line := await process.stdout.readline():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("event") == "ready":
            return event
    raise EOFError
