"""The committed protocol module is what the schema generates."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import avatarkit.protocol

ROOT = Path(__file__).parent.parent
GENERATED = Path(avatarkit.protocol.__file__).parent


def test_generated_module_matches_the_schema(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "grpc_tools.protoc", "-I", str(ROOT / "proto")]
    command += [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", "avatarkit.proto"]
    subprocess.run(command, check=True)
    for name in ("avatarkit_pb2.py", "avatarkit_pb2.pyi"):
        assert (tmp_path / name).read_text() == (GENERATED / name).read_text(), f"run `make proto` ({name})"
