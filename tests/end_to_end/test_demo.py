"""`avatarkit demo` as a newcomer runs it, on a shorter clip."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import wave
from pathlib import Path

import av
import numpy as np

from .real_server import CLIP


def test_demo_leaves_a_talking_face(tmp_path: Path) -> None:
    clip = tmp_path / "clip.wav"
    with wave.open(str(CLIP), "rb") as source, wave.open(str(clip), "wb") as cut:
        cut.setparams(source.getparams())
        cut.writeframes(source.readframes(2 * source.getframerate()))
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "avatarkit.cli",
        "demo",
        "--out",
        str(out),
        "--audio",
        str(clip),
        "--size",
        "128",
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    summary = json.loads((out / "demo.json").read_text())
    names = [stage["name"] for stage in summary["stages"]]
    assert names == ["initialize", "load", "render", "authenticate", "connect and interact", "clean up"]
    assert all(name in result.stdout for name in names)
    assert summary["connection_states"] == ["connecting", "connected", "disconnected"]
    assert summary["conversation_states"] == ["playing", "idle"]
    assert summary["motion_frames"] == 50
    assert summary["first_motion_ms"] > 0
    assert summary["video"]["fps"] == 25.0
    assert (summary["video"]["width"], summary["video"]["height"]) == (128, 128)
    assert summary["video"]["frames"] >= 25 * 4
    assert (out / "demo.png").read_bytes().startswith(b"\x89PNG")

    with av.open(str(out / "demo.mp4")) as container:
        frames = [f.to_ndarray(format="gray").astype(np.int16) for f in container.decode(video=0)]
    changes = [np.abs(a - b).mean() for a, b in itertools.pairwise(frames)]
    assert max(changes) > 0.2, "the face does not move"
    with av.open(str(out / "demo.mp4")) as container:
        samples = np.concatenate([f.to_ndarray().ravel() for f in container.decode(audio=0)])
    assert np.abs(samples).max() > 0.1, "the video is silent"


def test_demo_refuses_what_is_not_speech(tmp_path: Path) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"RIFF this is not a wave file")
    command = [sys.executable, "-m", "avatarkit.cli", "demo", "--out", str(tmp_path), "--audio", str(bad)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert "invalidAudioInput" in result.stderr
    assert "Traceback" not in result.stderr
