"""`avatarkit serve` as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

CLIP = Path(__file__).parents[2] / "assets" / "hello.wav"


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    ready: dict[str, str]  # what it announced; keys only at the first start on a data folder

    @property
    def url(self) -> str:
        return self.ready["url"]

    @property
    def app_id(self) -> str:
        return self.ready["app_id"]

    @property
    def api_key(self) -> str:
        return self.ready["api_key"]

    def token(self, *, lifetime_s: float = 600.0) -> str:
        reply = httpx.post(
            f"{self.url}/v1/console/session-tokens",
            headers={"X-Api-Key": self.api_key},
            json={"expireAt": int(time.time() + lifetime_s)},
        )
        assert reply.status_code == 200, reply.text
        return str(reply.json()["sessionToken"])


def start(data: Path) -> Server:
    command = [sys.executable, "-m", "avatarkit.cli", "serve", "--port", "0", "--data", str(data), "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event.get("event") == "ready":
            return Server(process, event)
    process.stdout.close()
    raise AssertionError(f"the server ended with {process.wait()}")


def stop(server: Server) -> None:
    server.process.terminate()
    server.process.wait(20)
    assert server.process.stdout is not None
    server.process.stdout.close()
