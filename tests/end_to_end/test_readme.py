"""The README's Python runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import av

from .real_server import Server

ROOT = Path(__file__).parents[2]


def test_python_of_the_readme_makes_a_video(server: Server, tmp_path: Path) -> None:
    (source,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    source = source.replace("http://127.0.0.1:8700", server.url).replace("asyncio.sleep(14)", "asyncio.sleep(3)")
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    environment = {**os.environ, "APP_ID": server.app_id, "TOKEN": server.token()}
    command = [sys.executable, "-c", source]
    subprocess.run(command, cwd=tmp_path, env=environment, timeout=60, check=True)
    with av.open(str(tmp_path / "hello.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) > 50
