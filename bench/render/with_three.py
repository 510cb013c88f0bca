"""The avatar drawn by three.js in headless Chromium, which here draws in software."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from avatarkit.avatars import read_bundle
from avatarkit.frames import ARKIT_INDEX
from bench.render.poses import SHAPES, speaking_pose
from bench.render.subject import UNCOUNTED

HERE = Path(__file__).parent
THREE = HERE.parents[1] / "web/node_modules/three"
CHROMIUM = os.environ.get("CHROMIUM", "chromium")
LIMIT_S = 900.0
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
TYPES = {".html": "text/html", ".js": "text/javascript", ".json": "application/json"}


def missing() -> str | None:
    """What would be needed, or ``None``."""
    if shutil.which(CHROMIUM) is None:
        return "Chromium is not installed"
    return None if THREE.is_dir() else "three.js is not installed (npm ci in web/)"


def measure(path: Path, sides: list[int], frames: int) -> list[dict[str, Any]]:
    """One entry for each size, as ``subject`` prints them."""
    results: queue.Queue[dict[str, Any]] = queue.Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(path, _plan(path, sides, frames), results))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="avatarkit-bench-") as profile:
        url = f"http://127.0.0.1:{server.server_address[1]}/three.html"
        browser = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", url],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            said = results.get(timeout=LIMIT_S)
        finally:
            browser.terminate()
            browser.wait()
            server.shutdown()
    if "error" in said:
        raise RuntimeError(f"three.js failed: {said['error']}")
    if not all(entry["drawn"] > 0.15 for entry in said["sizes"]):
        raise RuntimeError("three.js drew no avatar")
    return [{**entry, "cold_s": said["cold_s"]} for entry in said["sizes"]]


def _plan(path: Path, sides: list[int], frames: int) -> bytes:
    camera = read_bundle(path).info.camera
    poses = [speaking_pose(frame) for frame in range(UNCOUNTED + frames)]
    shapes = [
        {
            "weights": {name: float(pose.weights[ARKIT_INDEX[name]]) for name in SHAPES},
            "head": [float(angle) for angle in pose.head[:3]],
        }
        for pose in poses
    ]
    view = {"fov": camera.vertical_fov_deg, "position": camera.position, "target": camera.target}
    plan = {"camera": view, "shapes": shapes, "sides": sides, "frames": frames, "uncounted": UNCOUNTED}
    return json.dumps(plan).encode()


def _handler(avatar: Path, plan: bytes, results: queue.Queue[dict[str, Any]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0]
            if name == "/plan.json":
                self._send(plan, "application/json")
                return
            file = avatar if name == "/avatar.glb" else HERE / name[1:]
            if name.startswith("/three/"):
                file = (THREE / name.removeprefix("/three/")).resolve()
            if not file.is_file():
                self.send_error(404)
                return
            self._send(file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))

        def do_POST(self) -> None:
            results.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._send(b"", "text/plain")

        def _send(self, data: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
