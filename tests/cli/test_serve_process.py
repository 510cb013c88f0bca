"""`avatarkit serve` as a process of its own, with the other commands talking to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-m", "avatarkit.cli"]


@dataclass
class Served:
    process: subprocess.Popen[str]
    ready: dict[str, Any]

    def stop(self, number: int) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


def serve(data: Path, *more: str) -> Served:
    process = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--data", str(data), "--json", *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise AssertionError(process.communicate()[1])
    return Served(process, json.loads(line))


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, env=os.environ | environment, check=False
    )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    server = serve(tmp_path)
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.communicate()


def test_first_start_commands_over_http_restart_and_clean_ends(served: Served, tmp_path: Path) -> None:
    first = served.ready
    assert first["event"] == "ready"
    assert first["app_id"].startswith("app_")

    token = command("token", "--url", first["url"], "--json", AVATARKIT_API_KEY=first["api_key"])
    made = command("apps", "create", "shop", "--url", first["url"], "--json", AVATARKIT_ADMIN_KEY=first["admin_key"])
    local = command("apps", "list", "--data", str(tmp_path), "--json")
    assert json.loads(token.stdout)["app_id"] == first["app_id"]
    assert {app["id"] for app in json.loads(local.stdout)} == {first["app_id"], json.loads(made.stdout)["id"]}

    status, out, err = served.stop(signal.SIGTERM)
    assert (status, out) == (0, "")
    assert "Traceback" not in err
    for secret in (first["api_key"], first["admin_key"], json.loads(token.stdout)["session_token"]):
        assert secret not in err

    again = serve(tmp_path)
    status, out, err = again.stop(signal.SIGINT)
    assert set(again.ready) == {"event", "url", "version"}  # no key is ever shown twice
    assert (status, out) == (0, "")
    assert "Traceback" not in err


def test_a_taken_port_is_one_line_with_a_hint(served: Served, tmp_path: Path) -> None:
    port = served.ready["url"].rsplit(":", 1)[1]

    second = command("serve", "--port", port, "--data", str(tmp_path / "other"))

    assert second.returncode == 1
    assert second.stderr.startswith(f"error: Cannot listen on 127.0.0.1 port {port}")
    assert "--port" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_unknown_engine_ends_the_start_with_one_line(tmp_path: Path) -> None:
    ended = command("serve", "--port", "0", "--data", str(tmp_path), "--engine", "nonsense")

    assert ended.returncode == 1
    assert "error: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_the_extra_the_command_names_what_to_install() -> None:
    blocked = "import sys; sys.modules['typer'] = None; from avatarkit.cli import main; main(['--version'])"

    ended = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr == (
        "The command needs the library 'typer'. Install it with: pip install 'pyavatarkit[cli]'\n"
    )
